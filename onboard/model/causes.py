"""Equal causes, grouped: "412 servers: clock 7 minutes slow"."""

from collections.abc import Iterable

from onboard.model.finding import Cause, Verdict
from onboard.model.outcome import WORST_FIRST, troubles
from onboard.model.state import HostState


def causes_of(hosts: Iterable[HostState]) -> tuple[Cause, ...]:
    """Everything that is not well, the worst and the most frequent first."""
    groups: dict[tuple[str, Verdict, str, str], list[str]] = {}
    for host in hosts:
        for finding in troubles(host):
            key = (finding.check, finding.status, finding.summary, finding.remedy)
            groups.setdefault(key, []).append(host.name)
    causes = [
        Cause(check=check, status=status, summary=summary, remedy=remedy, hosts=tuple(names))
        for (check, status, summary, remedy), names in groups.items()
    ]
    return tuple(sorted(causes, key=lambda cause: (WORST_FIRST.index(cause.status), -len(cause.hosts))))
