"""The rollout: carry out a prepared plan. One worker makes a server's changes; its proof is waited for apart from them.

Every server is asked for a nonce that was placed there in this very run: an earlier proof says nothing of today.
"""

import hmac
import secrets
import time
from collections import defaultdict
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial

from onboard.aws.changes.base import NodeChange
from onboard.aws.changes.catalog import NODE_CHANGES
from onboard.aws.instances import Node, nodes
from onboard.defects import keep_defect
from onboard.engine.account import Account
from onboard.engine.authority import objection
from onboard.engine.aws_changes import end_all, make_all
from onboard.engine.fleet import Emit, Rest, kept, work_on
from onboard.engine.pace import Pace
from onboard.engine.planning import Prepared
from onboard.engine.proof import NotProven, Prover
from onboard.engine.registrations import Registrations
from onboard.engine.survey import evidence_of, finish_with, reason_of
from onboard.engine.workbench import Tools
from onboard.facts.catalog import instance_id
from onboard.hosts.connection import Connection
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.changes import ChangeName, Phase, RunPhase, StepOutcome
from onboard.model.errors import AwsError, HostUnreachable, HostUntrusted, LogInRefused, OnboardError
from onboard.model.events import (
    Event,
    HostFinished,
    PhaseStarted,
    StepFinished,
    StepStarted,
)
from onboard.model.family import family_of
from onboard.model.finding import Finding
from onboard.model.profile import Host, Profile
from onboard.model.secret import Secret
from onboard.model.status import HostStatus
from onboard.model.words import Remedy, Text, sh
from onboard.steps.base import Before, Step, Supplies
from onboard.steps.catalog import proof_of, step_of

NODE_CHANGE = {change.name: change for change in NODE_CHANGES}
LOOKS = 3  # at all nodes, last of all, until AWS answers
NOT_TOUCHED = (HostUnreachable, HostUntrusted, LogInRefused)


