"""The file systems that the agent is installed on and works on are not mounted read-only."""

from onboard.checks.agent_mounts import mounted_with
from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import disk_space
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, foreign, sh

NAME = "agent_paths_writable"
PATHS = ("/usr/bin", "/etc", "/var/lib/amazon", "/var/log")


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    fixed = mounted_with("ro", PATHS, facts)
    if isinstance(fixed, Unknown):
        return not_known(NAME, "whether the agent's folders are writable", fixed)
    if fixed.on:
        return failed(
            NAME,
            Text("{mounts} is mounted read-only", mounts=", ".join(fixed.on)),
            remedy=Remedy(
                "The kernel does this after disk errors: check dmesg first. Then correct /etc/fstab and remount it for "
                "writing",
                sh("sudo", "mount", "-o", "remount,rw", foreign(fixed.on[0])),
            ),
            evidence=fixed.evidence,
        )
    return passed(NAME, "the agent's folders are writable", fixed.evidence)


CHECK = Check(
    NAME,
    (disk_space.FACT,),
    judge,
    short=Text("Writable"),
    why=Text("The agent cannot be installed where its folders are read-only."),
)
