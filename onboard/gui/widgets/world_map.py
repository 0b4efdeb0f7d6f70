"""A world map with a mark for each Region: shape and colour show how far it is, a ring shows that it is in use."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import hypot

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QTransform,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from onboard import resources
from onboard.gui.text import tr
from onboard.gui.theme import CONTROL_RADIUS, S4, S8, Role, Theme
from onboard.gui.widgets.button import paint_focus_ring
from onboard.gui.widgets.tips import show_tip
from onboard.wizard.regions import Nearness

WEST, EAST, SOUTH, NORTH = -180.0, 180.0, -60.0, 84.0  # degrees; there are no Regions south of 60° S
WIDE = EAST - WEST
HIGH = NORTH - SOUTH
MARK = 4.5  # pixels from the centre of a mark to its edge
RING = 9.5
CROSS = (12.0, 17.0)  # from, to
REACH = 12.0  # pixels by which a click may miss a mark
TONES = {
    Nearness.NEAR: "ok",
    Nearness.MIDDLE: "accent",
    Nearness.FAR: "idle",
    Nearness.SILENT: "bad",
    Nearness.UNKNOWN: "idle",
}
ASIDE = 2.0  # how much farther sideways than ahead an arrow key may go

ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A Region on the map. `label` is shown next to it when it is selected, `tip` when the mouse is over it."""

    key: str
    latitude: float
    longitude: float
    nearness: Nearness
    label: str
    tip: str
    chosen: bool = False
    nearest: bool = False