class Rollout:
    """One carrying-out. Workers write into its dictionaries, each under its own server's name."""

    def __init__(
        self,
        run: str,
        profile: Profile,
        prepared: Prepared,
        account: Account,
        tools: Tools,
        cancel: CancelToken,
    ) -> None:
        self._run = run
        self._attempt = f"{run}-{secrets.token_hex(4)}"  # an earlier one's nonces prove nothing
        self._profile = profile
        self._prepared = prepared
        self._aws = account.aws
        self._tools = tools
        self._cancel = cancel
        self._pace = Pace(profile.run.max_agent_starts, cancel)
        self._changes = {plan.host: [change.name for change in plan.changes] for plan in prepared.plan.hosts}
        self._nodes: dict[str, str] = {}  # server → mi- id, as soon as it is known
        self._proven: dict[str, str] = {}  # server → mi- id that answered with its nonce
        self._touched: set[str] = set()
        self._registrations = Registrations()

    def carry_out(self) -> Generator[Event, None, None]:
        """Everything the plan holds; then the end of every server that is proven."""
        trouble: Exception | None = None
        hosts = [host for host in self._profile.hosts if host.name in self._changes]
        if hosts:
            try:
                yield from self._waves(hosts)
            except GeneratorExit:  # nobody listens any more
                for _ in self._end_in_aws():
                    pass
                raise
            except Exception as error:  # noqa: BLE001 - raised again once the run is brought to its end
                trouble = error
            yield from self._end_in_aws()
        yield from self._seal()
        if trouble:
            raise trouble

    def _end_in_aws(self) -> Generator[Event, None, None]:
        yield from end_all(self._run, self._profile, self._aws, self._tools.journal)

    def _waves(self, hosts: Sequence[Host]) -> Generator[Event, None, None]:
        yield from make_all(
            self._prepared.aws, self._run, self._aws, self._tools.journal, self._cancel, self._registrations
        )
        proofs = {family: proof_of(family, self._attempt) for family in {family_of(host) for host in hosts}}
        with Prover(self._aws, proofs, self._cancel, self._tools.patience) as prover:
            only_asked = [ChangeName.PLACE_NONCE]  # no canary has to go before them
            changed = [host for host in hosts if self._changes[host.name] != only_asked]
            asked = [host for host in hosts if self._changes[host.name] == only_asked]
            canary, rest = changed[: self._profile.run.canary], changed[self._profile.run.canary :]
            yield from self._wave(RunPhase.CANARY, canary, prover)
            failed = [host.name for host in canary if host.name not in self._proven]
            if failed and not self._cancel.stopping:
                for host in rest:
                    yield HostFinished.of(
                        host.name,
                        HostStatus.SKIPPED,
                        reason=Text("The canary failed: {servers}", servers=", ".join(failed)),
                        remedy="Repair what the canary's line says, then run apply again",
                    )
                rest = []
            yield from self._wave(RunPhase.INSTALL, [*rest, *asked], prover)
            self._clear(prover)

    def _clear(self, prover: Prover) -> None:
        """Have the nonces removed that were answered with. Where that fails, the next run replaces the nonce."""
        hosts = {node: name for name, node in self._proven.items()}
        for node in prover.clear(hosts):
            self._tools.journal.write(self._run, hosts[node], ChangeName.PLACE_NONCE, Phase.UNDONE)

    def _wave(self, phase: RunPhase, hosts: Sequence[Host], prover: Prover) -> Generator[Event, None, None]:
        if not hosts:
            return
        yield PhaseStarted(phase=phase, total=len(hosts))

        def work(host: Host, emit: Emit) -> Rest | None:
            return self._onboard(host, prover, emit)

        yield from kept(work_on(hosts, work, concurrency=self._profile.run.concurrency, cancel=self._cancel), {})

    def _onboard(self, host: Host, prover: Prover, emit: Emit) -> Rest | None:
        """Make the server's changes. What is left, with no connection to it, is to wait for its proof."""
        nonce: Secret | None = None
        with ExitStack() as held, self._telling(host, emit):
            self._cancel.check()
            with closing(self._tools.connector.connect(host, self._cancel)) as connection:
                nonce = self._change(host, connection, held, emit)
            starting = held.pop_all()
        return None if nonce is None else partial(self._conclude, host, nonce, prover, starting, emit)

    def _conclude(self, host: Host, nonce: Secret, prover: Prover, starting: ExitStack, emit: Emit) -> None:
        with starting, self._telling(host, emit):
            self._prove(host, nonce, prover, starting, emit)

    @contextmanager
    def _telling(self, host: Host, emit: Emit) -> Iterator[None]:
        """Tell of an error as the server's end."""
        try:
            yield
        except Cancelled:
            status = HostStatus.FAILED if host.name in self._touched else HostStatus.SKIPPED
            emit(
                HostFinished(
                    host=host.name, status=status, reason=self._cancel.why or "Stopped", remedy="Resume the run"
                )
            )
        except NOT_TOUCHED as error:
            emit(finish_with(host, error))
        except OnboardError as error:
            emit(self._failed(host, error))
        except Exception as error:  # noqa: BLE001 - one server's defect must not take the fleet down
            emit(self._failed(host, keep_defect(error)))

    def _change(self, host: Host, connection: Connection, starting: ExitStack, emit: Emit) -> Secret:
        """Make the server's changes, each journalled before and after. The nonce that was placed."""
        before = self._prepared.before[host.name]
        nonce = Secret(secrets.token_hex(16))
        supplies = Supplies(attempt=self._attempt, registration=self._registrations.take, nonce=nonce)
        node = instance_id(before.facts)
        if node:
            self._nodes[host.name] = node
        for name in self._changes[host.name]:
            if name in NODE_CHANGE:  # in AWS, once its node is proven
                continue
            self._cancel.check_now()
            if name == ChangeName.START_AGENT:
                starting.enter_context(self._pace.start())
            self._touched.add(host.name)
            self._make(step_of(host, name), connection, before, supplies, emit)
        return nonce

    def _make(self, step: Step, connection: Connection, before: Before, supplies: Supplies, emit: Emit) -> None:
        host = before.host.name
        emit(StepStarted(host=host, step=step.name))
        self._tools.journal.write(self._run, host, step.name, Phase.INTENT, step.planned_undo(before, supplies))
        try:
            done = step.apply(connection, before, supplies)
        except Exception as error:
            self._tools.journal.write(self._run, host, step.name, Phase.FAILED)
            seen = evidence_of(error)
            emit(StepFinished(host=host, step=step.name, outcome=StepOutcome.FAILED, detail=str(error), evidence=seen))
            raise
        self._tools.journal.write(self._run, host, step.name, Phase.DONE, {**done.undo, **done.output})
        if "instance_id" in done.output:
            self._nodes[host] = done.output["instance_id"]
        outcome, node = StepOutcome.DONE if done.changed else StepOutcome.UNCHANGED, done.output.get("instance_id")
        emit(StepFinished(host=host, step=step.name, outcome=outcome, detail=done.detail, instance_id=node))

    def _prove(self, host: Host, nonce: Secret, prover: Prover, starting: ExitStack, emit: Emit) -> None:
        """Online, and the nonce comes back. Frees the server's place among the starting agents once it is Online."""
        node = self._nodes.get(host.name)
        if node is None:
            raise NotProven("The server has no registration", where=host.name, remedy="Run apply again")
        emit(StepStarted(host=host.name, step=ChangeName.CONFIRM))
        began = time.monotonic()
        try:
            found = prover.wait_online(node, host)
            self._pace.took(time.monotonic() - began)
            starting.close()
            answer = prover.answer(node, host)
            if not hmac.compare_digest(answer.strip().encode(), nonce.reveal().encode()):
                raise NotProven(
                    "The node answered with a nonce that was not placed on this server",
                    where=host.name,
                    why="Another machine, or something in between, answers for this node",
                    remedy="Look for a clone of this server, and for who can send as its agent; deregister the node",
                )
            for name in self._changes[host.name]:
                if name in NODE_CHANGE:
                    self._change_node(NODE_CHANGE[name], host, found, emit)
        except OnboardError as error:
            self._tools.journal.write(self._run, host.name, ChangeName.CONFIRM, Phase.FAILED, {"instance_id": node})
            emit(StepFinished(host=host.name, step=ChangeName.CONFIRM, outcome=StepOutcome.FAILED, detail=str(error)))
            raise
        self._proven[host.name] = node
        self._tools.journal.write(self._run, host.name, ChangeName.CONFIRM, Phase.DONE, {"instance_id": node})
        detail = f"{node} answered with its nonce"
        emit(
            StepFinished(
                host=host.name, step=ChangeName.CONFIRM, outcome=StepOutcome.DONE, detail=detail, instance_id=node
            )
        )

    def _change_node(self, change: NodeChange, host: Host, found: Node, emit: Emit) -> None:
        """Change the node that has just answered with its nonce."""
        node = found.instance_id
        emit(StepStarted(host=host.name, step=change.name))
        self._tools.journal.write(self._run, host.name, change.name, Phase.INTENT, {"instance_id": node})
        try:
            why = objection(self._tools.journal, self._run, host.name, found)
            if why:
                what = f"The node was not {change.participle}"
                raise OnboardError(what, where=host.name, why=why, remedy=change.by_hand)
            done = change.make(self._aws, node, host)
        except OnboardError as error:
            self._tools.journal.write(self._run, host.name, change.name, Phase.FAILED, {"instance_id": node})
            emit(StepFinished(host=host.name, step=change.name, outcome=StepOutcome.FAILED, detail=str(error)))
            raise
        self._tools.journal.write(self._run, host.name, change.name, Phase.DONE, {"instance_id": node})
        emit(StepFinished(host=host.name, step=change.name, outcome=StepOutcome.DONE, detail=done, instance_id=node))

    def _seal(self) -> Generator[Event, None, None]:
        """End the proven servers, last of all: online, unless a node is shared or was lost in the meantime."""
        owners: dict[str, list[str]] = defaultdict(list)
        for name, node in self._nodes.items():
            owners[node].append(name)
        lost = self._lost(set(self._proven.values()))
        for host in self._profile.hosts:
            if host.name not in self._proven:
                continue
            node = self._proven[host.name]
            others = [name for name in owners[node] if name != host.name]
            if isinstance(lost, OnboardError):
                yield self._failed(host, lost)
            elif others or node in lost:
                self._tools.journal.write(self._run, host.name, ChangeName.CONFIRM, Phase.UNDONE, {"instance_id": node})
                yield self._failed(host, _shared(node, others) if others else LOST)
            else:
                yield HostFinished(
                    host=host.name, status=HostStatus.ONLINE, instance_id=node, findings=self._findings(host)
                )

    def _lost(self, proven: Collection[str]) -> frozenset[str] | OnboardError:
        """Which of these nodes are not Online any more; why that is not known where AWS does not say."""
        if not proven:
            return frozenset()
        for attempt in range(LOOKS):
            if attempt:
                self._cancel.wait_now(self._tools.patience.poll)
            try:
                found = nodes(self._aws, proven)
            except AwsError as error:
                trouble = error
            else:
                return frozenset(node for node in proven if node not in found or not found[node].is_online)
        return OnboardError(
            "Not looked at: it answered with its nonce, but whether it is still Online could not be asked",
            why=str(trouble),
            remedy="Run apply again, or resume the run: it asks every server again",
        )

    def _findings(self, host: Host) -> tuple[Finding, ...]:
        return self._prepared.findings.get(host.name, ())

    def _failed(self, host: Host, error: OnboardError) -> HostFinished:
        return HostFinished.of(
            host.name,
            HostStatus.FAILED,
            instance_id=self._nodes.get(host.name),
            findings=self._findings(host),
            reason=reason_of(error),
            remedy=error.remedy,
            evidence=evidence_of(error),
        )


LOST = OnboardError(
    "The node answered, but is not Online any more",
    remedy="Check the amazon-ssm-agent service on the server; then run apply again",
)

_CLEAR = sh("sudo", "amazon-ssm-agent", "-register", "-clear")


def _shared(node: str, others: Sequence[str]) -> OnboardError:
    return OnboardError(
        Text("{node} is shared with {servers}", node=node, servers=", ".join(others)),
        why="One agent identity was copied to several servers",
        remedy=Remedy("Clear the registration on the copies, then run apply again", _CLEAR),
    )
