"""Programs may run where the agent is installed and where it puts Run Command's scripts (/var/lib/amazon)."""

from onboard.checks.agent_mounts import mounted_with
from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import disk_space
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, foreign, sh

NAME = "agent_paths_executable"
PATHS = ("/usr/bin", "/var/lib/amazon")


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    barred = mounted_with("noexec", PATHS, facts)
    if isinstance(barred, Unknown):
        return not_known(NAME, "whether programs may run in the agent's folders", barred)
    if barred.on:
        return failed(
            NAME,
            Text("{mounts} is mounted noexec", mounts=", ".join(barred.on)),
            remedy=Remedy(
                "Remove noexec from /etc/fstab, or give the agent its own file system at /var/lib/amazon. This allows "
                "it until the next restart",
                sh("sudo", "mount", "-o", "remount,exec", foreign(barred.on[0])),
            ),
            evidence=barred.evidence,
        )
    return passed(NAME, "programs may run in the agent's folders", barred.evidence)


CHECK = Check(
    NAME,
    (disk_space.FACT,),
    judge,
    short=Text("Executable"),
    why=Text("The agent and the scripts that Run Command sends must be allowed to run from the agent's folders."),
)
