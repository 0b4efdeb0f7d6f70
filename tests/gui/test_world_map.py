"""The map: positions, what a click and the arrow keys reach, and marks that can be distinguished without colour."""

from collections.abc import Callable

import pytest
from contrast import contrast
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QToolTip

from onboard.gui.theme import Scheme, Theme, tokens
from onboard.gui.widgets.map_key import MapKey
from onboard.gui.widgets.world_map import MARK, TONES, Spot, WorldMap, land, mark_shape, paint_cross, paint_ring
from onboard.wizard.regions import Nearness, places

Show = Callable[..., None]


def spots(chosen: str = "eu-central-1") -> list[Spot]:
    return [
        Spot(
            place.region,
            place.latitude,
            place.longitude,
            Nearness.NEAR,
            place.place,
            f"{place.name}\n4.0 ms",
            chosen=place.region == chosen,
            nearest=place.region == "eu-central-1",
        )
        for place in places().values()
        if place.partition == "aws"
    ]


@pytest.fixture
def world(show: Show) -> WorldMap:
    made = WorldMap()
    made.set_spots(spots())
    show(made, 720, 288)
    made.setFocus()
    return made


def spot(world: WorldMap, key: str) -> Spot:
    return next(one for one in world.spots if one.key == key)


def test_the_world_is_where_it_belongs(world: WorldMap) -> None:
    assert land().boundingRect().width() > 350
    frankfurt, sydney, oregon = (
        world.point(spot(world, key)) for key in ("eu-central-1", "ap-southeast-2", "us-west-2")
    )
    assert oregon.x() < frankfurt.x() < sydney.x()
    assert frankfurt.y() < sydney.y()
    assert all(world.rect().contains(world.point(one).toPoint()) for one in world.spots)
    assert land().contains(QPointF(8.7, -50.1))
    assert not land().contains(QPointF(-30, -40))


def test_a_click_selects_and_the_sea_does_not(world: WorldMap) -> None:
    picked = QSignalSpy(world.picked)
    place = world.point(spot(world, "sa-east-1")).toPoint()
    QTest.mouseClick(world, Qt.MouseButton.LeftButton, pos=place + QPoint(6, -6))
    assert world.selected == "sa-east-1"
    QTest.mouseClick(world, Qt.MouseButton.LeftButton, pos=QPoint(20, world.height() - 20))
    QTest.mouseClick(world, Qt.MouseButton.LeftButton, pos=place)
    assert [picked.at(number)[0] for number in range(picked.count())] == ["sa-east-1"]


def test_the_nearest_mark_is_hit_where_many_are_close(world: WorldMap) -> None:
    for key in ("eu-central-1", "eu-central-2", "eu-west-3", "eu-west-2"):
        hit = world.spot_at(world.point(spot(world, key)))
        assert hit is not None
        assert hit.key == key


def test_arrow_keys_go_to_the_neighbour_that_way(world: WorldMap) -> None:
    world.select("eu-central-1")
    for key, region in (
        (Qt.Key.Key_Left, "eu-west-3"),
        (Qt.Key.Key_Up, "eu-west-2"),
        (Qt.Key.Key_Home, "eu-central-1"),
        (Qt.Key.Key_Down, "eu-central-2"),
    ):
        QTest.keyClick(world, key)
        assert world.selected == region
    world.select("ap-southeast-6")
    QTest.keyClick(world, Qt.Key.Key_Right)  # there is nothing farther east
    assert world.selected == "ap-southeast-6"


def test_every_region_is_reached_by_arrow_keys_alone(world: WorldMap) -> None:
    arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
    reached, waiting = {"eu-central-1"}, ["eu-central-1"]
    while waiting:
        here = waiting.pop()
        for arrow in arrows:
            world.select(here)
            found = world.neighbour(arrow)
            if found is not None and found.key not in reached:
                reached.add(found.key)
                waiting.append(found.key)
    assert reached == {one.key for one in world.spots}


def test_the_first_arrow_selects_the_nearest(world: WorldMap) -> None:
    QTest.keyClick(world, Qt.Key.Key_Left)
    assert world.selected == "eu-central-1"


