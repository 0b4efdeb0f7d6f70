"""The legend of the map."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from onboard.gui.text import tr
from onboard.gui.theme import S4, S12, Role, Theme
from onboard.gui.widgets.flow import Flow
from onboard.gui.widgets.world_map import RING, Spot, paint_cross, paint_mark, paint_ring
from onboard.wizard.regions import MIDDLE_MS, NEAR_MS, Nearness

SMALLER = 0.75  # compared with the map
Draw = Callable[[QPainter, QPointF, Theme], None]


class MapKey(QWidget):
    """`show_for` hides the entries for marks that are not on the map."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = {
            Nearness.NEAR: tr("under {n} ms", n=round(NEAR_MS)),
            Nearness.MIDDLE: tr("under {n} ms", n=round(MIDDLE_MS)),
            Nearness.FAR: tr("farther"),
            Nearness.SILENT: tr("no answer"),
            Nearness.UNKNOWN: tr("not measured"),
        }
        self._marks = {nearness: _Entry(text, _mark(nearness)) for nearness, text in words.items()}
        self._near = _Entry(tr("you are near here"), _cross)
        self._used = _Entry(tr("in use"), paint_ring)
        row = Flow(S12, self)
        for entry in (*self._marks.values(), self._near, self._used):
            row.addWidget(entry)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_for(self, spots: Sequence[Spot]) -> None:
        present = {spot.nearness for spot in spots}
        for nearness, entry in self._marks.items():
            entry.setVisible(nearness in present)
        self._near.setVisible(any(spot.nearest for spot in spots))
        self._used.setVisible(any(spot.chosen for spot in spots))


class _Entry(QWidget):
    def __init__(self, text: str, draw: Draw) -> None:
        super().__init__()
        self._text, self._draw = text, draw
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _side(self) -> int:
        return round(2 * SMALLER * RING * 1.2 * Theme.current().text_scale)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(Theme.current().font(Role.CAPTION))
        return QSize(self._side() + S4 + metrics.horizontalAdvance(self._text), max(self._side(), metrics.height()))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = Theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._side() / 2, self.height() / 2)
        painter.scale(SMALLER, SMALLER)
        self._draw(painter, QPointF(0, 0), theme)
        painter.resetTransform()
        painter.setFont(theme.font(Role.CAPTION))
        painter.setPen(theme.colour("muted"))
        place = self.rect().adjusted(self._side() + S4, 0, 0, 0)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self._text)


def _cross(painter: QPainter, where: QPointF, theme: Theme) -> None:
    paint_cross(painter, where, theme, (4.0, 11.0))


def _mark(nearness: Nearness) -> Draw:
    def draw(painter: QPainter, where: QPointF, theme: Theme) -> None:
        paint_mark(painter, where, nearness, theme)

    return draw
