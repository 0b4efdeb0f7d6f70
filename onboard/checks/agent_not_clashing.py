"""At most one agent is installed, and at most one runs."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "agent_not_clashing"


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
            f"the agent is installed more than once: {', '.join(kinds)}",
            remedy="Remove one of them: sudo snap remove amazon-ssm-agent, or the other: sudo apt-get remove "
            "amazon-ssm-agent, or sudo yum erase amazon-ssm-agent",
            evidence=evidence,
        )
    if len(found.processes) > 1:
        return failed(
            NAME,
            "several agents run at once",
            remedy="End those that no service started: sudo systemctl stop amazon-ssm-agent; "
            "sudo pkill -x amazon-ssm-agen; sudo systemctl start amazon-ssm-agent",
            evidence=evidence,
        )
    if not found.is_installed:
        return passed(NAME, "no agent is installed yet")
    return passed(NAME, "one agent is installed", evidence)


CHECK = Check(NAME, (agent.FACT,), judge)
