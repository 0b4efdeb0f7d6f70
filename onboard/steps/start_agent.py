"""Start the agent, now and with the system, and see that exactly one process of it stays."""

from collections.abc import Mapping, Sequence

from onboard.facts.base import Unknown
from onboard.facts.posix import agent
from onboard.facts.summary import is_broken_off
from onboard.hosts.connection import Connection
from onboard.model.plan import Change
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, Supplies

_RUNNING = ("active", "activating", "reloading")


class StartAgent(Step):
    """`earlier`: the steps after which a running agent must be started anew, to see what they changed."""

    name = "start_agent"

    def __init__(self, earlier: Sequence[Step]) -> None:
        self._earlier = tuple(earlier)

    def plan(self, before: Before) -> Change | None:
        if self._is_well(before) and not self._is_new(before) and not is_broken_off(self.name, before.facts):
            return None
        return Change(name=self.name, summary="Start the agent, now and with the system")

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        variables = {"restart": "yes" if self._is_new(before) else "no"}
        return script.run(
            connection,
            script.compose(POSIX, self.name, "apply", variables, (script.SERVICE,)),
            failure="The agent does not run",
        )

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", script.undo_variables(undo), (script.SERVICE,)),
            failure="The agent's service was not put back",
        )

    def _is_new(self, before: Before) -> bool:
        return any(step.plan(before) is not None for step in self._earlier)

    def _is_well(self, before: Before) -> bool:
        found = before.facts.get(agent.FACT)
        if isinstance(found, Unknown) or len(found.processes) != 1:
            return False
        # An init script tells no state: the process is all there is to see.
        return all(service.state in _RUNNING and service.enabled != "disabled" for service in found.services)
