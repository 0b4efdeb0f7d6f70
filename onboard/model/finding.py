"""What a check says of a server."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is. `UNKNOWN`: it could not be learned, which is never the same as `FAIL`."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's judgement of one server.

    check     name of the check, which reads as the healthy state: `clock_in_sync`
    status    see Verdict
    summary   what is, in one line, equal on servers with an equal cause, since findings are grouped by
              (check, status, summary): `clock 7 minutes slow`, not `clock 421.3 s slow`
    remedy    what to do, with the command to copy where there is one; "" when it passed
    evidence  what was seen on this very server, verbatim; may differ from server to server
    fix       name of the step that can repair it when asked to (`install_roots`), or ""
    """

    check: str
    status: Verdict
    summary: str
    remedy: str = ""
    evidence: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause and the servers it concerns, by name. `check` is "" for a server that failed outside any check."""

    check: str
    status: Verdict
    summary: str
    remedy: str
    hosts: tuple[str, ...]
