"""The icons of resources/icons: one family, drawn for Onboard on a grid of 16, in one colour that the theme gives."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from onboard import resources
from onboard.gui.theme import Theme

RATIOS = (1.0, 2.0, 3.0)  # device pixel ratios that icons are drawn for in advance
APP_SIZES = (16, 24, 32, 48, 64, 128, 256)


def pixmap(name: str, colour: QColor, size: int, ratio: float) -> QPixmap:
    """The icon `name` in one colour, `size` logical pixels wide, sharp on a screen of that device pixel ratio."""
    return _pixmap(name, colour.name(QColor.NameFormat.HexRgb), size, ratio)


def icon(name: str, tone: str = "text", size: int = 0, *, gap: int = 0) -> QIcon:
    """For buttons and menus. It does not follow the theme: create it again on `Theme.changed`.

    `tone` is a token's name, `size` in logical pixels (as tall as the text when 0). `gap`: pixels left free behind it,
    for where a style sheet leaves none before the text.
    """
    theme = Theme.current()
    side = size or theme.glyph_size()
    made = QIcon()
    for ratio in RATIOS:
        for colour, mode in ((tone, QIcon.Mode.Normal), ("muted", QIcon.Mode.Disabled)):
            made.addPixmap(_with_gap(pixmap(name, theme.colour(colour), side, ratio), gap, ratio), mode)
    return made


def _with_gap(drawn: QPixmap, gap: int, ratio: float) -> QPixmap:
    if not gap:
        return drawn
    wider = QPixmap(drawn.width() + round(gap * ratio), drawn.height())
    wider.setDevicePixelRatio(ratio)
    wider.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wider)
    painter.drawPixmap(0, 0, drawn)
    painter.end()
    return wider


def paint(painter: QPainter, name: str, colour: QColor, rect: QRectF) -> None:
    """Draw an icon in the middle of `rect`, as large as fits, on the painter's own device."""
    side = int(min(rect.width(), rect.height()))
    if side <= 0:
        return
    ratio = painter.device().devicePixelRatio()
    left = rect.x() + (rect.width() - side) / 2
    top = rect.y() + (rect.height() - side) / 2
    # Whole device pixels, or the strokes blur.
    left, top = round(left * ratio) / ratio, round(top * ratio) / ratio
    drawn = pixmap(name, colour, side, ratio)
    painter.drawPixmap(QRectF(left, top, side, side), drawn, QRectF(drawn.rect()))


def app_icon() -> QIcon:
    """The program's own icon, in its own colours."""
    renderer = QSvgRenderer(QByteArray(resources.text("icons/app.svg").encode()))
    made = QIcon()
    for size in APP_SIZES:
        made.addPixmap(_render(renderer, QSize(size, size), 1.0))
    return made


@lru_cache(maxsize=1024)
def _pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    drawing = resources.text(f"icons/{name}.svg").replace("currentColor", colour)
    side = round(size * ratio)
    return _render(QSvgRenderer(QByteArray(drawing.encode())), QSize(side, side), ratio)


def _render(renderer: QSvgRenderer, pixels: QSize, ratio: float) -> QPixmap:
    drawn = QPixmap(pixels)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter)
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn
