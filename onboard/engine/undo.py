"""Undo: reverse what a run changed on the servers and in AWS, according to its journal."""

import re
from collections import defaultdict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from onboard.aws.changes import catalog
from onboard.aws.instances import deregister, nodes, nodes_of_activations
from onboard.aws.session import Aws
from onboard.engine.account import open_account
from onboard.engine.authority import objection
from onboard.engine.aws_changes import end_all, take_back
from onboard.engine.command import Begun, conduct
from onboard.engine.fleet import Emit, Result, kept, work_on
from onboard.engine.journal import Entry, Journal, NotUnderstood, RunRecord, told
from onboard.engine.survey import finish_with
from onboard.engine.workbench import Tools
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.changes import ChangeName, Phase, RunPhase, StepOutcome
from onboard.model.errors import AwsError, OnboardError
from onboard.model.events import (
    AwsChanged,
    Event,
    HostFinished,
    Noted,
    PhaseStarted,
    StepFinished,
    StepStarted,
    UndoLine,
)
from onboard.model.family import family_of
from onboard.model.place import Place
from onboard.model.profile import Host, Profile
from onboard.model.status import HostStatus
from onboard.model.words import Remedy, Text, and_more, joined, sh
from onboard.steps.catalog import STEPS, steps_of

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Undoing:
    """What is to be undone.

    steps     server → step → what its undo needs; steps in the order they were made
    nodes     server → mi- id that the run registered, according to the server: a claim (see engine/authority)
    aws       name of the run's change in AWS → what its undo needs
    lines     sentences about the changes in AWS
    replaced  server → mi- ids that the run registered there earlier, for example before the server was set up again
    """

    steps: Mapping[str, Mapping[str, Mapping[str, str]]]
    nodes: Mapping[str, str]
    aws: Mapping[str, Mapping[str, str]]
    lines: tuple[UndoLine, ...]
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.hosts or self.aws)

    @property
    def hosts(self) -> frozenset[str]:
        """Names of the servers on which something is to be undone."""
        return frozenset({*self.steps, *self.nodes, *(name for name, ids in self.replaced.items() if ids)})


def undoing_of(entries: Sequence[Entry]) -> Undoing:
    """Find what is not undone yet in a run's journal. A change that was begun counts as made."""
    steps: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    nodes: dict[str, str] = {}
    replaced: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        made, undone = entry.phase in (Phase.INTENT, Phase.DONE, Phase.FAILED), entry.phase == Phase.UNDONE
        if entry.change == ChangeName.DEREGISTER:
            if nodes.get(entry.host) == entry.data.get("instance_id", ""):
                del nodes[entry.host]
            replaced[entry.host] = _without(replaced.get(entry.host, ()), entry.data.get("instance_id", ""))
        elif entry.change in _STEPS and entry.host:
            if undone:
                steps[entry.host].pop(entry.change, None)
            elif made:
                steps[entry.host][entry.change] = {**steps[entry.host].get(entry.change, {}), **entry.data}
        # The entry of a registration that was found and kept contains no node.
        if entry.change == ChangeName.REGISTER_AGENT and entry.data.get("node"):
            if nodes.get(entry.host, entry.data["node"]) != entry.data["node"]:
                replaced[entry.host] = (*replaced.get(entry.host, ()), nodes[entry.host])
            nodes[entry.host] = entry.data["node"]
    return Undoing(
        steps={host: made for host, made in steps.items() if made},
        nodes=nodes,
        aws={change.name: left for change in catalog.RUN_CHANGES if (left := change.left(entries))},
        lines=tuple(line for change in catalog.CHANGES for line in change.tell(entries)),
        replaced=replaced,
    )


def undoing_now(record: RunRecord, journal: Journal) -> Undoing:
    """What an undo of the run would reverse, without the servers that a later run changed.

    If there are such servers, lasting changes in AWS stay too, because the servers need them.
    """
    undoing = undoing_of(journal.entries(record.run))
    places = {place: name for name, place in record.places().items() if name in undoing.hosts}
    later, _ = _changed_later(record, places, journal)
    if not later:
        return undoing
    lasting = {change.name for change in catalog.RUN_CHANGES if not change.ends_with_run}
    return Undoing(
        steps=_but(later, undoing.steps),
        nodes=_but(later, undoing.nodes),
        aws=_but(lasting, undoing.aws),
        lines=tuple(line for line in undoing.lines if line.change not in lasting),
        replaced=_but(later, undoing.replaced),
    )


def _but(left_out: Collection[str], values: Mapping[str, V]) -> dict[str, V]:
    return {name: value for name, value in values.items() if name not in left_out}


def _without(nodes: tuple[str, ...], gone: str) -> tuple[str, ...]:
    return tuple(node for node in nodes if node != gone)


_STEPS = frozenset(step.name for step in STEPS)


