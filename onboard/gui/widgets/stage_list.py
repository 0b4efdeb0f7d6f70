"""The list of stages on the left: what is done, the current page, what needs attention, what is still to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from onboard.gui import icons
from onboard.gui.text import tr
from onboard.gui.theme import CONTROL_RADIUS, FOCUS_RING, S8, S12, S16, S24, Role, Theme
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.tips import show_tip, show_views_tip

NARROWEST = 208
GAP = 2  # between stages


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `tip` says what is missing if it cannot be visited, otherwise what it is for."""

    name: str
    title: str
    mark: Mark
    enabled: bool = True
    tip: str = ""


def _word(mark: Mark) -> str:
    words = {
        Mark.DONE: tr("done"),
        Mark.HERE: tr("here"),
        Mark.WARN: tr("needs attention"),
        Mark.BAD: tr("blocked"),
        Mark.TODO: tr("to do"),
    }
    return words.get(mark, "")


class _Stages(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.stages: tuple[Stage, ...] = ()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self.stages)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        stage = self.stages[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return stage.title
            case Qt.ItemDataRole.ToolTipRole:
                return stage.tip
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{stage.title}, {_word(stage.mark)}"
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return stage.tip
        return None

    def replace(self, stages: Sequence[Stage]) -> None:
        """Replace the lines. If the names are the same, the current line is kept."""
        new = tuple(stages)
        if [stage.name for stage in new] != [stage.name for stage in self.stages]:
            self.beginResetModel()
            self.stages = new
            self.endResetModel()
        elif new != self.stages:
            self.stages = new
            self.dataChanged.emit(self.index(0), self.index(len(new) - 1))


class _Line(QStyledItemDelegate):
    """Paints a stage: glyph and title; the current page has a soft background."""

    def __init__(self, view: "StageList") -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        metrics = QFontMetrics(Theme.current().font(Role.STRONG))
        width = S24 + Theme.current().glyph_size() + S12 + metrics.horizontalAdvance(index.data())
        return QSize(width, metrics.height() + S16 + GAP)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme, view = Theme.current(), self._view
        stage = view.stage(index.row())
        rect = QRectF(option.rect).adjusted(S8, 0, -S8, -GAP)
        here = stage.name == view.current
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if here:
            painter.setBrush(theme.colour("accent_soft"))
            painter.drawRoundedRect(rect, CONTROL_RADIUS, CONTROL_RADIUS)
        elif stage.enabled and view.hovered == index.row():
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(rect, CONTROL_RADIUS, CONTROL_RADIUS)
        if view.hasFocus() and view.currentIndex().row() == index.row():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("accent"), FOCUS_RING))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), CONTROL_RADIUS - 1, CONTROL_RADIUS - 1)
        side = theme.glyph_size()
        glyph = QRectF(rect.x() + S12 - 1, rect.y() + (rect.height() - side) / 2, side, side)
        icons.paint(painter, stage.mark.glyph, theme.colour(stage.mark.tone), glyph)
        painter.setFont(theme.font(Role.STRONG if here else Role.BODY))
        visited = stage.mark not in (Mark.TODO, Mark.HERE)
        painter.setPen(theme.colour("accent" if here else "text" if visited else "muted"))
        text = rect.adjusted(S12 + side + S12 - 2, 0, -S8, 0)
        shown = QFontMetrics(painter.font()).elidedText(stage.title, Qt.TextElideMode.ElideRight, int(text.width()))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.restore()


class StageList(QListView):
    """Up and Down move; Enter, Space or a click visits a stage. A stage that cannot be visited yet says why."""

    chosen = Signal(str)  # name of the stage, which can be visited

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stages = _Stages(self)
        self.setModel(self._stages)
        self.setItemDelegate(_Line(self))
        self.current = ""
        self.hovered = -1
        self.setAccessibleName(tr("Stages"))
        self.setProperty("ground", "side")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setViewportMargins(0, S12, 0, S12)
        Theme.current().changed.connect(self._fit)

    def set_stages(self, stages: Sequence[Stage]) -> None:
        """Set the stages. The current line and the page shown are kept."""
        self._stages.replace(stages)
        if not self.currentIndex().isValid():
            self.set_current(self.current)
        self._fit()

    def set_current(self, name: str) -> None:
        """Set which page is shown."""
        self.current = name
        for row, stage in enumerate(self._stages.stages):
            if stage.name == name:
                self.setCurrentIndex(self._stages.index(row))
        self.viewport().update()

    def stage(self, row: int) -> Stage:
        return self._stages.stages[row]

    def visit(self, index: QModelIndex) -> None:
        """Request the page at `index`, or say what it needs first."""
        if not index.isValid():
            return
        stage = self.stage(index.row())
        if stage.enabled:
            self.chosen.emit(stage.name)
        elif stage.tip:
            place = self.visualRect(index)
            show_tip(self.viewport().mapToGlobal(place.bottomLeft()), stage.tip, self.viewport(), place)

    def _fit(self) -> None:
        self.doItemsLayout()
        self.setFixedWidth(max(self.sizeHintForColumn(0) + S24 + S16, NARROWEST))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.visit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseReleaseEvent(event)
        if event.button() is Qt.MouseButton.LeftButton:
            self.visit(self.indexAt(event.position().toPoint()))

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        if event.type() in (QEvent.Type.HoverMove, QEvent.Type.MouseMove) and isinstance(event, QMouseEvent):
            self._hover(self.indexAt(event.position().toPoint()).row())
        elif event.type() == QEvent.Type.Leave:
            self._hover(-1)
        return show_views_tip(self, event) or super().viewportEvent(event)

    def _hover(self, row: int) -> None:
        if row != self.hovered:
            self.hovered = row
            self.viewport().update()
