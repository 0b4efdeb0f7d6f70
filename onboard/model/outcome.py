"""What is wrong with a server, what is worst, and what it looks like: one answer for every face.

Table, text, JSON, CSV, HTML, window and progress ask here, and `HostState.outcome` for the end: one story of one run.
"""

from enum import StrEnum

from onboard.model.changes import StepOutcome
from onboard.model.finding import Finding, Verdict
from onboard.model.state import HostState
from onboard.model.status import HostStatus

# By how much they need a person. None: the run was interrupted before the server's end.
NEED: tuple[HostStatus | None, ...] = (
    HostStatus.FAILED,
    HostStatus.UNREACHABLE,
    HostStatus.UNTRUSTED,
    HostStatus.BLOCKED,
    None,
    HostStatus.SKIPPED,
    HostStatus.WARNED,
    HostStatus.READY,
    HostStatus.ONLINE,
)
WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN)  # verdicts that deserve a look


class Sign(StrEnum):
    """The glyph of a state. The word next to it is the caller's: neither glyph nor colour says it alone."""

    DONE = "✓"
    WARN = "▲"
    BAD = "✕"
    UNKNOWN = "?"
    SKIPPED = "–"
    UNFINISHED = "…"

    @property
    def tone(self) -> str:
        """The name of its colour: ok, warn, bad or idle."""
        return _TONES.get(self, "idle")


_TONES = {Sign.DONE: "ok", Sign.WARN: "warn", Sign.BAD: "bad"}
_OF_STATUS = {
    HostStatus.ONLINE: Sign.DONE,
    HostStatus.READY: Sign.DONE,
    HostStatus.WARNED: Sign.WARN,
    HostStatus.BLOCKED: Sign.BAD,
    HostStatus.FAILED: Sign.BAD,
    HostStatus.UNREACHABLE: Sign.BAD,
    HostStatus.UNTRUSTED: Sign.WARN,
    HostStatus.SKIPPED: Sign.SKIPPED,
    None: Sign.UNFINISHED,
}
_OF_VERDICT = {
    Verdict.PASS: Sign.DONE,
    Verdict.WARN: Sign.WARN,
    Verdict.FAIL: Sign.BAD,
    Verdict.UNKNOWN: Sign.UNKNOWN,
}


def sign_of_status(status: HostStatus | None) -> Sign:
    return _OF_STATUS[status]


def sign_of_verdict(verdict: Verdict) -> Sign:
    return _OF_VERDICT[verdict]


def need_of(status: HostStatus | None) -> int:
    """A key to sort by: what needs a person comes first."""
    return NEED.index(status)


def has_warnings(host: HostState, command: str) -> bool:
    """Whether a run of `command` brought the server online although checks warned: it works, and deserves a look.

    Its status is online, which says that it was proven. What a step of the run repaired is no longer warned about.
    """
    return host.outcome(command) is HostStatus.ONLINE and bool(troubles(host))


def end_note(host: HostState, command: str) -> str:
    """What is to be said after the word for its end, if anything."""
    return f" ({HostStatus.WARNED})" if has_warnings(host, command) else ""


def end_sign(host: HostState, command: str) -> Sign:
    return Sign.WARN if has_warnings(host, command) else sign_of_status(host.outcome(command))


def end_need(host: HostState, command: str) -> int:
    """A key to sort by, as `need_of`; of those that came online, the ones with warnings come first."""
    return 2 * need_of(host.outcome(command)) + (not has_warnings(host, command))


def troubles(host: HostState) -> tuple[Finding, ...]:
    """What is wrong with a server, the worst first: its reason unless a finding says the same, and its findings.

    The reason of its end is a finding of no check: `check` is "".
    """
    found = sorted(
        (one for one in host.findings if one.status in WORST_FIRST and not _is_mended(one, host)), key=_badness
    )
    well = host.status is None or host.status.is_well
    if not host.reason or well or any(one.summary == host.reason for one in found):
        return tuple(found)
    reason = Finding(
        check="",
        status=Verdict.FAIL,
        summary=host.reason,
        remedy=host.remedy,
        evidence=host.evidence,
        wording=host.wording,
    )
    return (reason, *found)


def _is_mended(finding: Finding, host: HostState) -> bool:
    """Whether a step of this run has repaired what was found."""
    return host.steps.get(finding.fix) in (StepOutcome.DONE, StepOutcome.UNCHANGED)


def _badness(finding: Finding) -> int:
    return WORST_FIRST.index(finding.status)