class WorldMap(QWidget):
    """A click selects; arrow keys go to the neighbour in that direction, Home to the nearest Region.

    picked   emitted when the user selects the Region of that key
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spots: tuple[Spot, ...] = ()
        self._selected = ""
        self._hovered = ""
        self._ground = QPixmap()
        self._ground_of: tuple[object, ...] = ()
        self.setAccessibleName(tr("Map of the Regions"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._describe()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(640, 240)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(320, 128)

    # What is shown

    def set_spots(self, spots: Sequence[Spot]) -> None:
        """Set the Regions. The first is painted on top: pass the nearest first."""
        if tuple(spots) != self.spots:
            self.spots = tuple(spots)
            self._describe()
            self.update()

    def select(self, key: str) -> None:
        """Select a Region without emitting `picked`; "" for none."""
        if key != self._selected:
            self._selected = key
            self._describe()
            self.update()

    @property
    def selected(self) -> str:
        return self._selected

    def point(self, spot: Spot) -> QPointF:
        """The position of a spot, in widget pixels."""
        return self._transform().map(QPointF(spot.longitude, -spot.latitude))

    def spot_at(self, position: QPointF) -> Spot | None:
        """The spot nearest to a position, if it is close enough."""
        reach = Theme.current().scaled(round(REACH))
        found = min(self.spots, key=lambda spot: _distance(self.point(spot), position), default=None)
        return found if found is not None and _distance(self.point(found), position) <= reach else None

    def neighbour(self, key: Qt.Key) -> Spot | None:
        """The target of an arrow key: the spot nearest to the selected one in that direction."""
        here = self._spot(self._selected)
        if here is None:
            return next((spot for spot in self.spots if spot.nearest), self.spots[0] if self.spots else None)
        across, down = ARROWS[key]
        origin = self.point(here)
        ahead: list[tuple[float, str, Spot]] = []
        for spot in self.spots:
            way = self.point(spot) - origin
            along = way.x() * across + way.y() * down
            aside = abs(way.x() * down) + abs(way.y() * across)
            if spot is not here and along > 0 and aside <= ASIDE * along:
                ahead.append((along + aside, spot.key, spot))
        return min(ahead)[2] if ahead else None

    def _spot(self, key: str) -> Spot | None:
        return next((spot for spot in self.spots if spot.key == key), None)

    def _transform(self) -> QTransform:
        """The transform from degrees (north negative) to pixels: equirectangular, centred, as large as fits."""
        room = QRectF(self.rect()).adjusted(S4, S4, -S4, -S4)
        scale = min(room.width() / WIDE, room.height() / HIGH)
        left = room.center().x() - scale * (WEST + EAST) / 2
        top = room.center().y() + scale * (NORTH + SOUTH) / 2
        return QTransform(scale, 0, 0, scale, left, top)

    def _describe(self) -> None:
        spot = self._spot(self._selected)
        how = tr("Use the arrow keys to move between Regions and Enter to use the selected one.")
        said = tr("{region}. {how}", region=spot.tip.replace("\n", ", "), how=how) if spot else how
        self.setAccessibleDescription(said)

    # Events

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key = Qt.Key(event.key())
        if key in ARROWS:
            self._pick(self.neighbour(key))
        elif key == Qt.Key.Key_Home:
            self._pick(next((spot for spot in self.spots if spot.nearest), None))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() is Qt.MouseButton.LeftButton:
            self._pick(self.spot_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._hover(self.spot_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self._hover(None)
        super().leaveEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            spot = self.spot_at(QPointF(event.pos()))
            if spot is None:
                QToolTip.hideText()
            else:
                show_tip(event.globalPos(), spot.tip, self)
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _pick(self, spot: Spot | None) -> None:
        if spot is not None and spot.key != self._selected:
            self.select(spot.key)
            self.picked.emit(spot.key)

    def _hover(self, spot: Spot | None) -> None:
        key = spot.key if spot else ""
        if key != self._hovered:
            self._hovered = key
            self.setCursor(Qt.CursorShape.PointingHandCursor if key else Qt.CursorShape.ArrowCursor)
            self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = Theme.current()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._land(theme))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = self._spot(self._selected)
        for spot in self.spots:
            if spot.nearest:
                paint_cross(painter, self.point(spot), theme)
        for spot in (*reversed(self.spots), *((selected,) if selected else ())):
            self._paint_spot(painter, spot, theme)
        for spot in self.spots:
            if spot.chosen:
                paint_ring(painter, self.point(spot), theme)
        if selected is not None:
            self._paint_label(painter, selected, theme)
        painter.end()
        if self.hasFocus():
            paint_focus_ring(self, CONTROL_RADIUS)

    def _land(self, theme: Theme) -> QPixmap:
        """The background, drawn once for each size, screen and theme."""
        ratio = self.devicePixelRatioF()
        fill, line = theme.colour("raised"), theme.colour("border")
        wanted = (self.size(), ratio, fill.name(), line.name())
        if wanted != self._ground_of:
            self._ground = QPixmap(self.size() * ratio)
            self._ground.setDevicePixelRatio(ratio)
            self._ground.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._ground)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setTransform(self._transform(), combine=True)
            outline = QPen(line, 0.75)
            outline.setCosmetic(True)
            painter.setPen(outline)
            painter.setBrush(fill)
            painter.drawPath(land())
            painter.end()
            self._ground_of = wanted
        return self._ground

    def _paint_spot(self, painter: QPainter, spot: Spot, theme: Theme) -> None:
        grown = 1.5 if spot.key in (self._selected, self._hovered) else 1.0
        paint_mark(painter, self.point(spot), spot.nearness, theme, grown)

    def _paint_label(self, painter: QPainter, spot: Spot, theme: Theme) -> None:
        font = theme.font(Role.TABLE)
        metrics = QFontMetricsF(font)
        size = QSizeF(metrics.horizontalAdvance(spot.label) + 2 * S8, metrics.height() + S4)
        tag = self._room_beside(spot, size)
        painter.setPen(QPen(theme.colour("accent"), 1))
        painter.setBrush(theme.colour("surface"))
        painter.drawRoundedRect(tag.adjusted(0.5, 0.5, -0.5, -0.5), S4, S4)
        painter.setFont(font)
        painter.setPen(theme.colour("text"))
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, spot.label)

    def _room_beside(self, spot: Spot, size: QSizeF) -> QRectF:
        """A place for a label: right, left, below or above the spot, inside the map, hiding the fewest other spots."""
        here, away = self.point(spot), CROSS[1] * Theme.current().text_scale + S4
        middle = here - QPointF(size.width(), size.height()) / 2
        across, down = QPointF(size.width() / 2 + away, 0), QPointF(0, size.height() / 2 + away)
        places = [QRectF(middle + shift, size) for shift in (across, -across, down, -down)]
        inside = [place for place in places if QRectF(self.rect()).contains(place)]
        points = [self.point(other) for other in self.spots]
        return min(inside or places, key=lambda place: sum(place.contains(point) for point in points))


@cache
def land() -> QPainterPath:
    """The outline of land, in degrees (north negative)."""
    path = QPainterPath()
    for polygon in json.loads(resources.text("map/land.json"))["polygons"]:
        for ring in polygon:
            path.addPolygon(QPolygonF([QPointF(longitude, -latitude) for longitude, latitude in ring]))
            path.closeSubpath()
    return path


def paint_mark(painter: QPainter, where: QPointF, nearness: Nearness, theme: Theme, grown: float = 1.0) -> None:
    """Draw a shape for each nearness, so that it can be recognised without colour."""
    colour = theme.colour(TONES[nearness])
    shape = mark_shape(nearness, MARK * theme.text_scale * grown)
    shape.translate(where)
    painter.setPen(QPen(theme.colour("surface"), 3))  # a rim that separates it from its neighbours
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(shape)
    hollow = nearness in (Nearness.UNKNOWN, Nearness.SILENT)
    painter.setPen(QPen(colour, 2) if hollow else Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("surface") if hollow else colour)
    painter.drawPath(shape)


def mark_shape(nearness: Nearness, size: float) -> QPainterPath:
    """Disc, diamond, square, cross, and a ring of the disc's size, centred on (0, 0)."""
    path = QPainterPath()
    match nearness:
        case Nearness.MIDDLE:
            wide = size * 1.2
            path.addPolygon(QPolygonF([QPointF(0, -wide), QPointF(wide, 0), QPointF(0, wide), QPointF(-wide, 0)]))
            path.closeSubpath()
        case Nearness.FAR:
            side = size * 0.85
            path.addRect(QRectF(-side, -side, 2 * side, 2 * side))
        case Nearness.SILENT:
            arm = size * 0.8
            for end in (QPointF(arm, arm), QPointF(arm, -arm)):
                path.moveTo(-end)
                path.lineTo(end)
        case _:
            path.addEllipse(QPointF(0, 0), size, size)
    return path


def paint_ring(painter: QPainter, where: QPointF, theme: Theme) -> None:
    """Draw the ring around the Region in use."""
    radius = RING * theme.text_scale
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, thick in ((theme.colour("surface"), 4.0), (theme.colour("accent"), 2.0)):
        painter.setPen(QPen(colour, thick))
        painter.drawEllipse(where, radius, radius)


def paint_cross(painter: QPainter, where: QPointF, theme: Theme, reach: tuple[float, float] = CROSS) -> None:
    """Draw cross hairs around the nearest Region: this site is near it, but its exact position is unknown."""
    near, far = (distance * theme.text_scale for distance in reach)
    for colour, thick in ((theme.colour("surface"), 4.0), (theme.colour("text"), 1.5)):
        painter.setPen(QPen(colour, thick, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        for across, down in ARROWS.values():
            way = QPointF(across, down)
            painter.drawLine(where + way * near, where + way * far)


def _distance(first: QPointF, second: QPointF) -> float:
    return hypot(first.x() - second.x(), first.y() - second.y())
