"""Servers of a run and how far each is, as a table. A view of the State: of its own it keeps places and an order."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from onboard.gui.text import tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark
from onboard.model.outcome import troubles
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.wizard.progress import Group, Place, place_in_undo, place_of

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()

SERVER, PROGRESS, STEP, NODE = range(4)
ALL = "all"
MANY = 50  # rows that leave one by one; more are taken out by beginning anew
_NEED = {Group.FAILED: 0, Group.RUNNING: 1, Group.WAITING: 2, Group.ONLINE: 3, Group.RESTORED: 4}
_TONES = {
    Group.ONLINE: "ok",
    Group.RUNNING: "accent",
    Group.FAILED: "bad",
    Group.WAITING: "muted",
    Group.RESTORED: "muted",
}


def step_words(step: str) -> str:
    """A step while it is under way."""
    words = {
        "install_roots": tr("Adding root certificates"),
        "configure_agent": tr("Writing the agent's configuration"),
        "configure_proxy": tr("Setting the proxy"),
        "install_agent": tr("Installing the agent"),
        "register_agent": tr("Registering"),
        "start_agent": tr("Starting the agent"),
        "place_nonce": tr("Placing the nonce"),
        "tag_node": tr("Tagging its node"),
        "confirm": tr("Waiting for its answer"),
    }
    return words.get(step, step)


def failed_word(status: HostStatus | None) -> str:
    words = {
        HostStatus.UNREACHABLE: tr("Unreachable"),
        HostStatus.UNTRUSTED: tr("Identity not approved"),
        HostStatus.BLOCKED: tr("Blocked"),
    }
    return words.get(status, tr("Failed")) if status else tr("Failed")


def reason_of(host: HostState) -> tuple[str, str]:
    """(what, remedy) of the worst that is wrong with it."""
    wrong = troubles(host)
    return (wrong[0].summary, wrong[0].words.remedy) if wrong else ("", "")


def undo_words(host: HostState) -> tuple[str, Mark]:
    """How far the undoing of a server is."""
    if host.is_restored:
        return tr("Restored"), Mark.DONE
    if host.finished:
        return tr("Not restored"), Mark.SKIPPED if host.status is HostStatus.SKIPPED else Mark.BAD
    return (tr("Restoring"), Mark.HERE) if host.steps else (tr("Waiting"), Mark.WAITING)


def _undo_sentence(host: HostState) -> str:
    word, what = undo_words(host)[0], reason_of(host)[0]
    is_told = host.finished and not host.is_restored and what
    return tr("{status}: {what}", status=word, what=what) if is_told else word


class RolloutModel(QAbstractTableModel):
    """A row for each server of the run. What streams in repaints rows and never moves them.

    counts    group, or ALL → number of servers
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.counts: Counter[str] = Counter()
        self._state, self._undo = State(), State()
        self._steps: Mapping[str, Sequence[str]] = {}
        self._places: dict[str, Place] = {}
        self._order: list[str] = []
        self._shown: list[str] = []
        self._rows: dict[str, int] = {}
        self._sort = (-1, Qt.SortOrder.AscendingOrder)
        self._group = ALL
        self._text = ""

    # What is shown

    def show(self, state: State, steps: Mapping[str, Sequence[str]], undo: State | None = None) -> None:
        """Begin anew. `steps`: server → names of its steps, in the order of the rows; `undo` takes the run back."""
        self._state, self._steps, self._undo = state, steps, undo or State()
        self._places = {name: self._placed(name) for name in steps}
        self.counts = Counter(place.group for place in self._places.values())
        self.counts[ALL] = len(steps)
        self.arrange()

    def _placed(self, name: str) -> Place:
        return place_in_undo(place_of(self._state.hosts.get(name), self._steps[name]), self._undo.hosts.get(name))

    def update(self, names: Iterable[str]) -> None:
        """These servers changed."""
        rows: list[int] = []
        leaving: list[str] = []
        coming: list[str] = []
        for name in names:
            if name not in self._places:
                continue
            before, after = self._places[name], self._placed(name)
            self._places[name] = after
            if before.group is not after.group:
                self.counts[before.group] -= 1
                self.counts[after.group] += 1
            row = self._rows.get(name)
            if row is None:
                coming += [name] if self._matches(name) else []
            elif self._matches(name):
                rows.append(row)
            else:
                leaving.append(name)
        if rows:
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), NODE))
        if len(leaving) > MANY:
            self._refill()
            return
        for name in leaving:
            self._remove(self._rows[name])
        if coming:
            first = len(self._shown)
            self.beginInsertRows(NOWHERE, first, first + len(coming) - 1)
            self._rows.update({name: first + number for number, name in enumerate(coming)})
            self._shown += coming
            self.endInsertRows()

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(NOWHERE, row, row)
        del self._shown[row]
        self._rows = {name: row for row, name in enumerate(self._shown)}
        self.endRemoveRows()

    def filter_by(self, group: str, text: str) -> None:
        """Show those of a group (ALL for any) with a text in their name or in what they say."""
        wanted = (group, text.strip().lower())
        if wanted != (self._group, self._text):
            self._group, self._text = wanted
            self._refill()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; by -1, in the order of installing while it goes on, then what needs a person first."""
        self._sort = (column, order)
        self.arrange()

    def arrange(self) -> None:
        """Put the rows in order."""
        column, order = self._sort
        self._order = list(self._steps)
        if column == SERVER:
            self._order.sort(key=str.casefold)
        elif column == PROGRESS:
            self._order.sort(key=lambda name: self._places[name].fraction)
        elif column == STEP:
            self._order.sort(key=lambda name: (_NEED[self._places[name].group], self._words(name)))
        elif column == NODE:
            self._order.sort(key=self._node)
        elif self._state.finished:
            self._order.sort(key=lambda name: _NEED[self._places[name].group])
        if order is Qt.SortOrder.DescendingOrder:
            self._order.reverse()
        self._refill()

    def _refill(self) -> None:
        self.beginResetModel()
        self._shown = [name for name in self._order if self._matches(name)] if self.is_filtered else [*self._order]
        self._rows = {name: row for row, name in enumerate(self._shown)}
        self.endResetModel()

    def _matches(self, name: str) -> bool:
        if self._group not in (ALL, self._places[name].group):
            return False
        return not self._text or self._text in f"{name} {self._words(name)} {self._node(name)}".lower()

    # What pages ask

    @property
    def is_filtered(self) -> bool:
        return (self._group, self._text) != (ALL, "")

    def failed(self, name: str) -> HostState | None:
        """The State of a server that failed, in its run or in the undoing of it; None for the others."""
        place = self._places.get(name)
        if place is None or place.group is not Group.FAILED:
            return None
        return self._undone(name) or self._state.hosts.get(name)

    def _undone(self, name: str) -> HostState | None:
        """The undo's State of a server that it has come to, or ended without."""
        undone = self._undo.hosts.get(name)
        return undone if undone is not None and (undone.steps or undone.finished) else None

    def key(self, row: int) -> str:
        return self._shown[row]

    def row_of(self, key: object) -> int:
        """-1 when it is not shown."""
        return self._rows.get(str(key), -1)

    def texts(self, row: int) -> list[str]:
        """What the row's cells show."""
        name = self._shown[row]
        return [self._text_of(name, column) for column in range(self.columnCount())]

    # Qt's side

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else NODE + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Server"), tr("Progress"), tr("Step"), tr("Node"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        name, column = self._shown[index.row()], index.column()
        match role:
            case CellRole.KEY:
                return name
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return self._text_of(name, column)
            case CellRole.PROGRESS:
                return self._places[name].fraction if column == PROGRESS else None
            case CellRole.TONE if column == NODE:
                return "muted"
            case CellRole.TONE if column in (PROGRESS, STEP):
                return self._tone(name, column)
            case CellRole.MARK if column == STEP:
                return self._mark(name)
        return None

    def _text_of(self, name: str, column: int) -> str:
        if column == SERVER:
            return name
        if column == PROGRESS:
            return tr("{percent} %", percent=round(self._places[name].fraction * 100))
        return self._words(name) if column == STEP else self._node(name)

    def _node(self, name: str) -> str:
        host = self._state.hosts.get(name)
        if host is None or self._places[name].group is Group.RESTORED:  # then it is deregistered
            return ""
        return host.instance_id or ""

    def _tone(self, name: str, column: int) -> str:
        group = self._places[name].group
        if column == STEP and group is Group.RUNNING:
            return "text"
        if column == STEP and group is Group.ONLINE and self._undone(name) is not None:
            return "muted"  # it says why it was not restored
        return _TONES[group]

    def _mark(self, name: str) -> Mark | None:
        place, host = self._places[name], self._state.hosts.get(name)
        if (undone := self._undone(name)) is not None:
            return Mark.TODO if undone.is_restored else undo_words(undone)[1]  # nothing is installed there now
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
                return step_words(place.step)
            case Group.FAILED if host is not None:
                what = reason_of(host)[0]
                word = failed_word(host.status)
                return tr("{status}: {what}", status=word, what=what) if what else word
            case _ if host is not None and host.finished:
                return tr("Skipped: {what}", what=host.reason)
        return tr("Waiting")
