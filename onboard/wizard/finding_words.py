"""What the checks say about a server, given the fixes that the draft currently allows."""

from collections.abc import Collection

from onboard.checks.blocking import host_status
from onboard.model.finding import Finding
from onboard.model.outcome import troubles
from onboard.model.profile import Profile
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus

_BY_FIXES = (HostStatus.BLOCKED, HostStatus.WARNED)  # statuses that can change when a fix is allowed or withdrawn
_NAMES = ("dpkg", "rpm", "sudo", "systemd")


def status_of(host: HostState | None, fixes: Collection[str]) -> HostStatus | None:
    """The status that the engine would give the server now; None when it has not been judged yet."""
    if host is None or host.status not in _BY_FIXES or not host.findings:
        return host.status if host is not None else None
    return host_status(host.findings, fixes)


def to_check_again(profile: Profile, state: State) -> list[str]:
    """Servers that cannot be onboarded as they are, or were never checked."""
    fixes = profile.run.fixes
    statuses = {host.name: status_of(state.hosts.get(host.name), fixes) for host in profile.hosts}
    return [name for name, status in statuses.items() if status is None or not status.is_well]


def finding_of(host: HostState | None, check: str) -> Finding | None:
    """The server's finding for one check; for "" the one that says why it is not well if no check does."""
    if host is None:
        return None
    found = host.findings if check else troubles(host)
    return next((finding for finding in found if finding.check == check), None)


def sentence(summary: str) -> str:
    """The summary with a capital first letter, unless it starts with the name of a service or program."""
    first = summary.split(" ")[0]
    return summary if not first.isalpha() or first in _NAMES else summary[:1].upper() + summary[1:]
