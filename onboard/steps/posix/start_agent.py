"""Start the agent, now and with the system, and see that exactly one process of it stays."""

from collections.abc import Mapping

from onboard.facts.base import Unknown
from onboard.facts.posix import agent
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.plan import Change
from onboard.model.words import Text
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, Supplies

_RUNNING = ("active", "activating", "reloading")


class StartAgent(Step):
    """Restarts a running agent if an earlier step disturbs it."""

    name = ChangeName.START_AGENT
    doing = Text("Starting the agent")

    def is_made(self, before: Before) -> bool:
        return _is_well(before) and not _is_disturbed(before)

    def change(self, before: Before) -> Change:
        return Change.of(self.name, Text("Start the agent, now and with the system"))

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        variables = {"restart": "yes" if _is_disturbed(before) else "no"}
        return script.run(
            connection,
            script.compose(POSIX, self.name, "apply", variables, (script.SERVICE,)),
            failure="The agent does not run",
        )

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", script.undo_variables(undo), (script.SERVICE,)),
            failure="The agent's service was not restored",
        )


def _is_disturbed(before: Before) -> bool:
    return any(step.disturbs_agent for step in before.planned)


def _is_well(before: Before) -> bool:
    found = before.facts.get(agent.FACT)
    if isinstance(found, Unknown) or len(found.processes) != 1:
        return False
    # An init script reports no state: only the process can be seen.
    return all(service.state in _RUNNING and service.enabled != "disabled" for service in found.services)