def test_enter_is_left_to_the_page(world: WorldMap) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    press = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    press.accept()
    world.keyPressEvent(press)
    assert not press.isAccepted()


def test_it_is_described_for_those_who_do_not_see_it(world: WorldMap) -> None:
    assert world.accessibleName()
    assert "arrow keys" in world.accessibleDescription()
    world.select("eu-north-1")
    assert world.accessibleDescription().startswith("Europe (Stockholm), 4.0 ms")


def test_the_mouse_is_told_what_it_is_over(world: WorldMap) -> None:
    place = world.point(spot(world, "af-south-1")).toPoint()
    QApplication.sendEvent(world, QHelpEvent(QHelpEvent.Type.ToolTip, place, world.mapToGlobal(place)))
    assert QToolTip.text() == "Africa (Cape Town)\n4.0 ms"
    QToolTip.hideText()
    QTest.mouseMove(world, place)
    assert world.cursor().shape() is Qt.CursorShape.PointingHandCursor


def silhouette(nearness: Nearness) -> set[tuple[int, int]]:
    """Pixels of a mark in black, without its colour."""
    image = QImage(48, 48, QImage.Format.Format_Grayscale8)
    image.fill(255)
    painter = QPainter(image)
    painter.translate(24, 24)
    painter.scale(4, 4)
    hollow = nearness in (Nearness.UNKNOWN, Nearness.SILENT)
    painter.setBrush(Qt.BrushStyle.NoBrush if hollow else Qt.GlobalColor.black)
    painter.drawPath(mark_shape(nearness, MARK))
    painter.end()
    return {(x, y) for x in range(48) for y in range(48) if image.pixelColor(x, y).black() > 127}


def test_marks_are_told_apart_by_their_shape() -> None:
    shapes = {nearness: silhouette(nearness) for nearness in Nearness}
    for one in Nearness:
        for other in Nearness:
            if one < other:
                different = len(shapes[one] ^ shapes[other])
                assert different > 0.12 * len(shapes[one] | shapes[other]), (one, other)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_are_seen_on_land_and_sea(scheme: str) -> None:
    colours = {name: QColor(value) for name, value in tokens()[scheme].items()}
    for tone in (*TONES.values(), "text", "accent"):
        for ground in ("raised", "surface"):
            assert contrast(colours[tone], colours[ground]) >= 3


def test_the_ground_is_drawn_once_for_a_size_and_a_theme(world: WorldMap, theme: Theme) -> None:
    first = world._land(theme)
    assert world._land(theme).cacheKey() == first.cacheKey()
    theme.set_scheme(Scheme.DARK)
    second = world._land(theme)
    assert second.cacheKey() != first.cacheKey()
    world.resize(800, 320)
    assert world._land(theme).cacheKey() != second.cacheKey()


def test_in_use_and_nearest_are_drawn_beyond_the_mark(theme: Theme) -> None:
    for paint in (paint_ring, paint_cross):
        image = QImage(60, 60, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        paint(painter, QPointF(30, 30), theme)
        painter.end()
        assert image.pixelColor(30, 30) == QColor("white")
        drawn = [x for x in range(60) if image.pixelColor(x, 30) != QColor("white")]
        assert drawn
        assert min(abs(x - 30) for x in drawn) > MARK * 1.5


def test_the_label_of_the_selected_region_stays_inside(world: WorldMap) -> None:
    from PySide6.QtCore import QSizeF

    for one in world.spots:
        assert world.rect().toRectF().contains(world._room_beside(one, QSizeF(130, 20)))


def test_the_key_has_what_is_on_the_map(show: Show) -> None:
    key = MapKey()
    key.show_for([])
    show(key, 600, 40)
    assert not any(entry.isVisible() for entry in key._marks.values())
    key.show_for(spots(chosen=""))
    assert [nearness for nearness, entry in key._marks.items() if entry.isVisible()] == [Nearness.NEAR]
    assert key._near.isVisible()
    assert not key._used.isVisible()
