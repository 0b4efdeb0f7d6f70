"""Register the agent with the activation, detached on the server, and learn its node's id.

If a registration is already under way there, even from a lost connection, it is waited for and its result is
used. An existing registration is kept; one of another account or Region is never overridden.
"""

import re
from collections.abc import Mapping

from onboard.checks.not_registered_elsewhere import CLEAR_REGISTRATION
from onboard.facts.base import Unknown
from onboard.facts.posix import registration, sudo_logging
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.plan import Change
from onboard.model.words import Remedy, Text
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, StepFailed, Supplies
from onboard.steps.failure_causes import explain_registration
from onboard.steps.posix.configure_proxy import proxy_variables

_NO_PROXY = {"http_proxy": "", "https_proxy": "", "no_proxy": ""}
_FAILURE = "The agent was not registered"


class RegisterAgent(Step):
    name = ChangeName.REGISTER_AGENT
    doing = Text("Registering")
    disturbs_agent = True

    def is_made(self, before: Before) -> bool:
        return registration.instance_id(before.facts) is not None

    def change(self, before: Before) -> Change:
        region = before.context.region
        summary = Text("Register with Systems Manager in {region}", region=region)
        recorded = before.facts.get(sudo_logging.FACT)
        if not isinstance(recorded, Unknown) and recorded.options:
            summary = Text(
                "Register with Systems Manager in {region}; sudo on this server keeps a record of the activation "
                "code, in clear, in {folder}",
                region=region,
                folder=recorded.folder,
            )
        return Change.of(self.name, summary, detail={"region": region})

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        _refuse_foreign(before)
        if supplies.registration is None:
            raise StepFailed(_FAILURE, where=before.host.name, why="There is no activation for this server")
        wanted = supplies.registration()
        worker = {
            "region": wanted.region,
            "activation_id": wanted.activation_id,
            **_NO_PROXY,
            **proxy_variables(before),
        }
        variables = {
            "region": wanted.region,
            "patience": str(script.PATIENCE),
            "worker": script.compose(POSIX, self.name, "work", worker, (script.SERVICE,)),
        }
        done = script.run(
            connection,
            script.compose(POSIX, self.name, "apply", variables, (script.LOCK, script.DETACHED, script.SERVICE)),
            failure=_FAILURE,
            secret=wanted.activation_code,
            timeout=script.LONGEST,
            explain=explain_registration,
        )
        node = done.output.get("instance_id", "")
        if not re.fullmatch(r"mi-[0-9a-f]{17}", node):
            raise StepFailed(_FAILURE, where=before.host.name, why="The server reported no node ID", evidence=node[:80])
        known = before.context.known_nodes
        if not done.changed and known is not None and node not in known:
            # Nobody asked whose it is: AWS lists a node only after its agent has connected.
            raise StepFailed(
                _FAILURE,
                where=before.host.name,
                why=Text(
                    "Another run of Onboard, or somebody else, has registered it as {node} since it was checked",
                    node=node,
                ),
                remedy="Wait until that has ended, then run apply again: it checks whose node this is",
            )
        return done

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        variables = {"patience": str(script.PATIENCE), **script.undo_variables(undo)}
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", variables, (script.LOCK, script.SERVICE)),
            failure="The agent's registration was not cleared",
            timeout=script.LONGEST,
        )


def _refuse_foreign(before: Before) -> None:
    """A check has blocked such a server before; this is the last one that could notice."""
    found = before.facts.get(registration.FACT)
    if isinstance(found, Unknown) or not found.instance_id:
        return
    known = before.context.known_nodes
    if found.region != before.context.region or (known is not None and found.instance_id not in known):
        raise _foreign(before, found.instance_id)


def _foreign(before: Before, node: str) -> StepFailed:
    return StepFailed(
        _FAILURE,
        where=before.host.name,
        why=Text(
            "It is registered as {node}, which is not a node of account {account} in {region}",
            node=node,
            account=before.context.account,
            region=before.context.region,
        ),
        remedy=Remedy("If that registration is no longer needed, clear it on the server", *CLEAR_REGISTRATION),
    )
