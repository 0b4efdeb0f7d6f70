"""Merges lists of servers, and finds servers that are listed twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from onboard.model.errors import Problem, ProfileError
from onboard.model.formats import shown
from onboard.model.place import Place
from onboard.model.profile import Host


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A server that is the same as an earlier one. `key` is what both share, and `shared` says it in words."""

    index: int
    first: int
    key: Literal["name", "address"]
    shared: str


def merged(existing: Sequence[Host], imported: Sequence[Host], *, replace: bool) -> tuple[Host, ...]:
    """The servers of a profile after an import. A server that is equal in everything to an existing one is kept once.

    Raises ProfileError naming every imported server whose name or address and port another server has.
    """
    if replace:
        existing = ()
    known = set(map(_identity, existing))
    new = [host for host in imported if _identity(host) not in known]
    hosts = (*existing, *new)
    places = ["in the profile"] * len(existing) + ["in the imported list"] * len(new)
    problems = tuple(
        Problem(
            hosts[found.index].name,
            f"{found.shared} is already there, {places[found.first]}",
            "Rename or remove one of them",
        )
        for found in duplicates(hosts)
    )
    if problems:
        raise ProfileError("hosts", problems)
    return hosts


def duplicates(hosts: Iterable[Host]) -> list[Duplicate]:
    """Every server whose name, or address and port, an earlier one has."""
    names: dict[str, int] = {}
    places: dict[Place, int] = {}
    found: list[Duplicate] = []
    for index, host in enumerate(hosts):
        first = names.setdefault(host.name.casefold(), index)
        if first != index:
            found.append(Duplicate(index, first, "name", f"the name {shown(host.name)}"))
        place = host.place
        twin = places.setdefault(place, index)
        if twin not in (index, first):
            found.append(Duplicate(index, twin, "address", f"{shown(place.address)} port {place.port}"))
    return found


def _identity(host: Host) -> str:
    return host.model_dump_json()
