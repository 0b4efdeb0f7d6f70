"""Progress of an apply or undo run: servers done out of the total, the wave, the rate. Uses neither Qt nor a clock."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from onboard.model import events
from onboard.model.changes import ChangeName, RunPhase, StepOutcome
from onboard.model.plan import HostPlan
from onboard.model.state import HostState
from onboard.model.status import HostStatus

MEASURED = 30  # the rate is that of the last servers done, so that it is the current one
SOON = 10.0  # seconds to wait before a rate is meaningful


class Group(StrEnum):
    """Groups of servers as the chips count them. Skipped servers count as waiting: a resumed run takes them up."""

    ONLINE = "online"
    RUNNING = "running"
    FAILED = "failed"
    WAITING = "waiting"
    RESTORED = "restored"  # by undoing the run


@dataclass(frozen=True, slots=True)
class Place:
    """How far a server is. `fraction`: share of its steps done, 0 to 1; `step`: the one in progress, or ""."""

    group: Group
    fraction: float
    step: str = ""


class Progress:
    """A fold of a run's events that also takes the time into account.

    steps    server → names of its steps, the proof last, for each server of the run
    wave     1 or 2; 0 before the first. `waves` is how many there are, `canary` the number of servers in the first
    """

    def __init__(self) -> None:
        self._begin("", ())

    def _begin(self, run: str, hosts: Iterable[str]) -> None:
        self.run = run
        self.steps: dict[str, tuple[str, ...]] = dict.fromkeys(hosts, ())
        self.wave = 0
        self.canary = 0
        self._earlier: list[str] = []  # proven before the run was resumed
        self._settled: set[str] = set()
        self._times: deque[float] = deque(maxlen=MEASURED)
        self._since = 0.0

    def fold(self, event: events.Event, now: float) -> None:
        """Fold one event, received at `now` (seconds of any monotonic clock)."""
        match event:
            case events.RunStarted():
                self._begin(event.run, event.hosts)  # a resumed run reports again what is proven
            case events.PlanMade():
                self.steps = dict.fromkeys(self._earlier, (ChangeName.CONFIRM,)) | {
                    plan.host: steps_of(plan) for plan in event.plan.hosts
                }
            case events.PhaseStarted(phase=RunPhase.CANARY):
                self.wave, self.canary = 1, event.total
                self.restart(now)
            case events.PhaseStarted(phase=RunPhase.INSTALL):
                self.wave = 2 if self.canary else 1
                self.restart(now)
            case events.PhaseStarted(phase="undo"):
                self.restart(now)
            case events.StepFinished(step=ChangeName.CONFIRM, outcome=StepOutcome.UNCHANGED):
                self._earlier.append(event.host)
                self._settled.add(event.host)
            case events.StepFinished(step=ChangeName.CONFIRM, outcome=StepOutcome.DONE) | events.HostFinished():
                self._settle(event.host, now)

    def _settle(self, host: str, now: float) -> None:
        if host in self.steps and host not in self._settled:
            self._settled.add(host)
            self._times.append(now)

    def restart(self, now: float) -> None:
        """Measure the rate from now on, because a wave began or a pause ended."""
        self._times.clear()
        self._since = now

    @property
    def waves(self) -> int:
        return 2 if self.canary and len(self.steps) - len(self._earlier) > self.canary else 1

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def done(self) -> int:
        return len(self._settled.intersection(self.steps))

    def rate(self, now: float) -> float | None:
        """Servers per second; None while there is too little to measure."""
        if len(self._times) < 2 or now - self._since < SOON:
            return None
        began = self._times[0] if len(self._times) == MEASURED else self._since
        counted = len(self._times) - (len(self._times) == MEASURED)
        return counted / max(now - began, 1e-3)

    def seconds_left(self, now: float) -> float | None:
        rate = self.rate(now)
        return (self.total - self.done) / rate if rate else None


def steps_of(plan: HostPlan) -> tuple[str, ...]:
    """Names of the steps of a server, the proof last."""
    return (*[change.name for change in plan.changes], ChangeName.CONFIRM)


_NOT_BEGUN = Place(Group.WAITING, 0.0)


def place_of(host: HostState | None, steps: Sequence[str]) -> Place:
    """How far a server is in its steps."""
    if host is None or not (host.steps or host.finished):
        return _NOT_BEGUN
    fraction = _fraction(host.steps, steps)
    if host.is_proven:
        return Place(Group.ONLINE, 1.0)
    if host.finished and host.status is HostStatus.SKIPPED:
        return Place(Group.WAITING, fraction)
    if host.finished:
        return Place(Group.FAILED, fraction)
    at = next(
        (step for step in steps if host.steps.get(step) not in (StepOutcome.DONE, StepOutcome.UNCHANGED)),
        ChangeName.CONFIRM,
    )
    return Place(Group.RUNNING, fraction, at)


def place_in_undo(before: Place, undone: HostState | None) -> Place:
    """How far a server is while its run is undone. `before`: when the undo began; `undone`: its State in the undo."""
    if undone is None or not undone.is_undo_tried:
        return before
    if not undone.finished:
        return Place(Group.RUNNING, before.fraction)
    return Place(Group.RESTORED, 0.0) if undone.is_restored else Place(Group.FAILED, before.fraction)


# A step in progress counts half.
_WORTH = {
    StepOutcome.DONE: 1.0,
    StepOutcome.UNCHANGED: 1.0,
    StepOutcome.STARTED: 0.5,
    StepOutcome.FAILED: 0.5,
}


def _fraction(outcomes: Mapping[str, StepOutcome], steps: Sequence[str]) -> float:
    worth = [_WORTH.get(outcomes[step], 0.0) for step in steps if step in outcomes]
    return sum(worth) / len(steps) if steps else 0.0
