"""Programs may run where the agent's are, and where it puts the scripts that Run Command sends (/var/lib/amazon)."""

from onboard.checks.agent_mounts import mounted_with
from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import disk_space
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "agent_paths_executable"
PATHS = ("/usr/bin", "/var/lib/amazon")


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    barred = mounted_with("noexec", PATHS, facts)
    if isinstance(barred, Unknown):
        return not_known(NAME, "whether programs may run in the agent's folders", barred)
    if barred.on:
        return failed(
            NAME,
            f"{', '.join(barred.on)} is mounted noexec",
            remedy=f"Allow it: sudo mount -o remount,exec {barred.on[0]}, and take noexec out of /etc/fstab. Or give "
            "the agent a file system of its own at /var/lib/amazon",
            evidence=barred.evidence,
        )
    return passed(NAME, "programs may run in the agent's folders", barred.evidence)


CHECK = Check(NAME, (disk_space.FACT,), judge)
