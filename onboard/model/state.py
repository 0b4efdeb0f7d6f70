"""State: the fold of events and nothing else. Tables, pages and reports read it; nobody else keeps observations."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onboard.model import events
from onboard.model.changes import CHANGING, ChangeName, StepOutcome
from onboard.model.finding import Finding
from onboard.model.plan import Plan
from onboard.model.status import HostStatus
from onboard.model.words import Text, Wording


@dataclass(slots=True)
class HostState:
    """What is known of a server. What is wrong with it: see `onboard.model.outcome`.

    judged    what the checks made of it (READY, WARNED, BLOCKED); None before
    ended     how the run ended for it; None while it goes on, and where it was interrupted
    evidence  what the server said when it failed
    wording   what reason and remedy are made of; None where they say all
    steps     step → started, done, unchanged, failed or undone
    """

    name: str
    judged: HostStatus | None = None
    ended: HostStatus | None = None
    instance_id: str | None = None
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    remedy: str = ""
    evidence: str = ""
    wording: Wording | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[events.HostKeySeen, ...] = ()
    steps: dict[str, StepOutcome] = field(default_factory=dict)

    @property
    def status(self) -> HostStatus | None:
        """The latest that is known: its end, or else what the checks made of it."""
        return self.ended or self.judged

    @property
    def finished(self) -> bool:
        return self.ended is not None

    def outcome(self, command: str) -> HostStatus | None:
        """How a run of `command` ended for this server; None when it did not, since the run was interrupted.

        Where servers are changed, what the checks made of one is not its end.
        """
        if command not in CHANGING:
            return self.status
        if self.ended is None and self.is_proven:
            return HostStatus.ONLINE
        return self.ended

    @property
    def is_proven(self) -> bool:
        """It answered with its nonce, and nothing was found wrong since."""
        if self.ended is not None:
            return self.ended is HostStatus.ONLINE
        return self.steps.get(ChangeName.CONFIRM) in (StepOutcome.DONE, StepOutcome.UNCHANGED)

    @property
    def is_restored(self) -> bool:
        """Of an undo: everything that the run made there was taken back."""
        return self.ended is HostStatus.READY

    @property
    def is_undo_tried(self) -> bool:
        """Of an undo: it was tried on this server, and not stopped or refused before that."""
        return bool(self.steps) or self.ended not in (None, HostStatus.SKIPPED)


@dataclass(slots=True)
class State:
    """A run, as far as its events describe it. `regions` are in the order of nearness; `sampled` is by origin.

    `waiting`: what it waits for, if that takes long.
    """

    run: str = ""
    command: str = ""
    profile: str = ""
    started: str = ""
    who: str = ""
    undoes: str = ""
    account: events.AccountIdentified | None = None
    phase: str = ""
    phase_total: int = 0
    hosts: dict[str, HostState] = field(default_factory=dict)
    plan: Plan | None = None
    aws_changes: list[events.AwsChanged] = field(default_factory=list)
    regions: dict[str, events.Region] = field(default_factory=dict)
    sampled: dict[str, events.RegionsSampled] = field(default_factory=dict)
    ranking: events.RegionsRanked | None = None
    aws_profiles: events.AwsProfilesListed | None = None
    role: events.RoleShown | None = None
    headroom: events.HeadroomShown | None = None
    connection: dict[str, tuple[events.ConnectionStage, ...]] = field(default_factory=dict)
    runs: tuple[events.KeptRun, ...] = ()
    undoing: events.UndoShown | None = None
    notes: list[events.Noted] = field(default_factory=list)
    waiting: Text | None = None
    failure: events.RunFailed | None = None
    finished: bool = False

    def fold(self, event: events.Event) -> None:
        """Take in one event."""
        self.waiting = event.sentence if isinstance(event, events.Noted) and event.waiting else None
        match event:
            case events.RunStarted():
                self._start(event)
            case events.AccountIdentified():
                self.account = event
            case events.AwsProfilesListed():
                self.aws_profiles = event
            case events.RoleShown():
                self.role = event
            case events.HeadroomShown():
                self.headroom = event
            case events.ConnectionStage():
                self.connection[event.host] = (*self.connection.get(event.host, ()), event)
            case events.PhaseStarted():
                self.phase, self.phase_total = event.phase, event.total
            case events.HostKeySeen():
                host = self.host(event.host)
                host.keys = (*host.keys, event)
            case events.FactsGathered():
                host = self.host(event.host)
                host.facts, host.unknown = event.facts, event.unknown
            case events.HostJudged():
                host = self.host(event.host)
                host.judged, host.findings = event.status, event.findings
            case events.PlanMade():
                self.plan = event.plan
            case events.AwsChanged():
                self.aws_changes.append(event)
            case events.StepStarted():
                self.host(event.host).steps[event.step] = StepOutcome.STARTED
            case events.StepFinished():
                host = self.host(event.host)
                host.steps[event.step] = event.outcome
                host.instance_id = event.instance_id or host.instance_id
                host.evidence = event.evidence
            case events.HostFinished():
                self._finish(event)
            case events.HostForgotten():
                self.hosts.pop(event.host, None)
            case events.RegionsSampled():
                self.sampled[event.origin] = event
            case events.Region():
                self.regions[event.region] = event
            case events.RegionsRanked():
                self.ranking = event
            case events.RunsListed():
                self.runs = event.runs
            case events.UndoShown():
                self.undoing = event
            case events.Noted():
                self.notes.append(event)
            case events.RunFailed():
                self.failure = event
            case events.RunFinished():
                self.finished = True
            case _:
                pass  # a newer version's event: nothing that this one shows

    def _start(self, event: events.RunStarted) -> None:
        """A run that goes on, resumed into the same State, takes up every server anew: it asks all of them again."""
        if event.run and event.run == self.run:
            self.hosts = {name: HostState(name) for name in self.hosts}
        self.run, self.command, self.profile = event.run, event.command, event.profile
        self.started, self.who, self.undoes = event.started, event.who, event.undoes
        self.failure, self.finished = None, False
        for name in event.hosts:
            self.host(name)

    def _finish(self, event: events.HostFinished) -> None:
        host = self.host(event.host)
        host.ended, host.instance_id = event.status, event.instance_id
        host.findings = event.findings or host.findings
        host.reason, host.remedy = event.reason, event.remedy
        host.evidence, host.wording = event.evidence, event.wording

    def host(self, name: str) -> HostState:
        """The server's state, made when it is first heard of."""
        return self.hosts.setdefault(name, HostState(name))

    @property
    def activations_left(self) -> tuple[str, ...]:
        """Ids of the activations that the run made and did not delete, as far as its events show."""
        made = {change.subject for change in self.aws_changes if change.change == ChangeName.CREATE_ACTIVATION}
        gone = {change.subject for change in self.aws_changes if change.change == ChangeName.DELETE_ACTIVATION}
        return tuple(sorted(made - gone))

    def counts(self) -> dict[str, int]:
        """status → number of servers, of those that ended."""
        ends = (host.outcome(self.command) for host in self.hosts.values())
        return dict(Counter(end.value for end in ends if end is not None))


def fold(stream: Iterable[events.Event]) -> State:
    """The state after a whole stream of events."""
    state = State()
    for event in stream:
        state.fold(event)
    return state
