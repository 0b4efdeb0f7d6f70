"""Where a server is reached. This identifies a server: a name in a list may later mean a different machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """An address and a port, and the way there: the names of the jump hosts to go through, the first one first.

    The same private address behind another jump host may be another server. Places are equal whatever the case of
    their addresses, and with or without a domain name's last dot.
    """

    address: str
    port: int
    way: tuple[str, ...] = ()

    def __str__(self) -> str:
        through = f" through {', '.join(self.way)}" if self.way else ""
        return f"{self.address} port {self.port}{through}"

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, Place) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, int, tuple[str, ...]]:
        return self.address.casefold().removesuffix("."), self.port, self.way
