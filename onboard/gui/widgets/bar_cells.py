"""Cells that paint a quantity as a bar."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from onboard.gui.index import Index
from onboard.gui.theme import Theme
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.cells import Cell

PROGRESS_WIDTH = 160
LATENCY_WIDTH = 240
THICK = 8
ROUND = 3
BROKEN, GAP = 8, 3  # of a shortened bar: the part after the gap, and the gap


class ProgressCell(Cell):
    """How far a server is: PROGRESS from 0 to 1, in the colour of TONE (default: accent)."""

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        done = index.data(CellRole.PROGRESS)
        if done is None:
            return
        track = _bar(rect, min(rect.width(), self.width(index, theme)), theme)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        # On a selected or hovered row the soft colour is that of the background; the border colour is visible on both.
        painter.setBrush(theme.colour("border"))
        painter.setOpacity(0.55)
        painter.drawRoundedRect(track, ROUND, ROUND)
        painter.setOpacity(1)
        if done > 0:
            part = QRectF(track)
            part.setWidth(max(track.width() * min(float(done), 1.0), 2 * ROUND))
            painter.setBrush(theme.colour(index.data(CellRole.TONE) or "accent"))
            painter.drawRoundedRect(part, ROUND, ROUND)

    def width(self, index: Index, theme: Theme) -> int:
        return theme.scaled(PROGRESS_WIDTH)


class LatencyCell(Cell):
    """A median as a bar, its interval as whiskers. All bars share one scale, from 0 to `longest` milliseconds.

    A longer bar is drawn with a gap before its end and without whiskers; the figure next to it has the value.
    """

    def __init__(self) -> None:
        super().__init__()
        self._longest = 1.0

    def set_longest(self, milliseconds: float) -> None:
        """Set the ms that the full width represents. The caller repaints the view."""
        self._longest = max(milliseconds, 1e-9)

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        latency = index.data(CellRole.LATENCY)
        if latency is None:
            return
        median, low, high = latency
        scale = (rect.width() - 2) / self._longest
        bar = _bar(rect, min(max(median * scale, 2.0), rect.width() - 2), theme)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(index.data(CellRole.TONE) or "accent"))
        if median > self._longest:
            _draw_broken(painter, bar)
            return
        painter.drawRoundedRect(bar, ROUND - 1, ROUND - 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        _whiskers(painter, bar, bar.x() + low * scale, bar.x() + high * scale, theme.colour("text"))

    def width(self, index: Index, theme: Theme) -> int:
        return theme.scaled(LATENCY_WIDTH)


def _bar(rect: QRect, width: float, theme: Theme) -> QRectF:
    thick = theme.scaled(THICK)
    return QRectF(rect.x(), rect.y() + (rect.height() - thick) // 2, width, thick)


def _draw_broken(painter: QPainter, bar: QRectF) -> None:
    """The two parts of a shortened bar, with a gap between them."""
    painter.drawRoundedRect(bar.adjusted(0, 0, -BROKEN - GAP, 0), ROUND - 1, ROUND - 1)
    painter.drawRoundedRect(bar.adjusted(bar.width() - BROKEN, 0, 0, 0), ROUND - 1, ROUND - 1)


def _whiskers(painter: QPainter, bar: QRectF, low: float, high: float, colour: QColor) -> None:
    """An interval as a line with a cap at each end."""
    middle = round(bar.center().y())
    reach = round(bar.height() / 2)
    left, right = round(low), max(round(high), round(low) + 2)
    painter.fillRect(left, middle, right - left + 1, 1, colour)
    painter.fillRect(left, middle - reach, 1, 2 * reach + 1, colour)
    painter.fillRect(right, middle - reach, 1, 2 * reach + 1, colour)
