"""Equal causes, grouped: "412 servers: clock 7 minutes slow"."""

from collections.abc import Iterable

from onboard.model.finding import Cause, Finding, Verdict
from onboard.model.state import HostState

WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN)


def causes_of(hosts: Iterable[HostState]) -> tuple[Cause, ...]:
    """Everything that is not well, the worst and the most frequent first."""
    groups: dict[tuple[str, Verdict, str, str], list[str]] = {}
    for host in hosts:
        for finding in trouble_of(host):
            key = (finding.check, finding.status, finding.summary, finding.remedy)
            groups.setdefault(key, []).append(host.name)
    causes = [
        Cause(check=check, status=status, summary=summary, remedy=remedy, hosts=tuple(names))
        for (check, status, summary, remedy), names in groups.items()
    ]
    return tuple(sorted(causes, key=lambda cause: (WORST_FIRST.index(cause.status), -len(cause.hosts))))


def trouble_of(host: HostState) -> Iterable[Finding]:
    """A server's findings that are not passed, and its reason when no finding says why it is not well."""
    trouble = host.trouble
    yield from trouble
    told = any(finding.status is Verdict.FAIL for finding in trouble)
    if host.reason and not told and host.status is not None and not host.status.is_well:
        yield Finding(check="", status=Verdict.FAIL, summary=host.reason, remedy=host.remedy)
