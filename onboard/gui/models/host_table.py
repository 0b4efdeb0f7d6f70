"""A table with a row for each server: what the tables of a run have in common."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.widgets.cell_role import CellRole

ALL = "all"  # the group that every server is in


@dataclass(frozen=True, slots=True)
class Column:
    """What a column says of the server with a name.

    title     in the header; `about` is its tooltip
    text      in full: it is shown and copied, and is the tooltip where `roles` has no other
    sort_key  where rows are not sorted by their texts
    roles     data role → what the column says in it
    """

    title: str
    text: Callable[[str], str]
    about: str = ""
    sort_key: Callable[[str], Any] | None = None
    roles: Mapping[int, Callable[[str], object]] = field(default_factory=dict)

    def key(self, name: str) -> Any:
        return self.sort_key(name) if self.sort_key is not None else self.text(name).casefold()


class HostTable(QAbstractTableModel):
    """A view of a State: of its own it keeps an order and a filter. Rows move only in `arrange`.

    counts    group, or ALL → number of servers

    A subclass says which servers there are, and which of them fit the filter.
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

    # What a subclass says

    def _names(self) -> Iterable[str]:
        """Every server, in the order of the draft or of the run."""
        raise NotImplementedError

    def _need(self) -> Callable[[str], int] | None:
        """By which rows stand while no column sorts them: what needs a person first. None: in the order of `_names`."""
        raise NotImplementedError

    def _fits(self) -> Callable[[str], bool] | None:
        """Whether a server fits the filter as it is now; None while all do."""
        raise NotImplementedError

    # Which rows, in which order

    def filter_by(self, group: str, text: str) -> None:
        """Show those of a group (ALL for any) with a text in what is searched."""
        wanted = (group, text.strip().lower())
        if wanted != (self._group, self._text):
            self._group, self._text = wanted
            self._refill()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; by -1, what needs a person first."""
        self._sort = (column, order)
        self.arrange()

    def arrange(self) -> None:
        """Put the rows in order."""
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
        """These servers changed."""
        rows = [row for name in names if (row := self._rows.get(name)) is not None]
        if rows:
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), self.columnCount() - 1))

    def _append(self, names: Sequence[str]) -> None:
        """These are shown from now on, below the others."""
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

    # What pages and tables ask

    def key(self, row: int) -> str:
        """The row's server."""
        return self._shown[row]

    def row_of(self, key: object) -> int:
        """-1 when it is not shown."""
        return self._rows.get(str(key), -1)

    def texts(self, row: int) -> list[str]:
        """What the row's cells show."""
        name = self._shown[row]
        return [column.text(name) for column in self._columns]

    # Qt's side

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
