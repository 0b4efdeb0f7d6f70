"""The header of a table: a click sorts, and an arrow shows by which column."""

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QHeaderView, QTableView

from onboard.gui import icons
from onboard.gui.theme import S4, Role, Theme
from onboard.gui.widgets.cells import LEFT, PADDING, RIGHT, Cell
from onboard.gui.widgets.tips import show_views_tip


class TableHeader(QHeaderView):
    """Column names are aligned like the content of their columns: left, right or centred."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._table = table
        self._hovered = -1
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setStretchLastSection(True)
        self.setMinimumSectionSize(PADDING * 3)
        self.setMouseTracking(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)

    def text(self, section: int) -> str:
        value = self.model().headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole)
        return "" if value is None else str(value)

    def sectionSizeFromContents(self, section: int) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(_font())
        width = metrics.horizontalAdvance(self.text(section)) + 2 * PADDING + 1
        if self._sorts(section):
            width += S4 + metrics.ascent()
        return QSize(width, Theme.current().row_height())

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:  # noqa: N802
        theme = Theme.current()
        painter.save()
        painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, theme.colour("border"))
        painter.setFont(_font())
        painter.setPen(theme.colour("text" if section == self._hovered or self._sorts(section) else "muted"))
        inner = rect.adjusted(PADDING, 0, -PADDING, 0)
        cell = self._table.itemDelegateForColumn(section) or self._table.itemDelegate()
        alignment = cell.alignment if isinstance(cell, Cell) else LEFT
        if self._sorts(section):
            inner = self._draw_arrow(painter, inner, section, alignment, theme)
        shown = QFontMetrics(painter.font()).elidedText(self.text(section), self.textElideMode(), inner.width())
        painter.drawText(inner, alignment, shown)
        painter.restore()

    def _draw_arrow(
        self, painter: QPainter, inner: QRect, section: int, alignment: Qt.AlignmentFlag, theme: Theme
    ) -> QRect:
        """Draw the arrow next to the name and return the space left for the name."""
        metrics = QFontMetrics(painter.font())
        side, name = metrics.ascent(), metrics.horizontalAdvance(self.text(section))
        left = inner.right() - side
        if alignment == LEFT:
            left = min(inner.x() + name + S4, left)
        rising = self.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
        place = QRectF(left, inner.y() + (inner.height() - side) / 2, side, side)
        icons.paint(painter, "sort-up" if rising else "sort-down", theme.colour("text"), place)
        return inner.adjusted(0, 0, -side - S4 if alignment != LEFT or alignment == RIGHT else 0, 0)

    def _sorts(self, section: int) -> bool:
        return self.isSortIndicatorShown() and self.sortIndicatorSection() == section

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.HoverMove and hasattr(event, "position"):
            self._hover(self.logicalIndexAt(event.position().toPoint()))
        elif event.type() in (QEvent.Type.Leave, QEvent.Type.HoverLeave):
            self._hover(-1)
        return show_views_tip(self, event) or super().viewportEvent(event)

    def _hover(self, section: int) -> None:
        if section != self._hovered:
            self._hovered = section
            self.viewport().update()


def _font() -> QFont:
    font = QFont(Theme.current().font(Role.CAPTION))
    font.setWeight(QFont.Weight.Medium)
    return font
