"""What the window works on: the draft, the States, and the engine that fills them. Pages hold nothing of this."""

import gc
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from onboard.gui.engine_child import GRACE, SLICE, EngineChild
from onboard.gui.practice_child import PracticeChild
from onboard.gui.text import tr
from onboard.gui.wakefulness import Wakefulness
from onboard.home import home
from onboard.hosts.lockout import Lockout
from onboard.model import events, orders
from onboard.model.changes import CHANGING, FailureKind
from onboard.model.errors import Problem
from onboard.model.orders import GoOn, Hold, Order, Ordered, Pause, SecretAnswer, Stop, StopNow
from onboard.model.plan import HostPlan
from onboard.model.profile import Host, Profile
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.profiles.file import load_unfinished, save, stamp
from onboard.wizard import draft as drafts
from onboard.wizard.log import Log
from onboard.wizard.progress import Progress
from onboard.wizard.replay import Replay
from onboard.wizard.view import View

REPAINT = 100  # milliseconds between two tellings of what the engine saw
SHORT_GRACE = 5_000  # milliseconds to end for an engine that only looks
SHOW_RUN = "show_run"  # the command that replays an earlier run
ASKING_AWS = ("account", "preview")  # commands that wait for AWS and cannot be broken off there

# A command whose result is worth nothing once this section of the draft changed.
_STALE = {
    "aws": ("account", "preview", "plan"),
    "hosts": ("plan",),
    "credentials": ("plan",),
    "region": ("preview", "check", "plan"),
    "role": ("preview", "plan"),
    "activation": ("plan",),
    "network": ("check", "plan"),
    "agent": ("plan",),
    "run": ("plan",),
}


