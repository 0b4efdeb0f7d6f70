"""The file systems that the agent is installed on and works on are not mounted read-only."""

from onboard.checks.agent_mounts import mounted_with
from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import disk_space
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "agent_paths_writable"
PATHS = ("/usr/bin", "/etc", "/var/lib/amazon", "/var/log")


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    fixed = mounted_with("ro", PATHS, facts)
    if isinstance(fixed, Unknown):
        return not_known(NAME, "whether the agent's folders can be written to", fixed)
    if fixed.on:
        return failed(
            NAME,
            f"{', '.join(fixed.on)} is mounted read-only",
            remedy=f"Mount it for writing: sudo mount -o remount,rw {fixed.on[0]}, and in /etc/fstab. After errors of "
            "a disk the kernel does this by itself: see dmesg",
            evidence=fixed.evidence,
        )
    return passed(NAME, "the agent's folders can be written to", fixed.evidence)


CHECK = Check(NAME, (disk_space.FACT,), judge)