def undo(
    profile: Profile, record: RunRecord, tools: Tools, cancel: CancelToken, *, profile_path: str = ""
) -> Iterator[Event]:
    """Undo what `record`'s run changed. `profile` is the one that it ran with. Safe to repeat.

    Raises OnboardError at the first event, before any event or journal entry, if another process works on that run.
    """
    with tools.journal.held(record.run):  # held before it is read, so that no resume changes what there is to undo
        undoing = undoing_of(tools.journal.entries(record.run))
        hosts = [host for host in profile.hosts if host.name in undoing.hosts]

        def body(_: str) -> Generator[Event, None, None]:
            account = yield from open_account(profile, tools)
            later, unread = _changed_later(record, {host.place: host.name for host in hosts}, tools.journal)
            yield from told((*tools.journal.not_understood(), *unread))
            if passed_over := tools.journal.passed_over(record.run):
                yield Noted.warning(
                    Text(
                        "{count} records of run {run} cannot be read, and their changes are not undone",
                        count=passed_over,
                        run=record.run,
                    )
                )
            for name, run in later.items():
                reason = Text("Run {run} changed it later", run=run)
                remedy = Remedy("Undo that run first", sh("onboard", "undo", run))
                yield HostFinished.of(name, HostStatus.SKIPPED, reason=reason, remedy=remedy)
            undone = [host for host in hosts if host.name not in later]
            yield from _Undo(record.run, profile, undoing, account.aws, tools, cancel).carry_out(undone)

        begun = Begun(command="undo", profile=profile, hosts=hosts, path=profile_path, alone=True, undoes=record.run)
        yield from conduct(begun, body, tools, cancel)


def _changed_later(
    record: RunRecord, names: Mapping[Place, str], journal: Journal
) -> tuple[dict[str, str], list[NotUnderstood]]:
    """(server → the newest later run whose changes there are not undone, and which build on the earlier ones;
    the later runs that could not be read).
    """
    later: dict[str, str] = {}
    unread: list[NotUnderstood] = []
    for other in journal.runs():
        if other.command != "apply" or other.run == record.run or other.started <= record.started:
            continue
        changed = undoing_of(journal.entries(other.run)).steps
        try:
            places = other.places()
        except NotUnderstood as error:
            unread.append(error)
            continue
        for name, place in places.items():
            if {*changed.get(name, ())} - {ChangeName.PLACE_NONCE} and place in names:
                later.setdefault(names[place], other.run)
    return later, unread


class _Undo:
    def __init__(
        self, run: str, profile: Profile, undoing: Undoing, aws: Aws, tools: Tools, cancel: CancelToken
    ) -> None:
        self._run = run
        self._profile = profile
        self._undoing = undoing
        self._aws = aws
        self._tools = tools
        self._cancel = cancel
        self._restored: set[str] = set()
        self._nodes = dict(undoing.nodes)
        self._told = {node for nodes in undoing.replaced.values() for node in nodes}

    def carry_out(self, hosts: Sequence[Host]) -> Generator[Event, None, None]:
        yield from end_all(self._run, self._profile, self._aws, self._tools.journal, self._cancel)
        yield PhaseStarted(phase=RunPhase.UNDO, total=len(hosts))
        concurrency = self._profile.run.concurrency
        shared = Shared(self._run, self._aws, self._tools, self._cancel)

        def restore(host: Host, emit: Emit) -> None:
            _Restoration(host, self._undoing, shared, emit).restore()

        results: dict[str, Restored] = {}
        yield from kept(work_on(hosts, restore, concurrency=concurrency, cancel=self._cancel), results)
        for name, result in results.items():
            self._told |= result.deregistered
            if result.whole:
                self._restored.add(name)
            if result.node:
                self._nodes[name] = result.node
        yield from self._nodes_left()
        for line in self._undoing.lines:
            if line.stays:
                yield Noted.of(line.sentence)
        yield from self._take_back()

    def _take_back(self) -> Generator[Event, None, None]:
        """Undo the run's changes in AWS, unless a server still needs them. An error does not stop the rest."""
        trouble: AwsError | None = None
        journal = self._tools.journal
        own = journal.activations_of(self._run).union(self._nodes.values())
        for change in reversed(catalog.RUN_CHANGES):
            if change.ends_with_run or change.name not in self._undoing.aws:
                continue
            if not self._undoing.hosts <= self._restored:
                text = Text("{change} stays, since not every server could be restored", change=change.title)
                yield Noted.warning(text)
                continue
            try:
                yield from take_back(change, self._run, self._profile, self._aws, journal, own)
            except AwsError as error:
                trouble = trouble or error
        if trouble:
            raise trouble

    def _nodes_left(self) -> Generator[Event, None, None]:
        """Report nodes that AWS says this run registered, and that belong to no known server of it."""
        made = self._tools.journal.activations_of(self._run)
        if not made:
            return
        try:
            left = nodes_of_activations(self._aws, made) - self._told - set(self._nodes.values())
        except AwsError as error:
            text = Text("Onboard could not check whether nodes of this run are left. {error}", error=error)
            yield Noted.warning(text)
            return
        if left:
            yield Noted.warning(
                Text(
                    "Registered by this run and not deregistered: {nodes}. No server of the run is known to be this "
                    "node. Check it in Fleet Manager, and deregister it there",
                    nodes=and_more(sorted(left), 5),
                )
            )


