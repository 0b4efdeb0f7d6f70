"""The table used on every page: a view over a model, with painted cells and the usual keys."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol, runtime_checkable

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QPoint,
    Qt,
    QTimer,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QWidget

from onboard.gui import icons
from onboard.gui.index import Index
from onboard.gui.text import tr
from onboard.gui.theme import S24, Role, Theme
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.cells import Cell, CellTable, TextCell, text_of
from onboard.gui.widgets.empty_state import EmptyState
from onboard.gui.widgets.table_header import TableHeader
from onboard.gui.widgets.tips import show_views_tip

FITTED_ROWS = 60  # rows measured for the width of a column; measuring thousands would be noticeable
WIDEST = 44  # maximum width of a column in characters, except the last
NARROWEST = 12  # minimum width of a column that has to shrink, in characters


@runtime_checkable
class ManyRows(Protocol):
    """For models of thousands of rows: answers whole rows at once, because querying each cell would be too slow."""

    def key(self, row: int) -> Hashable:
        """The KEY of the row."""

    def row_of(self, key: Hashable) -> int:
        """The row of a key; -1 if it is not shown."""

    def texts(self, row: int) -> Sequence[str]:
        """The texts of the row's cells, by column."""


class DataTable(CellTable):
    """Selects rows, or cells if `cells` is true. Sorts with the model's `sort`.

    The selection, the current cell and the scroll position stay on their rows through updates, including model resets
    if rows have a KEY.
    """

    empty_action = Signal()  # the first action, offered while there are no rows
    picked = Signal()  # the selection or the current cell changed

    def __init__(
        self,
        name: str,
        *,
        cells: bool = False,
        sortable: bool = True,
        framed: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        """`name` is for screen readers."""
        super().__init__(parent)
        self._cells: dict[int, Cell] = {}
        self._by_cells = cells
        self._fitted = False
        self._kept: tuple[Hashable, int, set[Hashable]] | None = None
        self._many: ManyRows | None = None
        self._default = TextCell()
        self._default.join(self)
        self.setItemDelegate(self._default)
        self.setAccessibleName(name)
        self.setProperty("framed", "true" if framed else "false")
        self._header = TableHeader(self)
        self.setHorizontalHeader(self._header)
        self._header.setResizeContentsPrecision(FITTED_ROWS)
        self._header.sectionResized.connect(self._place_empty)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)  # Tab leaves the table, arrow keys move within it
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        behaviour = QAbstractItemView.SelectionBehavior
        self.setSelectionBehavior(behaviour.SelectItems if cells else behaviour.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        if sortable:
            self._header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
            self._header.setSortIndicatorClearable(True)
            self.setSortingEnabled(True)
        self._empty = EmptyState(self)
        self._empty.acted.connect(self.empty_action)
        self._empty.hide()
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self._fitting.timeout.connect(self.fit_columns)
        Theme.current().changed.connect(self._restyle)
        self._restyle()

    # What is shown

    def set_cell(self, column: int, cell: Cell) -> None:
        """Set how a column is painted; the default is TextCell()."""
        cell.join(self)
        self._cells[column] = cell
        self.setItemDelegateForColumn(column, cell)

    def set_empty(self, title: str, text: str = "", action: str = "", icon: str = "") -> None:
        """Set what is shown while there are no rows: what the table is for, and the first action."""
        self._empty.set_texts(title, text, action, icon)
        self._rows_changed()

    def setModel(self, model: QAbstractItemModel | None) -> None:  # noqa: N802 - Qt's name
        old = self.model()
        if old is not None:
            for signal, slot in self._listening(old):
                signal.disconnect(slot)
        super().setModel(model)
        self._many = model if isinstance(model, ManyRows) else None
        if model is not None:
            for signal, slot in self._listening(model):
                signal.connect(slot)
            self.selectionModel().selectionChanged.connect(self.picked)
            self.selectionModel().currentChanged.connect(self.picked)
        self._fitted = False
        self._rows_changed()

    def _listening(self, model: QAbstractItemModel) -> tuple[tuple[SignalInstance, Callable[..., None]], ...]:
        return (
            (model.modelAboutToBeReset, self._keep_place),
            (model.modelReset, self._find_place),
            (model.rowsInserted, self._rows_changed),
            (model.rowsRemoved, self._rows_changed),
            (model.modelReset, self._rows_changed),
            (model.layoutChanged, self._rows_changed),
        )

    # Selection

    def is_current(self, index: Index) -> bool:
        current = self.currentIndex()
        same_row = current.row() == index.row()
        return same_row and (not self._by_cells or current.column() == index.column())

    def edges(self, index: Index) -> tuple[bool, bool]:
        if self._by_cells:
            return True, True
        visual = self._header.visualIndex(index.column())
        return visual == 0, visual == self._header.count() - 1

    def selected_rows(self) -> list[int]:
        """The selected model rows, from the top."""
        parts = self.selectionModel().selection().toList()
        return sorted({row for part in parts for row in range(part.top(), part.bottom() + 1)})

    def selected_keys(self) -> list[Hashable]:
        """The KEYs of the selected rows, from the top."""
        return [self._key(row) for row in self.selected_rows()]

    def select_key(self, key: Hashable) -> bool:
        """Select the row of that key and scroll to it; False if there is none."""
        rows = self._rows_of([key])
        if not rows:
            return False
        index = self.model().index(rows[0], max(self.currentIndex().column(), 0))
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        if not self._by_cells:
            flags |= QItemSelectionModel.SelectionFlag.Rows
        # Not the view's setCurrentIndex, whose selection depends on the modifier keys held down at the time.
        self.selectionModel().setCurrentIndex(index, flags)
        self.scrollTo(index)
        return True

    def _rows_of(self, keys: Iterable[Hashable]) -> list[int]:
        """The rows that are visible, from the top."""
        if self._many is not None:
            return sorted(row for row in map(self._many.row_of, keys) if row >= 0)
        wanted = set(keys)
        return [row for row in range(self.model().rowCount()) if self._key(row) in wanted]

    def _key(self, row: int) -> Hashable:
        if self._many is not None:
            return self._many.key(row)
        key: Hashable = self.model().index(row, 0).data(CellRole.KEY)
        return key

    def _keep_place(self) -> None:
        """Save the keys of the selection and the current row, which a model reset would lose."""
        current = self.currentIndex()
        key = self._key(current.row()) if current.isValid() else None
        self._kept = (key, current.column(), set(self.selected_keys()) - {None})

    def _find_place(self) -> None:
        if self._kept is None:
            return
        current, column, keys = self._kept
        self._kept = None
        if current is None and not keys:
            return
        model, selection = self.model(), QItemSelection()
        left, right = (column, column) if self._by_cells else (0, model.columnCount() - 1)
        for first, last in _stretches(self._rows_of(keys)):
            selection.select(model.index(first, left), model.index(last, right))
        for row in self._rows_of([current]) if current is not None else ():
            self.selectionModel().setCurrentIndex(model.index(row, column), QItemSelectionModel.SelectionFlag.NoUpdate)
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    # Columns

    def fit_columns(self) -> None:
        """Fit each column to its content. The last one takes the rest; long texts are elided if there is no room."""
        model = self.model()
        if model is None or not model.columnCount():
            return
        self._fitted = model.rowCount() > 0 and self.isVisible()  # the table has no width of its own until it is shown
        letter = QFontMetrics(Theme.current().font(Role.TABLE)).averageCharWidth()
        shown = [column for column in range(model.columnCount()) if not self.isColumnHidden(column)]
        widths = {column: self._wanted(column, letter) for column in shown}
        spare = self.viewport().width() - sum(widths.values())
        if spare < 0:
            giving = [column for column in shown if self._cell(column).gives]
            limit = _limit([widths[column] for column in giving], -spare, letter * NARROWEST)
            widths |= {column: min(widths[column], limit) for column in giving}
        else:
            air = min(spare // len(shown), S24)
            widths = {column: width + air for column, width in widths.items()}
        for column, width in widths.items():
            self.setColumnWidth(column, width)

    def refit_columns(self) -> None:
        """Fit the columns to rows that were just replaced, once those are laid out."""
        self._fitted = False
        self._fitting.start()

    def _wanted(self, column: int, letter: int) -> int:
        content = max(self.sizeHintForColumn(column), self._header.sectionSizeHint(column))
        return min(content, letter * WIDEST) if self._cell(column).gives else content

    def _cell(self, column: int) -> Cell:
        return self._cells.get(column, self._default)

    # Copying and the menu

    def copied_text(self) -> str:
        """The selected rows as text, as shown: one line per row, columns separated by tabs."""
        visual = (self._header.logicalIndex(place) for place in range(self._header.count()))
        columns = [column for column in visual if not self.isColumnHidden(column)]
        shown = map(self._texts, self.selected_rows())
        return "\n".join("\t".join([" ".join(texts[column].split()) for column in columns]) for texts in shown)

    def _texts(self, row: int) -> Sequence[str]:
        if self._many is not None:
            return self._many.texts(row)
        model = self.model()
        return [text_of(model.index(row, column)) for column in range(model.columnCount())]

    def copy_selection(self) -> None:
        if self.selectionModel() is not None and self.selectionModel().hasSelection():
            QGuiApplication.clipboard().setText(self.copied_text())

    def menu(self) -> QMenu:
        """The context menu: the page's own actions, then those of every table. The caller deletes it."""
        menu = QMenu(self)
        if self.actions():
            menu.addActions(self.actions())
            menu.addSeparator()
        copy = QAction(icons.icon("copy"), tr("&Copy rows"), menu)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.setEnabled(self.selectionModel() is not None and self.selectionModel().hasSelection())
        copy.triggered.connect(self.copy_selection)
        every = QAction(tr("Select &all"), menu)
        every.setShortcut(QKeySequence.StandardKey.SelectAll)
        every.triggered.connect(self.selectAll)
        menu.addActions([copy, every])
        if self.isSortingEnabled():
            menu.addMenu(self._sort_menu(menu))
        return menu

    def _sort_menu(self, parent: QMenu) -> QMenu:
        """Sorting by keyboard. Choosing the column already sorted by reverses the order."""
        menu = QMenu(tr("&Sort by"), parent)
        for column in range(self._header.count()):
            if not self.isColumnHidden(column) and self._header.text(column):
                action = menu.addAction(self._header.text(column))
                action.setCheckable(True)
                action.setChecked(self._header.sortIndicatorSection() == column)
                action.triggered.connect(lambda _=False, column=column: self.sort_by(column))
        return menu

    def sort_by(self, column: int) -> None:
        """Sort ascending, or descending if the column is already sorted ascending."""
        rising = Qt.SortOrder.AscendingOrder
        again = self._header.sortIndicatorSection() == column and self._header.sortIndicatorOrder() is rising
        self.sortByColumn(column, Qt.SortOrder.DescendingOrder if again else rising)

    # Events

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        where = event.globalPos()
        if event.reason() is QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            place = self.visualRect(self.currentIndex()) & self.viewport().rect()
            where = self.viewport().mapToGlobal(place.bottomLeft() if place.isValid() else QPoint(0, 0))
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._hover(self.rowAt(event.position().toPoint().y()))
        elif event.type() == QEvent.Type.Leave:
            self._hover(-1)
        return show_views_tip(self, event) or super().viewportEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if not self._fitted:
            self._fitting.start()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._place_empty()

    def _hover(self, row: int) -> None:
        if row != self.hovered:
            for changed in (self.hovered, row):
                if changed >= 0:
                    y, height = self.rowViewportPosition(changed), self.rowHeight(changed)
                    self.viewport().update(0, y, self.viewport().width(), height)
            self.hovered = row

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802
        super().currentChanged(current, previous)
        for index in (previous, current):  # the focus ring goes around the whole row
            if index.isValid():
                self.viewport().update(0, self.rowViewportPosition(index.row()), self.viewport().width(), self._row)

    def _restyle(self) -> None:
        self._row = Theme.current().row_height()
        self.verticalHeader().setMinimumSectionSize(self._row)
        self.verticalHeader().setDefaultSectionSize(self._row)
        self.setFont(Theme.current().font(Role.TABLE))
        if self._fitted:
            self._fitting.start()

    def _rows_changed(self, *_: object) -> None:
        rows = self.model().rowCount() if self.model() is not None else 0
        self._empty.setVisible(rows == 0 and self._empty.has_text)
        if self._empty.isVisible():
            self._place_empty()
        if not self._fitted:
            self._fitting.start()

    def _place_empty(self, *_: object) -> None:
        self._empty.setGeometry(self.viewport().geometry())


def _stretches(rows: list[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of consecutive rows."""
    for _, stretch in groupby(enumerate(rows), lambda numbered: numbered[1] - numbered[0]):
        along = [row for _, row in stretch]
        yield along[0], along[-1]


def _limit(widths: list[int], excess: int, least: int) -> int:
    """The maximum width, at least `least`, that reduces the total of the columns by `excess`."""
    falling = sorted(widths, reverse=True)
    for count in range(1, len(falling) + 1):
        after = falling[count] if count < len(falling) else 0
        if sum(falling[:count]) - after * count >= excess:
            return max((sum(falling[:count]) - excess) // count, least)
    return least
