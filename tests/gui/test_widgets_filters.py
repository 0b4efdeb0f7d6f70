"""Chips, the filter box and the detail pane next to a table."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from onboard.gui.theme import Theme
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.detail_pane import Detail, DetailPane
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.verbatim import TALLEST, Command, Verbatim

Show = Callable[..., None]
Until = Callable[[Callable[[], object]], None]

CHIPS = (Chip("all", "All"), Chip("ready", "Ready", Mark.DONE), Chip("blocked", "Blocked", Mark.BAD))


def buttons(chips: Chips) -> dict[str, QAbstractButton]:
    """Its buttons, by the key of their chip."""
    found = chips.findChildren(QAbstractButton)
    return {chip.key: button for chip, button in zip(CHIPS, found, strict=True)}


def test_chips_stand_in_the_middle_beside_what_is_higher(show: Show) -> None:
    chips = Chips("State", CHIPS)
    show(chips, 500, 60)
    chip = buttons(chips)["all"]
    assert abs(chip.geometry().center().y() - chips.rect().center().y()) <= 1


def test_one_chip_is_chosen_at_any_time(show: Show) -> None:
    chips = Chips("State", CHIPS)
    show(chips, 500, 40)
    picked = QSignalSpy(chips.picked)
    assert chips.current == "all"
    QTest.mouseClick(buttons(chips)["ready"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(buttons(chips)["ready"], Qt.MouseButton.LeftButton)
    assert chips.current == "ready"
    assert [picked.at(i)[0] for i in range(picked.count())] == ["ready"]


def test_chips_are_picked_by_keyboard(show: Show) -> None:
    chips = Chips("State", CHIPS)
    show(chips, 500, 40)
    buttons(chips)["all"].setFocus()
    QTest.keyClick(buttons(chips)["all"], Qt.Key.Key_Right)
    assert chips.current == "ready"
    assert buttons(chips)["ready"].hasFocus()


def test_counts_change_in_place(show: Show) -> None:
    chips = Chips("State", CHIPS)
    show(chips, 500, 40)
    chips.set_counts({"all": 248, "ready": 240, "blocked": 8})
    before = [button.geometry() for button in buttons(chips).values()]
    picked = QSignalSpy(chips.picked)
    chips.set_counts({"all": 249, "ready": 241, "blocked": 8})
    assert [button.text() for button in buttons(chips).values()] == ["All 249", "Ready 241", "Blocked 8"]
    assert [button.accessibleName() for button in buttons(chips).values()][1] == "Ready 241"
    assert [button.geometry() for button in buttons(chips).values()] == before
    assert picked.count() == 0
    chips.set_counts({})
    assert buttons(chips)["ready"].text() == "Ready 0"


def test_chips_go_on_the_next_line_when_there_is_no_room(show: Show, theme: Theme) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    chips = Chips("State", CHIPS)
    column.addWidget(chips)
    column.addStretch()
    show(window, 260, 300)
    theme.set_text_scale(2)
    QTest.qWait(0)
    tops = {button.y() for button in buttons(chips).values()}
    assert len(tops) > 1
    assert all(button.geometry().bottom() < chips.height() for button in buttons(chips).values())
    assert all(button.geometry().right() < chips.width() for button in buttons(chips).values())


def test_find_comes_to_the_filter_box_and_escape_empties_it(show: Show) -> None:
    window = QWidget()
    row = QHBoxLayout(window)
    other, box = QLineEdit(), FilterBox("Filter by name")
    row.addWidget(other)
    row.addWidget(box)
    show(window, 600, 60)
    other.setFocus()
    QTest.keyClick(other, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert box.hasFocus()
    QTest.keyClicks(box, "srv")
    assert box.text() == "srv"
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert box.text() == ""
    assert box.accessibleName() == "Filter by name"


DETAIL = Detail(
    "srv-db-02 · Clock",
    Mark.BAD,
    "7 min 3 s behind AWS",
    "Signed requests more than 5 minutes off are refused.",
    facts=(("Node", "mi-0a4c7f1b2d3e4f591"),),
    seen="server 13:55:09Z\nAWS    14:02:12Z",
    remedy="Start time synchronisation.",
    commands=("systemctl enable --now chronyd",),
    action="&Start time sync",
)


def texts(pane: DetailPane) -> list[str]:
    return [label.text() for label in pane.findChildren(Label) if label.text()]


def test_the_pane_says_what_why_and_how_to_fix(show: Show) -> None:
    pane = DetailPane("Select a server")
    show(pane, 320, 600)
    assert texts(pane) == ["Select a server"]
    pane.show_detail(DETAIL)
    assert texts(pane) == [
        "srv-db-02 · Clock",
        "7 min 3 s behind AWS",
        "Signed requests more than 5 minutes off are refused.",
        "Node",
        "Seen",
        "To fix",
        "Start time synchronisation.",
    ]
    boxes = [box.toPlainText() for box in pane.findChildren(Verbatim)]
    assert boxes == ["mi-0a4c7f1b2d3e4f591", "server 13:55:09Z\nAWS    14:02:12Z", "systemctl enable --now chronyd"]
    pane.show_detail(None)
    QTest.qWait(0)
    assert pane.detail is None


def test_parts_that_are_empty_are_left_out(show: Show) -> None:
    pane = DetailPane()
    show(pane, 320, 600)
    pane.show_detail(Detail("srv-app-01", Mark.DONE, "Ready"))
    assert "Seen" not in texts(pane)
    assert "To fix" not in texts(pane)
    assert not pane.findChildren(Button)


def test_the_button_of_the_pane_acts(show: Show) -> None:
    pane = DetailPane()
    show(pane, 320, 600)
    pane.show_detail(DETAIL)
    acted = QSignalSpy(pane.acted)
    button = next(button for button in pane.findChildren(Button) if button.text() == "&Start time sync")
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert acted.count() == 1


def test_the_same_detail_again_does_not_disturb(show: Show) -> None:
    pane = DetailPane()
    show(pane, 320, 200)
    pane.show_detail(DETAIL)
    area = pane.findChild(QScrollArea)
    content = area.widget()
    pane.show_detail(Detail(**{name: getattr(DETAIL, name) for name in Detail.__slots__}))
    assert area.widget() is content


def test_nothing_in_the_pane_is_wider_than_it(show: Show, theme: Theme) -> None:
    pane = DetailPane()
    show(pane, 360, 600)
    theme.set_text_scale(2)
    pane.show_detail(DETAIL)
    QTest.qWait(0)
    area = pane.findChild(QScrollArea)
    assert area.widget().width() <= area.viewport().width()


def test_a_command_is_copied_by_its_button(show: Show, until: Until) -> None:
    command = Command("To fix", "systemctl enable --now chronyd")
    show(command, 320, 100)
    copy = command.findChild(CopyButton)
    QTest.keyClick(copy, Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == "systemctl enable --now chronyd"
    assert copy.text() == "Copied"
    until(lambda: copy.text() == "Co&py")


def test_verbatim_text_is_as_tall_as_it_has_lines_up_to_a_limit(show: Show) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    box = Verbatim("Seen", "one")
    column.addWidget(box)
    show(window, 300, 600)
    one = box.height()
    box.set_text("one\ntwo\nthree")
    three = box.height()
    assert three == one + 2 * box.fontMetrics().lineSpacing()
    box.set_text("x" * 500)
    assert box.height() > three, "a long line is wrapped"
    box.set_text("\n".join("x" * 100))
    assert box.height() == one + (TALLEST - 1) * box.fontMetrics().lineSpacing()
