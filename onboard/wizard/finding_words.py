"""What the checks say of a server, with the fixes that the draft allows by now."""

from collections.abc import Collection

from onboard.checks.blocking import host_status
from onboard.model.finding import Finding
from onboard.model.outcome import troubles
from onboard.model.profile import Profile
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus

_BY_FIXES = (HostStatus.BLOCKED, HostStatus.WARNED)  # what a fix that is allowed, or no more, may change
_NAMES = ("dpkg", "rpm", "sudo", "systemd")


def status_of(host: HostState | None, fixes: Collection[str]) -> HostStatus | None:
    """The status that the engine would give it now; None when it was not judged yet."""
    if host is None or host.status not in _BY_FIXES or not host.findings:
        return host.status if host is not None else None
    return host_status(host.findings, fixes)


def to_check_again(profile: Profile, state: State) -> list[str]:
    """Servers that cannot be onboarded as they are, or were never checked."""
    fixes = profile.run.fixes
    statuses = {host.name: status_of(state.hosts.get(host.name), fixes) for host in profile.hosts}
    return [name for name, status in statuses.items() if status is None or not status.is_well]


def finding_of(host: HostState | None, check: str) -> Finding | None:
    """The server's finding of one check; of "" what says why it is not well when no check does."""
    if host is None:
        return None
    found = host.findings if check else troubles(host)
    return next((finding for finding in found if finding.check == check), None)


def sentence(summary: str) -> str:
    """A summary as the beginning of a sentence; names of services and programs stay as they are written."""
    first = summary.split(" ")[0]
    return summary if not first.isalpha() or first in _NAMES else summary[:1].upper() + summary[1:]
