"""Base for the tables of a run: one row per server."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.widgets.cell_role import CellRole

ALL = "all"  # the group that contains every server


@dataclass(frozen=True, slots=True)
class Column:
    """A column: each function takes the name of a server.

    title     in the header; `about` is its tooltip
    text      in full: shown, copied, and used as the tooltip unless `roles` has one
    sort_key  if rows are not sorted by `text`
    roles     data role → the column's data in that role
    """

    title: str
    text: Callable[[str], str]
    about: str = ""
    sort_key: Callable[[str], Any] | None = None
    roles: Mapping[int, Callable[[str], object]] = field(default_factory=dict)

    def key(self, name: str) -> Any:
        return self.sort_key(name) if self.sort_key is not None else self.text(name).casefold()


class HostTable(QAbstractTableModel):
    """A view of a State that adds only an order and a filter. Rows move only in `arrange`.

    counts    group, or ALL → number of servers

    Subclasses say which servers there are and which of them match the filter.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.counts: Counter[str] = Counter()
        self._columns: Sequence[Column] = ()
        self._order: list[str] = []
        self._shown: list[str] = []
        self._rows: dict[str, int] = {}
        self._sort = (-1, Qt.SortOrder.AscendingOrder)
        self._group, self._text = ALL, ""

    # For subclasses to override

    def _names(self) -> Iterable[str]:
        """Every server, in the order of the draft or of the run."""
        raise NotImplementedError

    def _need(self) -> Callable[[str], int] | None:
        """Sort key while no column sorts: servers that need a person first. None: keep the order of `_names`."""
        raise NotImplementedError

    def _fits(self) -> Callable[[str], bool] | None:
        """A test whether a server matches the current filter; None while all match."""
        raise NotImplementedError

    # Which rows, in what order

    def filter_by(self, group: str, text: str) -> None:
        """Show the servers of a group (ALL for any) whose searchable text contains `text`."""
        wanted = (group, text.strip().lower())
        if wanted != (self._group, self._text):
            self._group, self._text = wanted
            self._refill()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; -1: servers that need a person first."""
        self._sort = (column, order)
        self.arrange()

    def arrange(self) -> None:
        """Filter and sort the rows again."""
        column, order = self._sort
        self._order = list(self._names())
        key = self._columns[column].key if column >= 0 else self._need()
        if key is not None:
            self._order.sort(key=key)
        if order is Qt.SortOrder.DescendingOrder:
            self._order.reverse()
        self._refill()

    def _refill(self) -> None:
        fits = self._fits()
        self.beginResetModel()
        self._shown = list(self._order) if fits is None else [name for name in self._order if fits(name)]
        self._rows = {name: row for row, name in enumerate(self._shown)}
        self.endResetModel()

    # Rows that change while the others stay where they are

    def repaint_rows(self, names: Iterable[str]) -> None:
        """Called when these servers changed."""
        rows = [row for name in names if (row := self._rows.get(name)) is not None]
        if rows:
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), self.columnCount() - 1))

    def _append(self, names: Sequence[str]) -> None:
        """Show these servers too, below the others."""
        if names:
            first = len(self._shown)
            self.beginInsertRows(NOWHERE, first, first + len(names) - 1)
            self._rows.update({name: first + number for number, name in enumerate(names)})
            self._shown += names
            self.endInsertRows()

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(NOWHERE, row, row)
        del self._shown[row]
        self._rows = {name: row for row, name in enumerate(self._shown)}
        self.endRemoveRows()

    # For pages and tables

    def key(self, row: int) -> str:
        """The name of the server in that row."""
        return self._shown[row]

    def row_of(self, key: object) -> int:
        """The row of a server; -1 if it is not shown."""
        return self._rows.get(str(key), -1)

    def texts(self, row: int) -> list[str]:
        """The texts of the row's cells."""
        name = self._shown[row]
        return [column.text(name) for column in self._columns]

    # QAbstractTableModel

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self._columns)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self._columns[section].title
            if role == Qt.ItemDataRole.ToolTipRole:
                return self._columns[section].about or None
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        name = self._shown[index.row()]
        if role == CellRole.KEY:
            return name
        column = self._columns[index.column()]
        says = column.roles.get(role)
        if says is not None:
            return says(name)
        return column.text(name) if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) else None
