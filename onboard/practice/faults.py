"""What goes wrong on the way between a caller and the practice cloud, or with the caller's credentials."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What becomes of a call."""

    LOST = "lost"  # it is carried out, and the connection ends without an answer
    PAGE = "page"  # it does not arrive: a proxy answers with a page of its own, with status 200
    EXPIRED = "expired"  # it is refused, since the credentials have expired


@dataclass(slots=True)
class Fault:
    """A fault of the calls of one operation, or of several.

    calls   how many calls of each operation it befalls; None for all of them
    after   an operation: the fault begins once a call of it has been answered; "" for at once
    """

    kind: FaultKind
    calls: int | None = None
    after: str = ""
    _befallen: Counter[str] = field(default_factory=Counter, repr=False)

    def befalls(self, operation: str) -> bool:
        """Whether this call of `operation` is befallen; counts the call."""
        if self.after or (self.calls is not None and self._befallen[operation] >= self.calls):
            return False
        self._befallen[operation] += 1
        return True

    def answered(self, operation: str) -> None:
        """Take note of an answer."""
        if operation == self.after:
            self.after = ""
