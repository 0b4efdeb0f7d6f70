"""What blocks a server from being onboarded. Knows checks only by name, so that the wizard can use it quickly."""

from collections.abc import Collection

from onboard.model.finding import Finding, Verdict
from onboard.model.status import HostStatus

# Unknown is a warning, except where continuing could take a node from another account or would fail half way.
# A check that is not for a server's family has no finding there, so it blocks nothing.
MUST_BE_KNOWN = frozenset(
    {"privilege_sufficient", "package_manager_usable", "agent_not_clashing", "not_registered_elsewhere"}
)


def host_status(findings: Collection[Finding], fixes: Collection[str] = ()) -> HostStatus:
    """READY, WARNED or BLOCKED. `fixes`: steps that may repair a failure (`run.fixes`), which then does not block."""
    status = HostStatus.READY
    for finding in findings:
        if finding.status is Verdict.PASS:
            continue
        status = HostStatus.WARNED
        if finding.status is Verdict.FAIL:
            if not (finding.fix and finding.fix in fixes):
                return HostStatus.BLOCKED
        elif finding.status is Verdict.UNKNOWN and finding.check in MUST_BE_KNOWN:
            return HostStatus.BLOCKED
    return status
