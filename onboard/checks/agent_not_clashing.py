"""At most one agent is installed, and at most one is running."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, sh

NAME = "agent_not_clashing"
_REMOVE = {
    "deb": sh("sudo", "apt-get", "remove", "amazon-ssm-agent"),
    "rpm": sh("sudo", "rpm", "--erase", "amazon-ssm-agent"),
    "snap": sh("sudo", "snap", "remove", "amazon-ssm-agent"),
}


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(agent.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "which agents are installed", found)
    evidence = "; ".join(
        [f"{package.kind} {package.version}" for package in found.packages]
        + [f"process {process.pid} {process.path}".strip() for process in found.processes]
    )
    kinds = sorted({package.kind for package in found.packages})
    if len(kinds) > 1:
        return failed(
            NAME,
            Text("the agent is installed more than once: {kinds}", kinds=", ".join(kinds)),
            remedy=Remedy(
                Text("Keep one of them and remove the other. This removes the {kind}", kind=kinds[-1]),
                _REMOVE.get(kinds[-1]),
            ),
            evidence=evidence,
        )
    if len(found.processes) > 1:
        return failed(
            NAME,
            "several agent processes are running",
            remedy=Remedy(
                "Stop all of them, then let the service start one",
                sh("sudo", "systemctl", "stop", "amazon-ssm-agent"),
                sh("sudo", "pkill", "-x", "amazon-ssm-agen"),  # the kernel keeps 15 characters of a name
                sh("sudo", "systemctl", "start", "amazon-ssm-agent"),
            ),
            evidence=evidence,
        )
    if not found.is_installed:
        return passed(NAME, "no agent is installed yet")
    return passed(NAME, "one agent is installed", evidence)


CHECK = Check(
    NAME,
    (agent.FACT,),
    judge,
    short=Text("Agent"),
    why=Text("Two agents on one server compete for the same registration."),
)
