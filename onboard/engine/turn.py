"""One server's turn in a rollout: its changes, and then its proof.

A turn knows its own server and the services that all turns share, which any thread may use. It reports everything as
events, and does not write into its coordinator's data.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

from onboard.aws.changes.base import NodeChange
from onboard.aws.changes.catalog import NODE_CHANGES
from onboard.aws.failures import persistently
from onboard.aws.instances import Node
from onboard.aws.session import Aws
from onboard.defects import keep_defect
from onboard.engine.authority import objection
from onboard.engine.command_ends import NotProven
from onboard.engine.fleet import Emit, Rest
from onboard.engine.pace import Pace
from onboard.engine.proof import Prover
from onboard.engine.survey import evidence_of, finish_with, reason_of
from onboard.engine.workbench import Tools
from onboard.facts.catalog import instance_id
from onboard.hosts.connection import Connection
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.changes import ChangeName, Phase, StepOutcome
from onboard.model.errors import HostUnreachable, HostUntrusted, LogInRefused, OnboardError
from onboard.model.events import (
    HostFinished,
    StepFinished,
    StepStarted,
)
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.secret import Secret
from onboard.model.status import HostStatus
from onboard.model.words import Text
from onboard.steps.base import Before, Registration, Step, Supplies
from onboard.steps.catalog import step_of

NODE_CHANGE = {change.name: change for change in NODE_CHANGES}
NOT_TOUCHED = (HostUnreachable, HostUntrusted, LogInRefused)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the turns of one rollout share. `attempt` names its nonces; `register` hands out registrations."""

    run: str
    attempt: str
    aws: Aws
    tools: Tools
    cancel: CancelToken
    pace: Pace
    prover: Prover
    register: Callable[[], Registration]


