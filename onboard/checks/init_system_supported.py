"""Something starts the agent, and starts it again after a reboot."""

from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import init_system
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text

NAME = "init_system_supported"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(init_system.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "what starts services", found)
    evidence = f"{found.name} {found.version}".strip()
    if found.is_systemd:
        return passed(NAME, "systemd starts services", evidence)
    if found.name == "upstart" or found.has_scripts:
        return warned(
            NAME,
            "services are started without systemd",
            remedy="After the installation, check that the agent starts when the server boots: nothing restarts it "
            "if it stops",
            evidence=evidence,
        )
    return failed(
        NAME,
        "nothing on this server starts services",
        remedy="The agent runs as a service: use a server with systemd. A container cannot be a managed node",
        evidence=evidence,
    )


CHECK = Check(
    NAME,
    (init_system.FACT,),
    judge,
    short=Text("Services"),
    why=Text("Something has to start the agent again after a reboot."),
)
