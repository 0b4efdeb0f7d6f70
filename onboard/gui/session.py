"""What the window works on: the draft, the States, and the engine that fills them. Pages hold nothing of this."""

import gc
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from onboard.gui.engine_child import SLICE, EngineChild
from onboard.gui.practice_child import PracticeChild
from onboard.gui.wakefulness import Wakefulness
from onboard.model import events
from onboard.model.errors import Problem
from onboard.model.plan import Plan
from onboard.model.profile import Host, Profile
from onboard.model.state import HostState, State
from onboard.profiles.file import load_unfinished, save
from onboard.wizard import draft as drafts
from onboard.wizard.log import Log
from onboard.wizard.progress import Progress
from onboard.wizard.view import View

REPAINT = 100  # milliseconds between two tellings of what the engine saw
CHANGING = ("apply", "undo")  # commands that change servers: followed line by line, and the computer stays awake

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

    draft_changed    the profile was edited, opened or saved
    states_changed   (command, names of servers that changed); at most every REPAINT milliseconds
    running_changed  a command began or ended
    secret_wanted    the engine waits for a secret: events.SecretWanted
    engine_died      the engine ended by itself; its last words
    practice_ready   practice is up and its profile is open
    practice_failed  practice did not come up; its last words
    """

    draft_changed = Signal()
    states_changed = Signal(str, set)
    running_changed = Signal()
    secret_wanted = Signal(object)
    engine_died = Signal(str)
    practice_ready = Signal()
    practice_failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = Profile()
        self._saved: Profile | None = None
        self._path: Path | None = None
        self._states: defaultdict[str, State] = defaultdict(State)
        self._logs: defaultdict[str, Log] = defaultdict(Log)
        self._progresses: defaultdict[str, Progress] = defaultdict(Progress)
        self._held = ""
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
        self.practice.failed.connect(self._practice_ended)
        self._teller = QTimer(self)
        self._teller.setInterval(REPAINT)
        self._teller.setSingleShot(True)
        self._teller.timeout.connect(self._tell)

    # What is

    @property
    def view(self) -> View:
        orders = self._orders.values()
        running = next((command for command in orders if command in CHANGING), next(iter(orders), ""))
        return View(
            self._draft,
            self._saved,
            self._path,
            self._states,
            running,
            self.practice.is_running,
            self._held,
            self._logs,
            self._progresses,
        )

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
        self._path = target
        self.draft_changed.emit()

    def recover(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        """Take up a draft that a crash left."""
        self._use(profile, saved, path)

    def _use(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        self.stop_now()
        self._draft, self._saved, self._path = profile, saved, path
        for command in list(self._states):
            self._forget(command)
        self.draft_changed.emit()

    # Commands

    def run(
        self,
        command: str,
        *,
        profile: Profile | None = None,
        plan: Plan | None = None,
        fresh: bool = True,
        **more: Any,
    ) -> None:
        """Start a command of the engine (see onboard.cli.engine) on `profile`, by default the draft.

        `fresh` begins a new State; else what it tells is folded into the one that is there. `plan`: what was approved.
        """
        number, self._next = self._next, self._next + 1
        self._orders[number] = command
        if fresh:
            self._let_go.add(self._states.pop(command, None))
            self._states[command] = State()
            self._logs.pop(command, None)
        path = str(self._path or "")
        self.engine.send({"id": number, "do": command, "path": path, **more}, profile or self._draft, plan)
        self._orders_changed()
        self._note(command, set())

    def resume(self, run: str) -> None:
        """Go on with a run of apply that was stopped or broken off: it takes up the servers that it has not proven."""
        self.run("apply", fresh=self.view.state("apply").run != run, resume=run)

    def stop(self) -> None:
        """Let what is under way finish, and start nothing new."""
        self._control("stop", "stopping")

    def stop_now(self) -> None:
        self._control("stop_now", "stopping")

    def pause(self) -> None:
        self._control("pause", "paused")

    def go_on(self) -> None:
        self._control("go_on")
        for progress in self._progresses.values():
            progress.restart(time.monotonic())

    def answer(self, wanted: events.SecretWanted, value: str | None, *, keep: bool = False) -> None:
        """Answer `secret_wanted`; None when the user has no answer."""
        self.engine.send({"do": "secret", "name": wanted.name, "value": value, "keep": keep})

    def start_practice(self, hosts: int | None = None) -> None:
        self.practice.start(hosts)

    def close(self) -> None:
        """End both children."""
        self._orders.clear()
        self._let_go.stop()
        self._wakefulness.set_held(False)
        self.engine.close()
        self.practice.close()

    def _control(self, what: str, held: str = "") -> None:
        if self._orders:
            self.engine.send({"do": what})
            self._held = held
            self.running_changed.emit()

    def _orders_changed(self) -> None:
        self._held = self._held if self._orders else ""
        self._wakefulness.set_held(any(command in CHANGING for command in self._orders.values()))
        self.running_changed.emit()

    def _forget(self, command: str) -> None:
        self._logs.pop(command, None)
        self._progresses.pop(command, None)
        state = self._states.pop(command, None)
        if state is not None:
            self._let_go.add(state)
            self._note(command, set())

    def _forget_moved(self, before: Sequence[Host], after: Sequence[Host]) -> None:
        """What was seen of a server says nothing about another one at its name."""
        kept = set(map(id, after))
        changed = [host for host in before if id(host) not in kept]
        names = {host.name for host in changed}
        targets = {host.name: host.target for host in after if host.name in names}
        gone = {host.name for host in changed if targets.get(host.name) != host.target}
        for command in ("trust", "check"):
            state = self._states.get(command)
            if state is not None and not gone.isdisjoint(state.hosts):
                for name in gone:
                    state.hosts.pop(name, None)
                self._note(command, gone)

    # What the children tell

    @Slot(list)
    def _take(self, told: list[tuple[int, events.Event]]) -> None:
        for number, event in told:
            if number in self._orders:
                self._fold(number, self._orders[number], event)

    def take(self, command: str, told: Iterable[events.Event]) -> None:
        """Fold what the engine told of a command, as if the child had told it of that command's order."""
        number = next((number for number, ordered in self._orders.items() if ordered == command), 0)
        for event in told:
            self._fold(number, command, event)

    def _fold(self, number: int, command: str, event: events.Event) -> None:
        if isinstance(event, events.SecretWanted):
            self.secret_wanted.emit(event)
            return
        self._states[command].fold(event)
        if command in CHANGING:
            self._logs[command].fold(event, datetime.now().astimezone())
            self._progresses[command].fold(event, time.monotonic())
        host = getattr(event, "host", "")
        self._note(command, {host} if host else set())
        if isinstance(event, events.RunFinished) and number in self._orders:
            del self._orders[number]
            self._tell()  # whoever hears that it ended has heard all of it
            self._orders_changed()

    def _note(self, command: str, hosts: set[str]) -> None:
        self._changed.setdefault(command, set()).update(hosts)
        if not self._teller.isActive():
            self._teller.start()

    @Slot()
    def _tell(self) -> None:
        changed, self._changed = self._changed, {}
        if self._orders:
            # What streams in lives long and holds no cycles; to look for some in 200,000 values takes 150 ms.
            gc.freeze()
        for command, hosts in changed.items():
            self.states_changed.emit(command, hosts)

    @Slot(str)
    def _engine_ended(self, said: str) -> None:
        broken, self._orders = list(self._orders.values()), {}
        for command in broken:
            failure = events.RunFailed(
                kind="error",
                what="The engine ended by itself",
                why=said,
                remedy="Run it again; a broken-off installation can be resumed",
            )
            self._fold(0, command, failure)
        self._orders_changed()
        self.engine_died.emit(said)

    @Slot()
    def _practice_is_up(self) -> None:
        self.engine.use(self.practice.environment())
        self.open(self.practice.folder / "profile.toml")
        self.practice_ready.emit()

    @Slot(str)
    def _practice_ended(self, said: str) -> None:
        self.engine.use(None)  # what comes next is no practice
        if self._orders:
            self._engine_ended(said)
        self.practice_failed.emit(said)


def _decided(profile: Profile, section: str) -> object:
    """A section without what was only observed: evidence for the choice of a Region makes nothing stale."""
    if section == "region":
        return profile.region.model_copy(update={"measured": None})
    return getattr(profile, section)


class _LetGo(QObject):
    """Gives the memory of States back bit by bit: that of 10,000 checked servers would take a fifth of a second."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left: list[HostState] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)

    def add(self, state: State | None) -> None:
        """Nobody needs it any more; whoever still has it keeps it whole."""
        if state is not None and state.hosts:
            self._left += state.hosts.values()
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
