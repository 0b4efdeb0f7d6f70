"""What the window works on: the draft, the States, and the engine that fills them. Pages hold nothing of this."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from onboard.gui.engine_child import GRACE, EngineChild
from onboard.gui.memory import LetGo, give_to_collector, keep_from_collector
from onboard.gui.practice_child import PracticeChild
from onboard.gui.text import tr
from onboard.gui.wakefulness import Wakefulness
from onboard.home import home
from onboard.hosts.lockout import Lockout
from onboard.model import events, orders
from onboard.model.changes import CHANGING, FailureKind
from onboard.model.errors import Problem
from onboard.model.orders import GoOn, Hold, Order, Ordered, Pause, SecretAnswer, Stop, StopNow
from onboard.model.profile import Host, Profile
from onboard.profiles.file import load_unfinished
from onboard.wizard import draft as drafts
from onboard.wizard.draft_file import DraftFile, moved, outdated
from onboard.wizard.told import Told
from onboard.wizard.view import View

REPAINT = 100  # milliseconds between two tellings of what the engine saw
SHORT_GRACE = 5_000  # milliseconds to end for an engine that only looks
SHOW_RUN = "show_run"  # the command that replays an earlier run
ASKING_AWS = ("account", "preview")  # commands that wait for AWS and cannot be broken off there


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
        self._file = DraftFile()
        self._told = Told()
        self._before_practice: Profile | None = None
        self._asked: dict[str, Profile] = {}
        self._held: dict[int, str] = {}  # order → paused or stopping
        self._wakefulness = Wakefulness(self)
        self._orders: dict[int, str] = {}
        self._next = 1
        self._changed: dict[str, set[str]] = {}
        self._let_go = LetGo(self)
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
            self._file.draft,
            self._file.saved,
            self._file.path,
            self._told.states,
            orders.get(running, ""),
            self.practice.is_up,
            self._held.get(running, ""),
            self._told.logs,
            self._told.progresses,
            frozenset(orders.values()),
            self._asked,
            self._file.mistakes,
            self._told.is_replayed,
        )

    @property
    def draft(self) -> Profile:
        return self._file.draft

    def lockout(self) -> Lockout:
        """The accounts that the engine has stopped. Raises OnboardError when their file cannot be read."""
        return Lockout.of_this_user(self.practice.home if self.practice.is_up else home())

    # The draft

    def edit(self, profile: Profile) -> None:
        """Replace the draft."""
        before = self._file.draft
        if profile == before:
            return
        for command in outdated(before, profile):
            self._forget(command)
        self._forget_moved(before.hosts, profile.hosts)
        self._file.draft = profile
        self.draft_changed.emit()

    def put(self, key: str, value: object) -> Problem | None:
        """Set one key of the draft; what is wrong with the value, and then nothing is changed."""
        result = drafts.changed(self._file.draft, key, value)
        if isinstance(result, Problem):
            return result
        self.edit(result)
        return None

    def set_mistake(self, key: str, text: str) -> None:
        """What is wrong with what stands in a key's field, and did not go to the draft; "" when nothing is."""
        if self._file.set_mistake(key, text):
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
        self._file.save(path)
        self.draft_changed.emit()

    @property
    def is_passing(self) -> bool:
        """Whether the profile goes with the practice that it came with: nothing of it can be lost."""
        path = self._file.path
        return self.practice.is_running and path is not None and path.parent == self.practice.folder

    @property
    def is_changed_elsewhere(self) -> bool:
        """Whether the profile's file is another than the one that was opened or saved."""
        return self._file.is_changed_elsewhere

    def recover(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        """Take up a draft that a crash left."""
        self._use(profile, saved, path)

    def _use(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        for command in {*self._told.states, *self._orders.values()}:
            self._forget(command)
        self._asked.clear()
        if self.practice.is_running and (path is None or path.parent != self.practice.folder):
            self._end_practice()
        self._file.use(profile, saved, path)
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
        self._told.begin(command, fresh=fresh)
        if command == "apply":
            self._forget("undo")  # it says of servers what is no longer so
        self._asked[command] = profile or self._file.draft
        number, self._next = self._next, self._next + 1
        self._orders[number] = command
        self.engine.send(
            Ordered(number=number, order=order, profile=profile or self._file.draft, path=str(self._file.path or ""))
        )
        self._orders_changed()
        self._note(command, set())

    def resume(self, run: str) -> None:
        """Go on with a run of apply that was stopped or broken off: it asks every server again."""
        self.run(orders.Apply(resume=run), fresh=self.view.state("apply").run != run)

    def show_run(self, run: str = "") -> None:
        """Have the States of apply and undo be those of an earlier run, by default the last one of the profile."""
        self._told.begin_replay()
        self.run(orders.ShowRun(run=run))

    def stop(self, command: str) -> None:
        """Let what the command has under way finish, and start nothing new."""
        self._control(command, Stop, "stopping")

    def stop_now(self, command: str) -> None:
        self._control(command, StopNow, "stopping")

    def give_up(self, command: str) -> None:
        """Wait no longer for a command that only looks."""
        self._drop(command)
        what = tr("Stopped before an answer arrived")
        failure = events.RunFailed(kind=FailureKind.ERROR, what=what, remedy=tr("Try again"))
        self._fold(0, command, failure)

    def pause(self, command: str) -> None:
        self._control(command, Pause, "paused")

    def go_on(self, command: str) -> None:
        self._control(command, GoOn)
        self._told.progresses[command].restart(time.monotonic())

    def answer(self, wanted: events.SecretWanted, value: str | None, *, keep: bool = False) -> None:
        """Answer `secret_wanted`; None when the user has no answer."""
        self.engine.control(SecretAnswer(name=wanted.name, value=value, keep=keep))

    def start_practice(self, hosts: int | None = None) -> None:
        self._before_practice = self._file.draft
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
            give_to_collector()
        self.running_changed.emit()

    def _forget(self, command: str) -> None:
        """Let go of what a command told. If it still runs it is stopped, and what it tells from now on is not heard."""
        self._drop(command)
        state = self._told.forget(command)
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
        gone, is_another = moved(before, after)
        for command in ("trust", "check"):
            if command in self._orders.values() and is_another:
                self._forget(command)  # it still tells of the former one
            state = self._told.states.get(command)
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
        self._told.fold(command, event)
        if isinstance(event, events.Recorded):
            return
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
        replay = self._told.take_replay()
        if not replay.states["apply"].run or any(command in CHANGING for command in self._orders.values()):
            return
        view = self.view
        outdated_before = {command for command in view.states if view.outdated_by(command)}
        for command in CHANGING:
            self._forget(command)
        self._told.show_replay(replay, outdated_before)
        for command in replay.states:
            self._note(command, set())

    def _note(self, command: str, hosts: set[str]) -> None:
        self._changed.setdefault(command, set()).update(hosts)
        if not self._teller.isActive():
            self._teller.start()

    @Slot()
    def _tell(self) -> None:
        changed, self._changed = self._changed, {}
        if self._orders:
            keep_from_collector()
        for command, hosts in changed.items():
            self.states_changed.emit(command, hosts)
        self._let_go.start()

    @Slot(str)
    def _engine_ended(self, said: str) -> None:
        broken, self._orders = list(self._orders.values()), {}
        for command in broken:
            if command in CHANGING:
                for end in self._told.unfinished(command, tr("Interrupted: the background process stopped")):
                    self._fold(0, command, end)
            failure = events.RunFailed(
                kind=FailureKind.ERROR,
                what=tr("The background process stopped unexpectedly"),
                why=said,
                remedy=tr("Run it again. If it was an installation, Resume continues where it stopped"),
            )
            self._fold(0, command, failure)
        self._orders_changed()
        self.engine_died.emit(said)

    @Slot()
    def _practice_is_up(self) -> None:
        if self._file.draft != self._before_practice:
            self._end_practice()
            why = tr("The open profile was edited in the meantime, and the changes would have been lost")
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
        self.practice_failed.emit(tr("Practice stopped unexpectedly"), said)


def order_profile(profile: Profile, names: Mapping[str, object] | set[str]) -> Profile:
    """The profile with only some of its servers, to run a command on them alone."""
    return profile.model_copy(update={"hosts": tuple(host for host in profile.hosts if host.name in names)})
