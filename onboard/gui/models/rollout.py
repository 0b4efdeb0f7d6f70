"""Table of the servers of a run and how far each is."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtCore import QObject

from onboard.gui.host_words import reason_of, status_word, undo_words
from onboard.gui.models.host_table import ALL, Column, HostTable
from onboard.gui.text import say, tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.wizard.progress import Group, Place, place_in_undo, place_of
from onboard.wizard.step_words import doing

SERVER, PROGRESS, STEP, NODE = range(4)
MANY = 50  # up to this many rows are removed one by one; for more, the model is reset
_NEED = {Group.FAILED: 0, Group.RUNNING: 1, Group.WAITING: 2, Group.ONLINE: 3, Group.RESTORED: 4}
_TONES = {
    Group.ONLINE: "ok",
    Group.RUNNING: "accent",
    Group.FAILED: "bad",
    Group.WAITING: "muted",
    Group.RESTORED: "muted",
}


def _undo_sentence(host: HostState) -> str:
    word, what = undo_words(host)[0], reason_of(host)
    is_told = host.finished and not host.is_restored and what
    return tr("{status}: {what}", status=word, what=what) if is_told else word


class RolloutModel(HostTable):
    """A row for each server of the run. Events that stream in repaint rows and never move them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._undo = State(), State()
        self._steps: Mapping[str, Sequence[str]] = {}
        self._places: dict[str, Place] = {}
        self._columns = (
            Column(tr("Server"), str),
            Column(
                tr("Progress"),
                self._percent,
                sort_key=self._fraction,
                roles={CellRole.PROGRESS: self._fraction, CellRole.TONE: self._tone},
            ),
            Column(
                tr("Step"),
                self._words,
                sort_key=lambda name: (self._group_need(name), self._words(name)),
                roles={CellRole.TONE: self._step_tone, CellRole.MARK: self._mark},
            ),
            Column(tr("Node"), self._node, roles={CellRole.TONE: lambda _: "muted"}),
        )

    # What is shown

    def show(self, state: State, steps: Mapping[str, Sequence[str]], undo: State | None = None) -> None:
        """Start again. `steps`: server → names of its steps, in the order of the rows; `undo`: the undo's State."""
        self._state, self._steps, self._undo = state, steps, undo or State()
        self._places = {name: self._placed(name) for name in steps}
        self.counts = Counter(place.group for place in self._places.values())
        self.counts[ALL] = len(steps)
        self.arrange()

    def _placed(self, name: str) -> Place:
        return place_in_undo(place_of(self._state.hosts.get(name), self._steps[name]), self._undo.hosts.get(name))

    def update(self, names: Iterable[str]) -> None:
        """Called when these servers changed: some may no longer match the filter, others may match now."""
        changed = [name for name in names if name in self._places]
        for name in changed:
            self._place_anew(name)
        fits = self._fits() or (lambda _: True)
        matching = {name for name in changed if fits(name)}
        leaving = [name for name in changed if name in self._rows and name not in matching]
        coming = [name for name in changed if name not in self._rows and name in matching]
        self.repaint_rows(matching)
        if len(leaving) > MANY:
            self._refill()
            return
        for name in leaving:
            self._remove(self._rows[name])
        self._append(coming)

    def _place_anew(self, name: str) -> None:
        before, after = self._places[name], self._placed(name)
        self._places[name] = after
        if before.group is not after.group:
            self.counts[before.group] -= 1
            self.counts[after.group] += 1

    # Which rows, in what order

    def _names(self) -> Iterable[str]:
        return self._steps

    def _need(self) -> Callable[[str], int] | None:
        """In the order of installation while it is running."""
        return self._group_need if self._state.finished else None

    def _group_need(self, name: str) -> int:
        return _NEED[self._places[name].group]

    def _fits(self) -> Callable[[str], bool] | None:
        return self._matches if self.is_filtered else None

    def _matches(self, name: str) -> bool:
        if self._group not in (ALL, self._places[name].group):
            return False
        return not self._text or self._text in f"{name} {self._words(name)} {self._node(name)}".lower()

    # For pages

    @property
    def is_filtered(self) -> bool:
        return (self._group, self._text) != (ALL, "")

    def failed(self, name: str) -> HostState | None:
        """The State of a server that failed, in the run or its undo; None for other servers."""
        place = self._places.get(name)
        if place is None or place.group is not Group.FAILED:
            return None
        return self._undone(name) or self._state.hosts.get(name)

    def _undone(self, name: str) -> HostState | None:
        """The server's State in the undo, once the undo has reached it or has ended without it."""
        undone = self._undo.hosts.get(name)
        return undone if undone is not None and (undone.steps or undone.finished) else None

    # Contents of the columns

    def _fraction(self, name: str) -> float:
        return self._places[name].fraction

    def _percent(self, name: str) -> str:
        return tr("{percent} %", percent=round(self._fraction(name) * 100))

    def _node(self, name: str) -> str:
        host = self._state.hosts.get(name)
        if host is None or self._places[name].group is Group.RESTORED:  # a restored server is deregistered
            return ""
        return host.instance_id or ""

    def _tone(self, name: str) -> str:
        return _TONES[self._places[name].group]

    def _step_tone(self, name: str) -> str:
        group = self._places[name].group
        if group is Group.RUNNING:
            return "text"
        if group is Group.ONLINE and self._undone(name) is not None:
            return "muted"  # says why the server was not restored
        return self._tone(name)

    def _mark(self, name: str) -> Mark | None:
        place, host = self._places[name], self._state.hosts.get(name)
        if (undone := self._undone(name)) is not None:
            return Mark.TODO if undone.is_restored else undo_words(undone)[1]  # nothing is installed there any longer
        if place.group is Group.WAITING and host is not None and host.finished:
            return Mark.SKIPPED
        return {Group.ONLINE: Mark.DONE, Group.FAILED: Mark.BAD}.get(place.group)

    def _words(self, name: str) -> str:
        place, host = self._places[name], self._state.hosts.get(name)
        if (undone := self._undone(name)) is not None:
            return _undo_sentence(undone)
        match place.group:
            case Group.ONLINE:
                return tr("Online")
            case Group.RUNNING:
                return say(doing(place.step))
            case Group.FAILED if host is not None:
                what, word = reason_of(host), status_word(host.status or HostStatus.FAILED)
                return tr("{status}: {what}", status=word, what=what) if what else word
            case _ if host is not None and host.finished:
                return tr("Skipped: {what}", what=host.reason)
        return tr("Waiting")
