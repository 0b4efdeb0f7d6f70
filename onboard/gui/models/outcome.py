"""How every server of a run ended, as a table; and, once the run is being undone, how far that is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from onboard.gui.models.rollout import failed_word, reason_of, undo_words
from onboard.gui.text import tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark, mark_of_host
from onboard.model.outcome import need_of
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()

SERVER, STATUS, NODE, REASON = range(4)


class Ended(StrEnum):
    ALL = "all"
    ONLINE = "online"
    NOT_ONLINE = "not-online"
    SKIPPED = "skipped"


def stands(host: HostState) -> HostStatus | None:
    """How it ended; None when it did not, since the run was broken off."""
    return host.outcome("apply")


def ended(host: HostState) -> Ended:
    status = stands(host)
    if status is HostStatus.SKIPPED:
        return Ended.SKIPPED
    return Ended.ONLINE if status is HostStatus.ONLINE else Ended.NOT_ONLINE


def mark_of_end(host: HostState) -> Mark:
    return mark_of_host(stands(host))


def status_words(host: HostState) -> str:
    words = {HostStatus.ONLINE: tr("Online"), HostStatus.SKIPPED: tr("Skipped"), HostStatus.FAILED: tr("Failed")}
    status = stands(host)
    if status is None:
        return tr("Not finished")
    return words.get(status) or failed_word(status)


class OutcomeModel(QAbstractTableModel):
    """What needs a person comes first. counts: `Ended` → servers."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.counts: Counter[str] = Counter()
        self._state, self._undo = State(), State()
        self._order: list[HostState] = []
        self._shown: list[str] = []
        self._rows: dict[str, int] = {}
        self._sort = (-1, Qt.SortOrder.AscendingOrder)
        self._group, self._text = Ended.ALL, ""

    def show(self, state: State, undo: State) -> None:
        """Begin anew, with a run and with what undoes it."""
        self._state, self._undo = state, undo
        self.counts = Counter(ended(host) for host in state.hosts.values())
        self.counts[Ended.ALL] = len(state.hosts)
        self.arrange()

    def repaint_rows(self, names: Iterable[str]) -> None:
        """These servers changed in the undoing; what the run itself did stays as it is."""
        rows = [self._rows[name] for name in names if name in self._rows]
        if rows:
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), REASON))

    def filter_by(self, group: Ended, text: str) -> None:
        wanted = (group, text.strip().lower())
        if wanted != (self._group, self._text):
            self._group, self._text = wanted
            self._refill()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sort = (column, order)
        self.arrange()

    def arrange(self) -> None:
        column, order = self._sort
        self._order = list(self._state.hosts.values())
        if column >= 0:
            self._order.sort(key=lambda host: self._text_of(host, column).casefold())
        else:
            self._order.sort(key=lambda host: need_of(stands(host)))
        if order is Qt.SortOrder.DescendingOrder:
            self._order.reverse()
        self._refill()

    def _refill(self) -> None:
        self.beginResetModel()
        self._shown = [host.name for host in self._order if self._matches(host)]
        self._rows = {name: row for row, name in enumerate(self._shown)}
        self.endResetModel()

    def _matches(self, host: HostState) -> bool:
        if self._group not in (Ended.ALL, ended(host)):
            return False
        return not self._text or any(self._text in self._text_of(host, column).lower() for column in range(4))

    def host(self, name: str) -> HostState | None:
        return self._state.hosts.get(name)

    def key(self, row: int) -> str:
        return self._shown[row]

    def row_of(self, key: object) -> int:
        """-1 when it is not shown."""
        return self._rows.get(str(key), -1)

    def texts(self, row: int) -> list[str]:
        """What the row's cells show."""
        host = self._state.hosts[self._shown[row]]
        return [self._text_of(host, column) for column in range(self.columnCount())]

    # Qt's side

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else REASON + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles()[section]
        return None

    def _titles(self) -> Sequence[str]:
        return tr("Server"), tr("Status"), tr("Node"), tr("Why")

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        name, column = self._shown[index.row()], index.column()
        host = self._state.hosts[name]
        match role:
            case CellRole.KEY:
                return name
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return self._text_of(host, column)
            case CellRole.MARK if column == STATUS:
                undone = self._undo.hosts.get(name)
                if undone is not None:
                    return undo_words(undone)[1]
                return mark_of_end(host)
            case CellRole.TONE if column == NODE:
                return "muted"
        return None

    def _text_of(self, host: HostState, column: int) -> str:
        match column:
            case 0:
                return host.name
            case 1:
                undone = self._undo.hosts.get(host.name)
                return undo_words(undone)[0] if undone is not None else status_words(host)
            case 2:
                undone = self._undo.hosts.get(host.name)
                is_deregistered = undone is not None and undone.is_restored
                return "" if is_deregistered else host.instance_id or ""
        undone = self._undo.hosts.get(host.name)
        if undone is not None:
            return reason_of(undone)[0] if undone.status is not HostStatus.READY else ""
        return reason_of(host)[0] if stands(host) is not HostStatus.ONLINE else ""
