"""Buttons. At most one primary button is on screen; a link is for navigation and rare actions."""

from enum import StrEnum

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QWidget

from onboard.gui import icons
from onboard.gui.theme import CONTROL_RADIUS, FOCUS_RING, S4, Theme


class Kind(StrEnum):
    PLAIN = "plain"
    PRIMARY = "primary"
    LINK = "link"


_ICON_TONES = {Kind.PLAIN: "text", Kind.PRIMARY: "on_accent", Kind.LINK: "accent"}


class Button(QPushButton):
    """A push button whose icon follows the theme and whose focus ring is visible on any background.

    `text` is a verb with its Alt letter: `tr("&Import…")`.
    """

    def __init__(
        self, text: str, *, icon: str = "", kind: Kind = Kind.PLAIN, small: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        self._icon = icon
        self._kind = kind
        self.setProperty("kind", kind.value)
        if small:
            self.setProperty("size", "small")
        self.setAutoDefault(False)
        if kind is Kind.LINK:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._draw_icon()

    @property
    def kind(self) -> Kind:
        return self._kind

    def set_icon(self, name: str) -> None:
        self._icon = name
        self._draw_icon()

    def _draw_icon(self) -> None:
        if self._icon:
            side = Theme.current().glyph_size()
            gap = S4 if self.text() else 0
            self.setIconSize(QSize(side + gap, side))
            self.setIcon(icons.icon(self._icon, _ICON_TONES[self._kind], side, gap=gap))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._draw_icon()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self.hasFocus():
            paint_focus_ring(self, CONTROL_RADIUS, "on_accent" if self._kind is Kind.PRIMARY else "accent")


def paint_focus_ring(widget: QWidget, radius: float, tone: str = "accent", inset: float = 0.0) -> None:
    """Paint the focus ring: at the edge, or inside it if the background has the accent colour."""
    theme = Theme.current()
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour(tone), FOCUS_RING))
    shift = inset + (FOCUS_RING * 1.5 if tone == "on_accent" else FOCUS_RING / 2)
    painter.drawRoundedRect(QRectF(widget.rect()).adjusted(shift, shift, -shift, -shift), radius - 1, radius - 1)
