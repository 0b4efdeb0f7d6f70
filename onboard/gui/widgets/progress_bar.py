"""A progress bar."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from onboard.gui.text import tr
from onboard.gui.theme import Theme

THICK = 10
ROUND = 3


class ProgressBar(QWidget):
    """A bar without a number, which the text next to it has."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fraction = 0.0
        self._tone = "accent"
        self.setAccessibleName(tr("Progress"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_fraction(self, fraction: float, tone: str = "accent") -> None:
        """Set the fraction, 0.0 to 1.0, and its colour token."""
        fraction = min(max(fraction, 0.0), 1.0)
        if (fraction, tone) != (self._fraction, self._tone):
            self._fraction, self._tone = fraction, tone
            self.setAccessibleDescription(f"{fraction:.0%}")
            self.update()

    @property
    def fraction(self) -> float:
        return self._fraction

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(Theme.current().scaled(120), Theme.current().scaled(THICK))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = Theme.current()
        thick = theme.scaled(THICK)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = QRectF(0, (self.height() - thick) / 2, self.width(), thick)
        painter.setBrush(theme.colour("idle_soft"))
        painter.drawRoundedRect(track, ROUND, ROUND)
        if self._fraction > 0:
            track.setWidth(max(track.width() * self._fraction, 2 * ROUND))
            painter.setBrush(theme.colour(self._tone))
            painter.drawRoundedRect(track, ROUND, ROUND)