@dataclass(frozen=True, slots=True)
class Shared:
    """What the restorations of one undo share."""

    run: str
    aws: Aws
    tools: Tools
    cancel: CancelToken


@dataclass(frozen=True, slots=True)
class Restored:
    """A server's result: whether everything was undone, its node ("" if it has none), and the deregistered nodes."""

    whole: bool
    node: str
    deregistered: frozenset[str]


class _Restoration:
    """Restores one server. It reports everything as events and a result."""

    def __init__(self, host: Host, undoing: Undoing, shared: Shared, emit: Emit) -> None:
        self._host = host
        self._name = host.name
        self._made = undoing.steps.get(host.name, {})
        self._replaced = undoing.replaced.get(host.name, ())
        self._node = undoing.nodes.get(host.name, "")
        self._deregistered: set[str] = set()
        self._shared = shared
        self._emit = emit

    def restore(self) -> None:
        """Undo its steps in reverse order, then deregister its node."""
        restored = False
        try:
            self._shared.cancel.check()
            self._undo_steps()
            self._deregister()
            restored = True
        except Cancelled:
            status, reason = HostStatus.SKIPPED, self._shared.cancel.why or "Stopped"
            self._emit(HostFinished(host=self._name, status=status, reason=reason, remedy="Run undo again"))
        except Exception as error:  # noqa: BLE001 - one server's defect must not stop the others
            self._emit(finish_with(self._host, error))
        else:
            self._emit(HostFinished(host=self._name, status=HostStatus.READY, reason="Restored"))
        self._emit(Result(self._name, Restored(restored, self._node, frozenset(self._deregistered))))

    def _undo_steps(self) -> None:
        if not self._made:
            return
        with closing(self._shared.tools.connector.connect(self._host, self._shared.cancel)) as connection:
            for step in reversed(steps_of(family_of(self._host))):
                if step.name not in self._made and step.name != ChangeName.PLACE_NONCE:  # a later run may have left one
                    continue
                self._shared.cancel.check_now()
                self._emit(StepStarted(host=self._name, step=step.name))
                done = step.undo(connection, self._made.get(step.name, {}))
                node = ""
                if not self._node:  # if apply never returned, only the server knew it
                    node = self._node = _node_id(done.output.get("instance_id", ""))
                self._write(step.name, Phase.UNDONE, {"node": node} if node else {})
                self._emit(
                    StepFinished(host=self._name, step=step.name, outcome=StepOutcome.UNDONE, detail=done.detail)
                )
        self._write(
            ChangeName.CONFIRM,
            Phase.UNDONE,
            {"instance_id": self._node} if self._node else {},
        )

    def _write(self, change: ChangeName, phase: Phase, data: Mapping[str, str]) -> None:
        self._shared.tools.journal.write(self._shared.run, self._name, change, phase, data)

    def _deregister(self) -> None:
        """Deregister those of the server's nodes that `authority` permits. Raises OnboardError if one stays."""
        claimed = [*self._replaced, *([self._node] if self._node else [])]
        refused: OnboardError | None = None
        for node in claimed:
            why = self._deregister_one(node)
            if why:
                refused = OnboardError(
                    Text("The changes on the server are undone, but {node} was not deregistered", node=node),
                    why=why,
                    remedy=Text("If {node} is this server, deregister it in Fleet Manager", node=node),
                )
                text = joined(Text("{host}: {node} was not deregistered", host=self._name, node=node), why, ". ")
                self._emit(Noted.warning(text))
        if refused:
            raise refused

    def _deregister_one(self, node: str) -> str:
        """Deregister a node; why it stays, or "" if it is gone."""
        found = nodes(self._shared.aws, [node]).get(node)
        if found is None:
            self._emit(
                Noted.of(
                    Text(
                        "{host}: AWS does not list a node {node}. It is already deregistered, or its agent never "
                        "called",
                        host=self._name,
                        node=node,
                    )
                )
            )
        else:
            why = objection(self._shared.tools.journal, self._shared.run, self._name, found)
            if why:
                return why
            if deregister(self._shared.aws, node):
                summary = Text("{server}: deregistered", server=self._name)
            else:
                summary = Text("{server}: was already deregistered", server=self._name)
            self._emit(AwsChanged.of(ChangeName.DEREGISTER, node, summary))
        self._write(ChangeName.DEREGISTER, Phase.DONE, {"instance_id": node})
        self._deregistered.add(node)
        return ""


def _node_id(said: str) -> str:
    """The node id that a server reported; "" if it is not a valid one."""
    return said if re.fullmatch(r"mi-[0-9a-f]{17}", said) else ""
