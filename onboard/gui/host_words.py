"""The words for a server's status and for what is wrong with it."""

from onboard.gui.text import say, tr
from onboard.gui.widgets.mark import Mark
from onboard.model.finding import Verdict
from onboard.model.outcome import troubles
from onboard.model.state import HostState
from onboard.model.status import HostStatus


def status_word(status: HostStatus) -> str:
    """Return the word for how a server ended. For a server that has not ended, the caller chooses the word."""
    words = {
        HostStatus.ONLINE: tr("Online"),
        HostStatus.READY: tr("Ready"),
        HostStatus.WARNED: tr("Warned"),
        HostStatus.BLOCKED: tr("Blocked"),
        HostStatus.FAILED: tr("Failed"),
        HostStatus.UNREACHABLE: tr("Unreachable"),
        HostStatus.UNTRUSTED: tr("Identity not approved"),
        HostStatus.SKIPPED: tr("Skipped"),
    }
    return words[status]


def verdict_word(verdict: Verdict) -> str:
    """Return the word for a check's verdict."""
    words = {
        Verdict.PASS: tr("passed"),
        Verdict.WARN: tr("warned"),
        Verdict.FAIL: tr("failed"),
        Verdict.UNKNOWN: tr("not known"),
    }
    return words[verdict]


def reason_of(host: HostState) -> str:
    """Return the worst problem of a server."""
    wrong = troubles(host)
    return say(wrong[0].words.sentence) if wrong else ""


def undo_words(host: HostState) -> tuple[str, Mark]:
    """Return the word and mark for the undo progress of a server."""
    if host.is_restored:
        return tr("Restored"), Mark.DONE
    if host.finished:
        return tr("Not restored"), Mark.SKIPPED if host.status is HostStatus.SKIPPED else Mark.BAD
    return (tr("Restoring"), Mark.HERE) if host.steps else (tr("Waiting"), Mark.WAITING)
