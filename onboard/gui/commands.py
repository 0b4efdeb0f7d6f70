"""The commands of the engine: starts them, and folds their events into States."""

import time
from collections.abc import Iterable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from onboard.gui.memory import LetGo, keep_from_collector
from onboard.gui.orders import Orders
from onboard.gui.text import tr
from onboard.model import events, orders
from onboard.model.changes import CHANGING, FailureKind
from onboard.model.orders import Order
from onboard.model.profile import Profile
from onboard.wizard.draft_file import DraftFile, moved, outdated
from onboard.wizard.told import Told
from onboard.wizard.view import View

REPAINT = 100  # milliseconds between two `states_changed` signals
SHOW_RUN = "show_run"  # the command that replays an earlier run


class Commands(QObject):
    """`told` holds the States. `asked`: command → the profile that it was last run on.

    states_changed  (command, names of servers that changed); at most every REPAINT milliseconds
    secret_wanted   the engine waits for a secret: events.SecretWanted
    engine_died     the engine ended unexpectedly; the tail of its standard error
    """

    states_changed = Signal(str, set)
    secret_wanted = Signal(object)
    engine_died = Signal(str)

    def __init__(self, file: DraftFile, orders: Orders, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.told = Told()
        self.asked: dict[str, Profile] = {}
        self._file = file
        self._orders = orders
        self._changed: dict[str, set[str]] = {}
        self._let_go = LetGo(self)
        self._teller = QTimer(self, singleShot=True, interval=REPAINT)
        self._teller.timeout.connect(self.tell)
        orders.engine.told.connect(self._take)
        orders.engine.died.connect(self._engine_ended)
        orders.went_on.connect(self._went_on)

    # Starting

    def run(self, order: Order, *, profile: Profile | None = None, fresh: bool = True) -> None:
        """Start a command of the engine on `profile`, by default the draft.

        `fresh` begins a new State; otherwise its events are folded into the existing one.
        """
        command = orders.name_of(order)
        if fresh:
            self._forget(command)
        self.told.begin(command, fresh=fresh)
        if command == "apply":
            self._forget("undo")  # its statements about servers no longer hold
        self.asked[command] = profile or self._file.draft
        self._orders.give(order, self.asked[command], str(self._file.path or ""))
        self._note(command)

    def resume(self, run: str) -> None:
        """Resume a run of apply that was stopped or interrupted. It checks every server again."""
        shown = self.told.states.get("apply")
        self.run(orders.Apply(resume=run), fresh=shown is None or shown.run != run)

    def show_run(self, run: str = "") -> None:
        """Load the States of apply and undo of an earlier run, by default the profile's last one."""
        self.told.begin_replay()
        self.run(orders.ShowRun(run=run))

    def give_up(self, command: str) -> None:
        """Stop waiting for a command that changes nothing."""
        self._orders.drop(command)
        what = tr("Stopped before an answer arrived")
        self._fold(0, command, events.RunFailed(kind=FailureKind.ERROR, what=what, remedy=tr("Try again")))

    @Slot(str)
    def _went_on(self, command: str) -> None:
        self.told.progresses[command].restart(time.monotonic())

    # Forgetting

    @Slot()
    def forget_all(self) -> None:
        """Drop all States, because another profile will be used."""
        for command in {*self.told.states, *self._orders.commands}:
            self._forget(command)
        self.asked.clear()

    @Slot(object, object)
    def forget_outdated(self, before: Profile, after: Profile) -> None:
        """Drop the States that do not hold for the edited profile, and what was seen of servers that moved."""
        for command in outdated(before, after):
            self._forget(command)
        gone, is_another = moved(before.hosts, after.hosts)
        for command in ("trust", "check"):
            if command in self._orders.commands and is_another:
                self._forget(command)  # its events are still about the previous server
            state = self.told.states.get(command)
            if state is not None and not gone.isdisjoint(state.hosts):
                for name in gone:
                    self._fold(0, command, events.HostForgotten(host=name))

    def _forget(self, command: str) -> None:
        """Drop a command's State. If the command still runs, stop it and ignore its further events."""
        self._orders.drop(command)
        state = self.told.forget(command)
        if state is not None:
            self._let_go.add(state)
            self._note(command)

    def close(self) -> None:
        self._let_go.stop()

    # Events of the engine

    @Slot(list)
    def _take(self, told: list[tuple[int, events.Event]]) -> None:
        for number, event in told:
            if command := self._orders.command_of(number):
                self._fold(number, command, event)
            elif isinstance(event, events.SecretWanted):  # of a command that was stopped and no longer waits
                self._orders.answer(event, None)

    def take(self, command: str, told: Iterable[events.Event]) -> None:
        """Fold events of a command, as if the engine had sent them for the command's order."""
        number = next(iter(self._orders.numbers(command)), 0)
        for event in told:
            self._fold(number, command, event)

    def _fold(self, number: int, command: str, event: events.Event) -> None:
        if isinstance(event, events.SecretWanted):
            self.secret_wanted.emit(event)
            return
        self.told.fold(command, event)
        if isinstance(event, events.Recorded):
            return
        self._note(command, getattr(event, "host", ""))
        if isinstance(event, events.RunFinished):
            self._finished(number, command)

    def _finished(self, number: int, command: str) -> None:
        if command in CHANGING and not self._orders.numbers("preview"):
            self._forget("preview")  # role, nodes and activations have changed
        if command == SHOW_RUN:
            self._show_replay()
        if self._orders.command_of(number):
            self._orders.end(number)
            self.tell()  # receivers see all events before they hear that it ended
            self._orders.report()

    def _show_replay(self) -> None:
        """Show the run that was read, unless servers are being changed now."""
        replay = self.told.take_replay()
        if not replay.states["apply"].run or self._orders.is_changing:
            return
        view = View(states=self.told.states)
        outdated_before = {name for name in view.states if view.outdated_by(name)}
        for command in CHANGING:
            self._forget(command)
        self.told.show_replay(replay, outdated_before)
        for command in replay.states:
            self._note(command)

    @Slot(str)
    def _engine_ended(self, said: str) -> None:
        for command in self._orders.commands:
            if command in CHANGING:
                for end in self.told.unfinished(command, tr("Interrupted: the background process stopped")):
                    self._fold(0, command, end)
            failure = events.RunFailed(
                kind=FailureKind.ERROR,
                what=tr("The background process stopped unexpectedly"),
                why=said,
                remedy=tr("Run it again. If it was an installation, Resume continues where it stopped"),
            )
            self._fold(0, command, failure)
        self._orders.end_all()
        self.engine_died.emit(said)

    # What changed

    def _note(self, command: str, host: str = "") -> None:
        self._changed.setdefault(command, set()).update({host} - {""})
        if not self._teller.isActive():
            self._teller.start()

    @Slot()
    def tell(self) -> None:
        """Signal now what has changed."""
        self._teller.stop()
        changed, self._changed = self._changed, {}
        if self._orders.commands:
            keep_from_collector()
        for command, hosts in changed.items():
            self.states_changed.emit(command, hosts)
        self._let_go.start()
