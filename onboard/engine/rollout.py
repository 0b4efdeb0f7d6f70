"""The rollout: carry out a prepared plan. Workers make the servers' changes; a separate pool waits for their proofs.

Every server is asked for a nonce that was placed there in this very run: an earlier proof says nothing about today.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Sequence

from onboard.aws.failures import persistently
from onboard.aws.instances import Node, nodes
from onboard.aws.roles import find_role
from onboard.engine.account import Account
from onboard.engine.aws_changes import end_all, make_all
from onboard.engine.fleet import Emit, Rest, kept, work_on
from onboard.engine.pace import Pace
from onboard.engine.planning import Prepared
from onboard.engine.proof import Prover
from onboard.engine.registrations import Registrations
from onboard.engine.turn import Shared, Turn, failed
from onboard.engine.workbench import Tools
from onboard.facts.catalog import instance_id
from onboard.model.cancel import CancelToken
from onboard.model.changes import ChangeName, Phase, RunPhase, StepOutcome
from onboard.model.errors import AwsError, OnboardError
from onboard.model.events import (
    Event,
    HostFinished,
    PhaseStarted,
    StepFinished,
)
from onboard.model.family import family_of
from onboard.model.finding import Finding
from onboard.model.profile import Host, Profile
from onboard.model.status import HostStatus
from onboard.model.words import Remedy, Text, sh
from onboard.steps.catalog import proof_of

LOOKS = 3  # final queries for all nodes, until AWS answers


class Rollout:
    """Carries out one plan. It folds what it knows about the servers from the events of their turns."""

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
        self._attempt = f"{run}-{secrets.token_hex(4)}"  # nonces of an earlier attempt prove nothing
        self._profile = profile
        self._prepared = prepared
        self._aws = account.aws
        self._tools = tools
        self._cancel = cancel
        self._pace = Pace(profile.run.max_agent_starts, cancel)
        self._changes = {plan.host: [change.name for change in plan.changes] for plan in prepared.plan.hosts}
        known = {name: instance_id(prepared.before[name].facts) for name in self._changes}
        self._nodes = {name: node for name, node in known.items() if node}  # server → mi- id, if known
        self._proven: dict[str, str] = {}  # server → mi- id that answered with its nonce
        self._registrations = Registrations()

    def carry_out(self) -> Generator[Event, None, None]:
        """Make everything in the plan, then report the end of every proven server."""
        trouble: Exception | None = None
        hosts = [host for host in self._profile.hosts if host.name in self._changes]
        if hosts:
            try:
                yield from self._waves(hosts)
            except GeneratorExit:  # the consumer has gone away
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
        yield from end_all(self._run, self._profile, self._aws, self._tools.journal, self._cancel)

    def _waves(self, hosts: Sequence[Host]) -> Generator[Event, None, None]:
        yield from make_all(
            self._prepared.aws, self._run, self._aws, self._tools.journal, self._cancel, self._registrations
        )
        proofs = {family: proof_of(family, self._attempt) for family in {family_of(host) for host in hosts}}
        with Prover(self._aws, proofs, self._cancel, self._tools.patience, self._missing_role) as prover:
            only_asked = [ChangeName.PLACE_NONCE]  # these need no canary
            changed = [host for host in hosts if self._changes[host.name] != only_asked]
            asked = [host for host in hosts if self._changes[host.name] == only_asked]
            canary, rest = changed[: self._profile.run.canary], changed[self._profile.run.canary :]
            shared = Shared(
                self._run,
                self._attempt,
                self._aws,
                self._tools,
                self._cancel,
                self._pace,
                prover,
                self._registrations.take,
            )
            yield from self._wave(RunPhase.CANARY, canary, shared)
            failed = [host.name for host in canary if host.name not in self._proven]
            if failed and not self._cancel.stopping:
                for host in rest:
                    yield HostFinished.of(
                        host.name,
                        HostStatus.SKIPPED,
                        reason=Text("The canary failed: {servers}", servers=", ".join(failed)),
                        remedy="Fix the problem shown for the canary, then run apply again",
                    )
                rest = []
            yield from self._wave(RunPhase.INSTALL, [*rest, *asked], shared)
            self._clear(prover)

    def _missing_role(self, waiting: Iterable[Node]) -> OnboardError | None:
        """The error that a role which the waiting nodes need no longer exists: without it, no agent can call AWS."""
        planned = (plan.role for _, plan in self._prepared.aws)
        for name in sorted({*planned, *(node.role for node in waiting)} - {""}):
            try:
                if find_role(self._aws, name) is None:
                    return OnboardError(
                        Text("The service role {role} no longer exists", role=name),
                        where="iam:GetRole",
                        why="It was deleted while servers waited to come Online; without it no agent can call AWS",
                        remedy="Undo this run and run apply again, which creates the role anew; or create it yourself "
                        "under this name, and run apply again",
                    )
            except AwsError:
                continue  # it may not be read, or AWS does not answer: that is no reason
        return None

    def _clear(self, prover: Prover) -> None:
        """Remove the nonces that came back. If that fails, the next run replaces the nonce."""
        hosts = {node: name for name, node in self._proven.items()}
        cleared = [hosts[node] for node in prover.clear(hosts)]
        self._tools.journal.write_all(self._run, cleared, ChangeName.PLACE_NONCE, Phase.UNDONE)

    def _wave(self, phase: RunPhase, hosts: Sequence[Host], shared: Shared) -> Generator[Event, None, None]:
        if not hosts:
            return
        yield PhaseStarted(phase=phase, total=len(hosts))

        def work(host: Host, emit: Emit) -> Rest | None:
            before, changes = self._prepared.before[host.name], self._changes[host.name]
            return Turn(before, changes, self._findings(host), shared, emit).begin()

        told = kept(work_on(hosts, work, concurrency=self._profile.run.concurrency, cancel=self._cancel), {})
        for event in told:
            self._fold(event)
            yield event

    def _fold(self, event: Event) -> None:
        if isinstance(event, StepFinished) and event.instance_id:
            self._nodes[event.host] = event.instance_id
            if (event.step, event.outcome) == (ChangeName.CONFIRM, StepOutcome.DONE):
                self._proven[event.host] = event.instance_id

    def _seal(self) -> Generator[Event, None, None]:
        """Report the end of the proven servers: online, unless a node is shared or has been lost in the meantime."""
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
        """Which of these nodes are no longer Online; an error if AWS does not answer."""
        if not proven:
            return frozenset()
        for attempt in range(LOOKS):
            if attempt:
                self._cancel.wait_now(self._tools.patience.poll)
            try:
                found = persistently(lambda: nodes(self._aws, proven), self._cancel)
            except AwsError as error:
                trouble = error
                if error.unanswered:  # it was waited for
                    break
            else:
                return frozenset(node for node in proven if node not in found or not found[node].is_online)
        return OnboardError(
            "Not checked: it answered with its nonce, but AWS could not be asked whether it is still Online",
            why=str(trouble),
            remedy="Run apply again, or resume the run: it asks every server again",
        )

    def _findings(self, host: Host) -> tuple[Finding, ...]:
        return self._prepared.findings.get(host.name, ())

    def _failed(self, host: Host, error: OnboardError) -> HostFinished:
        return failed(host, error, self._nodes.get(host.name), self._findings(host))


LOST = OnboardError(
    "The node answered, but is no longer Online",
    remedy="Check the amazon-ssm-agent service on the server; then run apply again",
)

_CLEAR = sh("sudo", "amazon-ssm-agent", "-register", "-clear")


def _shared(node: str, others: Sequence[str]) -> OnboardError:
    return OnboardError(
        Text("{node} is shared with {servers}", node=node, servers=", ".join(others)),
        why="One agent identity was copied to several servers",
        remedy=Remedy("Clear the registration on the copies, then run apply again", _CLEAR),
    )