class Turn:
    """One server's turn. `changes`: the names of its changes in the plan, in order. `findings`: repeated at its end."""

    def __init__(
        self, before: Before, changes: Sequence[ChangeName], findings: tuple[Finding, ...], shared: Shared, emit: Emit
    ) -> None:
        self._host = before.host
        self._before = before
        self._changes = changes
        self._findings = findings
        self._shared = shared
        self._emit = emit
        self._node = instance_id(before.facts)
        self._touched = False

    def begin(self) -> Rest | None:
        """Make the server's changes. Returns what is left to do without a connection: to wait for its proof."""
        nonce: Secret | None = None
        with ExitStack() as held, self._telling():
            self._shared.cancel.check()
            with closing(self._shared.tools.connector.connect(self._host, self._shared.cancel)) as connection:
                nonce = self._change(connection, held)
            starting = held.pop_all()
        return None if nonce is None else partial(self._conclude, nonce, starting)

    def _conclude(self, nonce: Secret, starting: ExitStack) -> None:
        with starting, self._telling():
            self._prove(nonce, starting)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Report an error as the server's end."""
        try:
            yield
        except Cancelled:
            status = HostStatus.FAILED if self._touched else HostStatus.SKIPPED
            reason = self._shared.cancel.why or "Stopped"
            self._emit(HostFinished(host=self._host.name, status=status, reason=reason, remedy="Resume the run"))
        except NOT_TOUCHED as error:
            self._emit(finish_with(self._host, error))
        except OnboardError as error:
            self._emit(self._failed(error))
        except Exception as error:  # noqa: BLE001 - one server's defect must not stop the others
            self._emit(self._failed(keep_defect(error)))

    def _change(self, connection: Connection, starting: ExitStack) -> Secret:
        """Make the server's changes, each journalled before and after. Returns the nonce that was placed."""
        nonce = Secret(secrets.token_hex(16))
        supplies = Supplies(attempt=self._shared.attempt, registration=self._shared.register, nonce=nonce)
        for name in self._changes:
            if name in NODE_CHANGE:  # made in AWS once its node is proven
                continue
            self._shared.cancel.check_now()
            if name == ChangeName.START_AGENT:
                starting.enter_context(self._shared.pace.start())
            self._touched = True
            self._make(step_of(self._host, name), connection, supplies)
        return nonce

    def _make(self, step: Step, connection: Connection, supplies: Supplies) -> None:
        self._emit(StepStarted(host=self._host.name, step=step.name))
        self._write(step.name, Phase.INTENT, step.planned_undo(self._before, supplies))
        try:
            done = step.apply(connection, self._before, supplies)
        except Exception as error:
            self._write(step.name, Phase.FAILED)
            self._tell(step.name, StepOutcome.FAILED, str(error), evidence=evidence_of(error))
            raise
        self._write(step.name, Phase.DONE, {**done.undo, **done.output})
        node = done.output.get("instance_id")
        self._node = node or self._node
        self._tell(step.name, StepOutcome.DONE if done.changed else StepOutcome.UNCHANGED, done.detail, node)

    def _prove(self, nonce: Secret, starting: ExitStack) -> None:
        """Wait for Online and for the nonce. Frees the place among the starting agents once the node is Online."""
        node = self._node
        if node is None:
            raise NotProven("The server has no registration", where=self._host.name, remedy="Run apply again")
        self._emit(StepStarted(host=self._host.name, step=ChangeName.CONFIRM))
        began = time.monotonic()
        try:
            found = self._shared.prover.wait_online(node, self._host)
            self._shared.pace.took(time.monotonic() - began)
            starting.close()
            answer = self._shared.prover.answer(node, self._host)
            if not hmac.compare_digest(answer.strip().encode(), nonce.reveal().encode()):
                raise NotProven(
                    "The node answered with a nonce that was not placed on this server",
                    where=self._host.name,
                    why="Another machine, or something in between, answers for this node",
                    remedy="Look for a clone of this server, and for who can act as its agent; deregister the node",
                )
            for name in self._changes:
                if name in NODE_CHANGE:
                    self._change_node(NODE_CHANGE[name], found)
        except OnboardError as error:
            self._write(ChangeName.CONFIRM, Phase.FAILED, {"instance_id": node})
            self._tell(ChangeName.CONFIRM, StepOutcome.FAILED, str(error))
            raise
        self._write(ChangeName.CONFIRM, Phase.DONE, {"instance_id": node})
        self._tell(ChangeName.CONFIRM, StepOutcome.DONE, f"{node} answered with its nonce", node)

    def _change_node(self, change: NodeChange, found: Node) -> None:
        """Change the node that has just answered with its nonce."""
        node = found.instance_id
        self._emit(StepStarted(host=self._host.name, step=change.name))
        self._write(change.name, Phase.INTENT, {"instance_id": node})
        try:
            why = objection(self._shared.tools.journal, self._shared.run, self._host.name, found)
            if why:
                what = Text("The node was not {done}", done=change.participle)
                raise OnboardError(what, where=self._host.name, why=why, remedy=change.by_hand)
            done = persistently(partial(change.make, self._shared.aws, node, self._host), self._shared.cancel)
        except OnboardError as error:
            self._write(change.name, Phase.FAILED, {"instance_id": node})
            self._tell(change.name, StepOutcome.FAILED, str(error))
            raise
        self._write(change.name, Phase.DONE, {"instance_id": node})
        self._tell(change.name, StepOutcome.DONE, done, node)

    def _write(self, change: ChangeName, phase: Phase, data: Mapping[str, str] | None = None) -> None:
        self._shared.tools.journal.write(self._shared.run, self._host.name, change, phase, data)

    def _tell(
        self, step: ChangeName, outcome: StepOutcome, detail: str, node: str | None = None, *, evidence: str = ""
    ) -> None:
        name = self._host.name
        self._emit(
            StepFinished(host=name, step=step, outcome=outcome, detail=detail, instance_id=node, evidence=evidence)
        )

    def _failed(self, error: OnboardError) -> HostFinished:
        return failed(self._host, error, self._node, self._findings)


def failed(host: Host, error: OnboardError, node: str | None, findings: tuple[Finding, ...]) -> HostFinished:
    """The end of a server whose turn failed."""
    return HostFinished.of(
        host.name,
        HostStatus.FAILED,
        instance_id=node,
        findings=findings,
        reason=reason_of(error),
        remedy=error.remedy,
        evidence=evidence_of(error),
    )
