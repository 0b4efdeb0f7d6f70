"""What a check says of a server."""

from dataclasses import dataclass
from enum import StrEnum

from onboard.model.harmless import Harmless
from onboard.model.words import Wording, wording_of


class Verdict(StrEnum):
    """How bad it is. `UNKNOWN`: it could not be learned, which is never the same as `FAIL`."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Harmless):
    """One check's judgement of one server.

    check     name of the check, which reads as the healthy state: `clock_in_sync`
    status    see Verdict
    summary   what is, in one line. Equal causes are grouped by its template: what changes from server to server
              goes into a `Text` as a value, or into `evidence`
    remedy    what to do, a `Remedy` where there are commands; "" when it passed
    evidence  what was seen on this very server, verbatim; may differ from server to server
    fix       name of the step that repairs it, always (`install_agent`) or when asked to (`install_roots`), or ""
    wording   what summary and remedy are made of; None where they say all
    """

    check: str
    status: Verdict
    summary: str
    remedy: str = ""
    evidence: str = ""
    fix: str = ""
    wording: Wording | None = None

    @classmethod
    def of(
        cls, check: str, status: Verdict, summary: str, *, remedy: str = "", evidence: str = "", fix: str = ""
    ) -> "Finding":
        """With the wording of what it says."""
        return cls(
            check=check,
            status=status,
            summary=str(summary),
            remedy=str(remedy),
            evidence=evidence,
            fix=fix,
            wording=wording_of(summary, remedy),
        )

    @property
    def words(self) -> Wording:
        """What it says, taken apart as far as it is known."""
        return self.wording or Wording(self.summary, advice=self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause(Harmless):
    """One cause and the servers it concerns, by name. `check` is "" for a server that failed outside any check.

    Values that differ from server to server are merged: `clock 5–12 minutes slow`.
    """

    check: str
    status: Verdict
    summary: str
    remedy: str
    hosts: tuple[str, ...]
    wording: Wording | None = None

    @property
    def words(self) -> Wording:
        """What it says, taken apart as far as it is known."""
        return self.wording or Wording(self.summary, advice=self.remedy)
