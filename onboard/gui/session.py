"""The window's data: the draft, the States, and the engine that fills them. Pages store none of it."""

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

REPAINT = 100  # milliseconds between two `states_changed` signals
SHORT_GRACE = 5_000  # milliseconds for an engine that changes nothing to end
SHOW_RUN = "show_run"  # the command that replays an earlier run
ASKING_AWS = ("account", "preview")  # commands that wait for AWS and cannot be interrupted there


class Session(QObject):
    """Signals say that something changed; receivers read `view`.

    opened           another profile is in use, and nothing is known about it yet
    draft_changed    the profile was edited, opened or saved
    mistakes_changed a field became invalid or valid
    states_changed   (command, names of servers that changed); at most every REPAINT milliseconds
    running_changed  a command began or ended
    secret_wanted    the engine waits for a secret: events.SecretWanted
    engine_died      the engine ended unexpectedly; the tail of its standard error
    practice_started the cloud and servers of practice are being started
    practice_ready   practice is up and its profile is open
    practice_failed  practice did not start, or ended unexpectedly: what happened, and why
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
        """Return the accounts that the engine stopped using. Raises OnboardError if their file cannot be read."""
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
        """Set one key of the draft. Return a Problem, and change nothing, if the value is invalid."""
        result = drafts.changed(self._file.draft, key, value)
        if isinstance(result, Problem):
            return result
        self.edit(result)
        return None

    def set_mistake(self, key: str, text: str) -> None:
        """Record why the input in a key's field is invalid and not in the draft; "" if it is valid."""
        if self._file.set_mistake(key, text):
            self.mistakes_changed.emit()

    def new(self) -> None:
        """Start with an empty profile."""
        self._use(Profile(), None, None)

    def open(self, path: Path) -> None:
        """Open a profile. Raises ProfileError, and then keeps the current one."""
        profile = load_unfinished(path)
        self._use(profile, profile, path)

    def save(self, path: Path | None = None) -> None:
        """Save to `path`, or where it came from. Raises ProfileError, OnboardError; ValueError without any path."""
        self._file.save(path)
        self.draft_changed.emit()

    @property
    def is_passing(self) -> bool:
        """Whether the profile belongs to practice and is deleted with it, so that there is nothing to save."""
        path = self._file.path
        return self.practice.is_running and path is not None and path.parent == self.practice.folder

    @property
    def is_changed_elsewhere(self) -> bool:
        """Whether the profile's file has changed since it was opened or saved."""
        return self._file.is_changed_elsewhere

    def recover(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        """Use a draft that a crash left."""
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
        """End practice, and use the normal environment for the next engine."""
        self.practice.close()
        self.engine.use(None)
        self.running_changed.emit()

    # Commands

    def run(self, order: Order, *, profile: Profile | None = None, fresh: bool = True) -> None:
        """Start a command of the engine on `profile`, by default the draft.

        `fresh` begins a new State; otherwise its events are folded into the existing one.
        """
        command = orders.name_of(order)
        if fresh:
            self._forget(command)
        self._told.begin(command, fresh=fresh)
        if command == "apply":
            self._forget("undo")  # its statements about servers no longer hold
        self._asked[command] = profile or self._file.draft
        number, self._next = self._next, self._next + 1
        self._orders[number] = command
        self.engine.send(
            Ordered(number=number, order=order, profile=profile or self._file.draft, path=str(self._file.path or ""))
        )
        self._orders_changed()
        self._note(command, set())

    def resume(self, run: str) -> None:
        """Resume a run of apply that was stopped or interrupted. It checks every server again."""
        self.run(orders.Apply(resume=run), fresh=self.view.state("apply").run != run)

    def show_run(self, run: str = "") -> None:
        """Load the States of apply and undo of an earlier run, by default the profile's last one."""
        self._told.begin_replay()
        self.run(orders.ShowRun(run=run))

    def stop(self, command: str) -> None:
        """Let the command finish its work in progress, and start nothing new."""
        self._control(command, Stop, "stopping")

    def stop_now(self, command: str) -> None:
        self._control(command, StopNow, "stopping")

    def give_up(self, command: str) -> None:
        """Stop waiting for a command that changes nothing."""
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
        """End both child processes. Waits until work on servers has reached a point where it can be resumed."""
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
        """Return the numbers of the command's orders that run or wait."""
        return [number for number, ordered in self._orders.items() if ordered == command]

    def _orders_changed(self) -> None:
        self._held = {number: held for number, held in self._held.items() if number in self._orders}
        self._wakefulness.set_held(any(command in CHANGING for command in self._orders.values()))
        if not self._orders:
            give_to_collector()
        self.running_changed.emit()

    def _forget(self, command: str) -> None:
        """Drop a command's State. If the command still runs, stop it and ignore its further events."""
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
                self.engine.let_go()  # the next order need not wait for it
            self._orders_changed()

    def _forget_moved(self, before: Sequence[Host], after: Sequence[Host]) -> None:
        """Drop what was seen of servers whose name now stands for a different machine."""
        gone, is_another = moved(before, after)
        for command in ("trust", "check"):
            if command in self._orders.values() and is_another:
                self._forget(command)  # its events are still about the previous server
            state = self._told.states.get(command)
            if state is not None and not gone.isdisjoint(state.hosts):
                for name in gone:
                    self._fold(0, command, events.HostForgotten(host=name))

    # Events of the child processes

    @Slot(list)
    def _take(self, told: list[tuple[int, events.Event]]) -> None:
        for number, event in told:
            if number in self._orders:
                self._fold(number, self._orders[number], event)
            elif isinstance(event, events.SecretWanted):  # of a command that was stopped and no longer waits
                self.answer(event, None)

    def take(self, command: str, told: Iterable[events.Event]) -> None:
        """Fold events of a command, as if the engine had sent them for the command's order."""
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
            self._forget("preview")  # role, nodes and activations have changed
        if isinstance(event, events.RunFinished) and command == SHOW_RUN:
            self._take_replay()
        if isinstance(event, events.RunFinished) and number in self._orders:
            del self._orders[number]
            self._tell()  # receivers see all events before they hear that it ended
            self._orders_changed()

    def _take_replay(self) -> None:
        """Show the run after it was read completely, unless servers are being changed now."""
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
        """Practice ended: its cloud, servers and profile are gone."""
        self.engine.use(None)
        self.new()
        self.practice_failed.emit(tr("Practice stopped unexpectedly"), said)


def order_profile(profile: Profile, names: Mapping[str, object] | set[str]) -> Profile:
    """Return the profile with only some of its servers, to run a command on them alone."""
    return profile.model_copy(update={"hosts": tuple(host for host in profile.hosts if host.name in names)})