class Session(QObject):
    """Signals tell what changed; whoever wants to know reads `view`.

    opened           another profile is there, with nothing known of it yet
    draft_changed    the profile was edited, opened or saved
    mistakes_changed a field holds something that the draft cannot take, or no more
    states_changed   (command, names of servers that changed); at most every REPAINT milliseconds
    running_changed  a command began or ended
    secret_wanted    the engine waits for a secret: events.SecretWanted
    engine_died      the engine ended by itself; its last words
    practice_started cloud and servers of practice are being started
    practice_ready   practice is up and its profile is open
    practice_failed  practice did not come up, or ended by itself: what happened, and why
    """

    opened = Signal()
    draft_changed = Signal()
    mistakes_changed = Signal()
    states_changed = Signal(str, set)
    running_changed = Signal()
    secret_wanted = Signal(object)
    engine_died = Signal(str)
    practice_started = Signal()
    practice_ready = Signal()
    practice_failed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = Profile()
        self._saved: Profile | None = None
        self._path: Path | None = None
        self._stamp: object = None  # of the profile's file, when it was read or written
        self._before_practice: Profile | None = None
        self._states: defaultdict[str, State] = defaultdict(State)
        self._logs: defaultdict[str, Log] = defaultdict(Log)
        self._progresses: defaultdict[str, Progress] = defaultdict(Progress)
        self._asked: dict[str, Profile] = {}
        self._mistakes: dict[str, str] = {}
        self._replay = Replay()  # as far as it was read
        self._is_replayed = False
        self._held: dict[int, str] = {}  # order → paused or stopping
        self._wakefulness = Wakefulness(self)
        self._orders: dict[int, str] = {}
        self._next = 1
        self._changed: dict[str, set[str]] = {}
        self._let_go = _LetGo(self)
        self.engine = EngineChild(self)
        self.engine.told.connect(self._take)
        self.engine.died.connect(self._engine_ended)
        self.practice = PracticeChild(self)
        self.practice.ready.connect(self._practice_is_up)
        self.practice.failed.connect(self._practice_did_not_start)
        self.practice.ended.connect(self._practice_ended)
        self._teller = QTimer(self)
        self._teller.setInterval(REPAINT)
        self._teller.setSingleShot(True)
        self._teller.timeout.connect(self._tell)

    # What is

    @property
    def view(self) -> View:
        orders = self._orders
        running = next((number for number, command in orders.items() if command in CHANGING), next(iter(orders), 0))
        return View(
            self._draft,
            self._saved,
            self._path,
            self._states,
            orders.get(running, ""),
            self.practice.is_up,
            self._held.get(running, ""),
            self._logs,
            self._progresses,
            frozenset(orders.values()),
            self._asked,
            self._mistakes,
            self._is_replayed,
        )

    @property
    def draft(self) -> Profile:
        return self._draft

    def lockout(self) -> Lockout:
        """The accounts that the engine has stopped. Raises OnboardError when their file cannot be read."""
        return Lockout.of_this_user(self.practice.home if self.practice.is_up else home())

    # The draft

    def edit(self, profile: Profile) -> None:
        """Replace the draft."""
        if profile == self._draft:
            return
        for section, commands in _STALE.items():
            if _decided(profile, section) != _decided(self._draft, section):
                for command in commands:
                    self._forget(command)
        self._forget_moved(self._draft.hosts, profile.hosts)
        self._draft = profile
        self.draft_changed.emit()

    def put(self, key: str, value: object) -> Problem | None:
        """Set one key of the draft; what is wrong with the value, and then nothing is changed."""
        result = drafts.changed(self._draft, key, value)
        if isinstance(result, Problem):
            return result
        self.edit(result)
        return None

    def set_mistake(self, key: str, text: str) -> None:
        """What is wrong with what stands in a key's field, and did not go to the draft; "" when nothing is."""
        text = text.rstrip(".")
        if text == self._mistakes.get(key, ""):
            return
        if text:
            self._mistakes[key] = text
        else:
            del self._mistakes[key]
        self.mistakes_changed.emit()

    def new(self) -> None:
        """Begin with an empty profile."""
        self._use(Profile(), None, None)

    def open(self, path: Path) -> None:
        """Open a profile. Raises ProfileError; what was there stays then."""
        profile = load_unfinished(path)
        self._use(profile, profile, path)

    def save(self, path: Path | None = None) -> None:
        """Save to `path`, or where it came from. Raises ProfileError, OnboardError; ValueError without any path."""
        target = path or self._path
        if target is None:
            raise ValueError("no file is chosen")
        self._draft = self._saved = save(self._draft, target)
        self._path, self._stamp = target, stamp(target)
        self.draft_changed.emit()

    @property
    def is_passing(self) -> bool:
        """Whether the profile goes with the practice that it came with: nothing of it can be lost."""
        return self.practice.is_running and self._path is not None and self._path.parent == self.practice.folder

    @property
    def is_changed_elsewhere(self) -> bool:
        """Whether the profile's file is another than the one that was opened or saved."""
        return self._path is not None and stamp(self._path) not in (self._stamp, None)

    def recover(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        """Take up a draft that a crash left."""
        self._use(profile, saved, path)

    def _use(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        for command in {*self._states, *self._orders.values()}:
            self._forget(command)
        self._asked.clear()
        self._mistakes.clear()
        if self.practice.is_running and (path is None or path.parent != self.practice.folder):
            self._end_practice()
        self._draft, self._saved, self._path = profile, saved, path
        self._stamp = stamp(path) if path else None
        self.opened.emit()
        self.draft_changed.emit()

    def _end_practice(self) -> None:
        """What comes next is no practice."""
        self.practice.close()
        self.engine.use(None)
        self.running_changed.emit()

    # Commands

    def run(self, order: Order, *, profile: Profile | None = None, fresh: bool = True) -> None:
        """Start a command of the engine on `profile`, by default the draft.

        `fresh` begins a new State; else what it tells is folded into the one that is there.
        """
        command = orders.name_of(order)
        if fresh:
            self._forget(command)
            self._states[command] = State()
        elif command in CHANGING:
            self._states[command] = self._states.pop(command, State())  # the last that began
        if command == "apply":
            self._forget("undo")  # it says of servers what is no longer so
            self._is_replayed = False
        self._asked[command] = profile or self._draft
        number, self._next = self._next, self._next + 1
        self._orders[number] = command
        self.engine.send(
            Ordered(number=number, order=order, profile=profile or self._draft, path=str(self._path or ""))
        )
        self._orders_changed()
        self._note(command, set())

    def resume(self, run: str) -> None:
        """Go on with a run of apply that was stopped or broken off: it asks every server again."""
        self.run(orders.Apply(resume=run), fresh=self.view.state("apply").run != run)

    def show_run(self, run: str = "") -> None:
        """Have the States of apply and undo be those of an earlier run, by default the last one of the profile."""
        self._replay = Replay()
        self.run(orders.ShowRun(run=run))

    def stop(self, command: str) -> None:
        """Let what the command has under way finish, and start nothing new."""
        self._control(command, Stop, "stopping")

    def stop_now(self, command: str) -> None:
        self._control(command, StopNow, "stopping")

    def give_up(self, command: str) -> None:
        """Wait no longer for a command that only looks."""
        self._drop(command)
        what = tr("Stopped before there was an answer")
        failure = events.RunFailed(kind=FailureKind.ERROR, what=what, remedy=tr("Ask again"))
        self._fold(0, command, failure)

    def pause(self, command: str) -> None:
        self._control(command, Pause, "paused")

    def go_on(self, command: str) -> None:
        self._control(command, GoOn)
        self._progresses[command].restart(time.monotonic())

    def answer(self, wanted: events.SecretWanted, value: str | None, *, keep: bool = False) -> None:
        """Answer `secret_wanted`; None when the user has no answer."""
        self.engine.control(SecretAnswer(name=wanted.name, value=value, keep=keep))

    def start_practice(self, hosts: int | None = None) -> None:
        self._before_practice = self._draft
        self.practice_started.emit()
        self.practice.start(hosts)

    def close(self) -> None:
        """End both children. Waits for what is under way on servers to come to where it can be resumed."""
        changing = any(command in CHANGING for command in self._orders.values())
        self._orders.clear()
        self._let_go.stop()
        self._wakefulness.set_held(False)
        self.engine.close(GRACE if changing else SHORT_GRACE)
        self.practice.close()

    def _control(self, command: str, control: type[Hold], held: str = "") -> None:
        for number in self._numbers(command):
            self.engine.control(control(number=number))
            self._held[number] = held
            self.running_changed.emit()

    def _numbers(self, command: str) -> list[int]:
        """Those of its orders that run or wait."""
        return [number for number, ordered in self._orders.items() if ordered == command]

    def _orders_changed(self) -> None:
        self._held = {number: held for number, held in self._held.items() if number in self._orders}
        self._wakefulness.set_held(any(command in CHANGING for command in self._orders.values()))
        if not self._orders:
            gc.unfreeze()
        self.running_changed.emit()

    def _forget(self, command: str) -> None:
        """Let go of what a command told. If it still runs it is stopped, and what it tells from now on is not heard."""
        self._drop(command)
        self._logs.pop(command, None)
        self._progresses.pop(command, None)
        if command == "apply":
            self._is_replayed = False
        state = self._states.pop(command, None)
        if state is not None:
            self._let_go.add(state)
            self._note(command, set())

    def _drop(self, command: str) -> None:
        numbers = self._numbers(command)
        for number in numbers:
            del self._orders[number]
            self.engine.control(Stop(number=number) if command in CHANGING else StopNow(number=number))
        if numbers:
            if command in ASKING_AWS and not self._orders:
                self.engine.let_go()  # what comes next has not to wait for it
            self._orders_changed()

    def _forget_moved(self, before: Sequence[Host], after: Sequence[Host]) -> None:
        """What was seen of a server says nothing about another one at its name."""
        kept = set(map(id, after))
        changed = [host for host in before if id(host) not in kept]
        names = {host.name for host in changed}
        places = {host.name: host.place for host in after if host.name in names}
        gone = {host.name for host in changed if places.get(host.name) != host.place}
        for command in ("trust", "check"):
            if command in self._orders.values() and not gone.isdisjoint(places):
                self._forget(command)  # it still tells of the former one
            state = self._states.get(command)
            if state is not None and not gone.isdisjoint(state.hosts):
                for name in gone:
                    self._fold(0, command, events.HostForgotten(host=name))

    # What the children tell

    @Slot(list)
    def _take(self, told: list[tuple[int, events.Event]]) -> None:
        for number, event in told:
            if number in self._orders:
                self._fold(number, self._orders[number], event)
            elif isinstance(event, events.SecretWanted):  # by a command that was stopped, and waits for nothing now
                self.answer(event, None)

    def take(self, command: str, told: Iterable[events.Event]) -> None:
        """Fold what the engine told of a command, as if the child had told it of that command's order."""
        number = next((number for number, ordered in self._orders.items() if ordered == command), 0)
        for event in told:
            self._fold(number, command, event)

    def _fold(self, number: int, command: str, event: events.Event) -> None:
        if isinstance(event, events.SecretWanted):
            self.secret_wanted.emit(event)
            return
        if isinstance(event, events.Recorded):
            self._replay.fold(event)
            return
        self._states[command].fold(event)
        if command in CHANGING:
            self._logs[command].fold(event, datetime.now().astimezone())
            self._progresses[command].fold(event, time.monotonic())
        host = getattr(event, "host", "")
        self._note(command, {host} if host else set())
        if isinstance(event, events.RunFinished) and command in CHANGING and not self._numbers("preview"):
            self._forget("preview")  # role, nodes and activations are others by now
        if isinstance(event, events.RunFinished) and command == SHOW_RUN:
            self._take_replay()
        if isinstance(event, events.RunFinished) and number in self._orders:
            del self._orders[number]
            self._tell()  # whoever hears that it ended has heard all of it
            self._orders_changed()

    def _take_replay(self) -> None:
        """The run was read to its end: show it, unless servers are being changed by now."""
        replay, self._replay = self._replay, Replay()
        if not replay.states["apply"].run or any(command in CHANGING for command in self._orders.values()):
            return
        view = self.view
        outdated = {command for command in self._states if view.outdated_by(command)}
        for command in CHANGING:
            self._forget(command)
        self._states_in_order(outdated, replay.states)
        for command in replay.states:
            self._logs[command] = replay.logs[command]
            self._progresses[command] = replay.progresses[command]
            self._note(command, set())
        self._is_replayed = True

    def _states_in_order(self, outdated: Collection[str], replayed: Mapping[str, State]) -> None:
        """What an earlier run did is older than all that was begun here, but for what was outdated already."""
        states = dict(self._states)
        self._states.clear()
        self._states.update({command: state for command, state in states.items() if command in outdated})
        self._states.update(replayed)
        self._states.update({command: state for command, state in states.items() if command not in outdated})

    def _note(self, command: str, hosts: set[str]) -> None:
        self._changed.setdefault(command, set()).update(hosts)
        if not self._teller.isActive():
            self._teller.start()

    @Slot()
    def _tell(self) -> None:
        changed, self._changed = self._changed, {}
        if self._orders:
            # What streams in lives long and holds no cycles; to look for some in 200,000 values takes 150 ms. What was
            # garbage in a cycle by now is frozen too, and is found after the last order's end.
            gc.freeze()
        for command, hosts in changed.items():
            self.states_changed.emit(command, hosts)
        self._let_go.start()

    @Slot(str)
    def _engine_ended(self, said: str) -> None:
        broken, self._orders = list(self._orders.values()), {}
        for command in broken:
            if command in CHANGING:
                self._break_off(command)
            failure = events.RunFailed(
                kind=FailureKind.ERROR,
                what=tr("The engine ended by itself"),
                why=said,
                remedy=tr("Run it again; a broken-off installation can be resumed"),
            )
            self._fold(0, command, failure)
        self._orders_changed()
        self.engine_died.emit(said)

    def _break_off(self, command: str) -> None:
        """Nobody works on its servers any more."""
        reason = tr("Broken off: the engine ended")
        worked_on = self._progresses[command].steps  # what is not among them was well or blocked before
        for host in list(self._states[command].hosts.values()):
            if host.name in worked_on and not host.finished and not host.is_proven:
                self._fold(0, command, events.HostFinished(host=host.name, status=HostStatus.SKIPPED, reason=reason))

    @Slot()
    def _practice_is_up(self) -> None:
        if self._draft != self._before_practice:
            self._end_practice()
            why = tr("The profile that is open was edited meanwhile, and would have been lost")
            self.practice_failed.emit(tr("Practice was not opened"), why)
            return
        self.engine.use(self.practice.environment())
        self.open(self.practice.folder / "profile.toml")
        self.practice_ready.emit()

    @Slot(str)
    def _practice_did_not_start(self, said: str) -> None:
        self.practice_failed.emit(tr("Practice did not start"), said)

    @Slot(str)
    def _practice_ended(self, said: str) -> None:
        """Its cloud and servers are gone, and its profile with them."""
        self.engine.use(None)
        self.new()
        self.practice_failed.emit(tr("Practice ended by itself"), said)


def _decided(profile: Profile, section: str) -> object:
    """A section without what was only observed: evidence for the choice of a Region makes nothing stale."""
    if section == "region":
        return profile.region.model_copy(update={"measured": None})
    return getattr(profile, section)


class _LetGo(QObject):
    """Gives the memory of States back bit by bit: that of 10,000 checked servers would take a fifth of a second."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left: list[HostState | HostPlan] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)

    def add(self, state: State) -> None:
        """Nobody needs it any more, once all were told: `start` then."""
        self._left += state.hosts.values()
        self._left += state.plan.hosts if state.plan else ()

    def start(self) -> None:
        if self._left:
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._left.clear()

    def _go_on(self) -> None:
        until = time.monotonic() + SLICE
        while self._left and time.monotonic() < until:
            del self._left[-20:]
        if not self._left:
            self._timer.stop()


def order_profile(profile: Profile, names: Mapping[str, object] | set[str]) -> Profile:
    """The profile with only some of its servers, to run a command on them alone."""
    return profile.model_copy(update={"hosts": tuple(host for host in profile.hosts if host.name in names)})
