"""A tree that looks like the tables: painted cells, whole rows selected, arrows to expand and collapse."""

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from onboard.gui import icons
from onboard.gui.theme import Role, Theme
from onboard.gui.widgets.cells import StatusCell, TextCell
from onboard.gui.widgets.tips import show_views_tip

FIRST = 0.5
SMALL = 20  # branches with up to this many children are expanded initially


class TreeView(QTreeView):
    """The first column takes FIRST of the width; `stretched` takes what the others leave."""

    picked = Signal()

    def __init__(
        self, name: str, model: QAbstractItemModel, *, stretched: int, number: int, parent: QWidget | None = None
    ) -> None:
        """`name` is for screen readers; column `number` has counts."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setProperty("framed", "true")
        self.setModel(model)
        self._cells = (StatusCell(), TextCell(number=True), TextCell())  # the view does not own its delegates
        for column, cell in ((0, self._cells[0]), (number, self._cells[1]), (stretched, self._cells[2])):
            self.setItemDelegateForColumn(column, cell)
        self.setUniformRowHeights(True)
        self.setAnimated(False)
        self.setAllColumnsShowFocus(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(number, QHeaderView.ResizeMode.ResizeToContents)
        header.setResizeContentsPrecision(60)
        self.selectionModel().selectionChanged.connect(self.picked)
        Theme.current().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self.setFont(Theme.current().font(Role.TABLE))
        self.setIndentation(Theme.current().scaled(20))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.setColumnWidth(0, round(self.viewport().width() * FIRST))

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        return show_views_tip(self, event) or super().viewportEvent(event)

    def open_small(self) -> None:
        """Expand every branch that is short enough to read."""
        todo = [QModelIndex()]
        while todo:
            above = todo.pop()
            for row in range(self.model().rowCount(above)):
                index = self.model().index(row, 0, above)
                if 0 < self.model().rowCount(index) <= SMALL:
                    self.expand(index)
                    todo.append(index)

    def drawBranches(  # noqa: N802
        self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw an arrow from the icon set on the background of the row."""
        theme, index = Theme.current(), QModelIndex(index)  # type: ignore[arg-type]
        if self.selectionModel().isSelected(index):
            painter.fillRect(rect, theme.colour("accent_soft"))
        painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, theme.colour("raised"))
        if self.model().hasChildren(index):
            side = theme.glyph_size()
            place = QRectF(rect.right() - side, rect.y() + (rect.height() - side) / 2, side, side)
            name = "chevron-down" if self.isExpanded(index) else "chevron-right"
            icons.paint(painter, name, theme.colour("muted"), place)

    def copied_text(self) -> str:
        """The selected rows as text: one line per row, columns separated by tabs."""
        lines = []
        for index in self.selectionModel().selectedRows():
            cells = [index.siblingAtColumn(column).data() for column in range(self.model().columnCount())]
            lines.append("\t".join(str(cell or "") for cell in cells))
        return "\n".join(lines)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.copied_text())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()  # the primary button's
        else:
            super().keyPressEvent(event)
