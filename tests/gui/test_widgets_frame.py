"""The frame: stages, top line, footer, header, card."""

from collections.abc import Callable

import pytest
from parts import part
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QFontMetrics, QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QToolTip

from onboard.gui.theme import Role, Scheme, Theme
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.label import ElidedLabel, Glyph
from onboard.gui.widgets.mark import Mark, mark_of_host, mark_of_verdict
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.stage_list import Stage, StageList
from onboard.gui.widgets.top_bar import Pill, TopBar
from onboard.model.finding import Verdict
from onboard.model.status import HostStatus

Show = Callable[..., None]

STAGES = (
    Stage("start", "Start", Mark.DONE),
    Stage("servers", "Servers", Mark.WARN, tip="61 keys to approve"),
    Stage("region", "Region", Mark.HERE),
    Stage("install", "Install", Mark.TODO, enabled=False, tip="Needs: checks"),
)


def stage_list(show: Show) -> StageList:
    stages = StageList()
    stages.set_stages(STAGES)
    stages.set_current("region")
    show(stages, 208, 400)
    stages.setFocus()
    return stages


def test_stages_are_visited_by_keyboard(show: Show) -> None:
    stages = stage_list(show)
    chosen = QSignalSpy(stages.chosen)
    QTest.keyClick(stages, Qt.Key.Key_Up)
    QTest.keyClick(stages, Qt.Key.Key_Return)
    QTest.keyClick(stages, Qt.Key.Key_Up)
    QTest.keyClick(stages, Qt.Key.Key_Space)
    assert [chosen.at(i)[0] for i in range(chosen.count())] == ["servers", "start"]


def test_a_stage_whose_needs_are_not_met_says_so_instead(show: Show) -> None:
    stages = stage_list(show)
    chosen = QSignalSpy(stages.chosen)
    QTest.keyClick(stages, Qt.Key.Key_Down)
    QTest.keyClick(stages, Qt.Key.Key_Return)
    assert chosen.count() == 0
    assert QToolTip.text() == "Needs: checks"
    QToolTip.hideText()


def test_a_click_visits(show: Show) -> None:
    stages = stage_list(show)
    chosen = QSignalSpy(stages.chosen)
    middle = stages.visualRect(stages.model().index(0, 0)).center()
    QTest.mouseClick(stages.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert chosen.at(0)[0] == "start"
    below = QPoint(middle.x(), stages.viewport().height() - 2)
    QTest.mouseClick(stages.viewport(), Qt.MouseButton.LeftButton, pos=below)
    assert chosen.count() == 1


def test_new_marks_leave_the_keyboard_where_it_is(show: Show) -> None:
    stages = stage_list(show)
    QTest.keyClick(stages, Qt.Key.Key_Up)
    stages.set_stages([*STAGES[:3], Stage("install", "Install", Mark.DONE)])
    assert stages.currentIndex().row() == 1
    assert stages.stage(3).mark is Mark.DONE


def test_a_screen_reader_hears_title_and_state(show: Show) -> None:
    stages = stage_list(show)
    index = stages.model().index(1, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Servers, needs attention"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "61 keys to approve"


def test_stages_keep_their_titles_whole_in_large_text(show: Show, theme: Theme) -> None:
    stages = stage_list(show)
    theme.set_text_scale(2)
    metrics = QFontMetrics(theme.font(Role.STRONG))
    for row, stage in enumerate(STAGES):
        place = stages.visualRect(stages.model().index(row, 0))
        assert place.height() > metrics.height()
        assert place.width() > metrics.horizontalAdvance(stage.title) + 3 * theme.glyph_size()


def test_the_top_line_says_what_is_open_and_where(show: Show) -> None:
    bar = TopBar()
    bar.set_profile("Frankfurt data centre", edited=True)
    bar.set_account("123456789012", "eu-central-1")
    show(bar, 1000, 44)
    texts = [label.text() for label in bar.findChildren(ElidedLabel)]
    assert texts == ["Frankfurt data centre — edited", "Account 1234-5678-9012 · eu-central-1"]
    pill = bar.findChild(Pill)
    assert not pill.isVisible()
    bar.set_practice(True)
    assert pill.isVisible()
    bar.set_profile("", edited=False)
    bar.set_account("", "")
    assert [label.text() for label in bar.findChildren(ElidedLabel)] == ["New profile", ""]


def test_what_does_not_fit_stands_in_the_tool_tip(show: Show) -> None:
    label = ElidedLabel("a profile with a very long name indeed")
    show(label, 60, 30)
    assert label.toolTip() == "a profile with a very long name indeed"
    label.resize(800, 30)
    assert label.toolTip() == ""


def test_the_footer_says_what_blocks_and_where_next_goes(show: Show) -> None:
    footer = Footer()
    show(footer, 1000, 60)
    assert not footer.primary.isVisible()
    footer.set_message("61 servers have no approved key", Mark.WARN)
    footer.set_primary("&Next: Region")
    footer.set_back(True)
    assert footer.message() == "61 servers have no approved key"
    assert part(footer, "glyph", Glyph).isVisible()
    assert part(footer, "glyph", Glyph).accessibleName() == "Warning"
    spies = QSignalSpy(footer.back), QSignalSpy(footer.forward)
    QTest.keyClick(footer.back_button, Qt.Key.Key_Space)
    QTest.keyClick(footer.primary, Qt.Key.Key_Space)
    assert [spy.count() for spy in spies] == [1, 1]
    footer.set_primary("&Next: Region", enabled=False)
    QTest.mouseClick(footer.primary, Qt.MouseButton.LeftButton)
    assert spies[1].count() == 1


def test_copy_as_command_copies_the_command(show: Show) -> None:
    footer = Footer()
    show(footer, 1000, 60)
    assert not part(footer, "copy", CopyButton).isVisible()
    footer.offer_command("onboard check --profile frankfurt.toml")
    QTest.keyClick(part(footer, "copy", CopyButton), Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == "onboard check --profile frankfurt.toml"
    assert part(footer, "copy", CopyButton).text() == "Copied"
    footer.offer_command("onboard plan --profile frankfurt.toml")
    assert part(footer, "copy", CopyButton).text() == "Copy as comman&d"


def test_a_header_without_lead_takes_no_room_for_one(show: Show) -> None:
    header = PageHeader("Servers")
    header.add_action(Button("&Add…"))
    show(header, 800, 80)
    bare = header.sizeHint().height()
    header.set_lead("Onboard sends no password or key to a server until you have confirmed its identity.")
    assert header.sizeHint().height() > bare


def test_a_card_shows_that_it_is_chosen(show: Show) -> None:
    card = Card("New profile")
    show(card, 300, 140)
    assert card.accessibleName() == "New profile"
    edge = card.grab().toImage().pixelColor(150, 0)
    card.set_accent(True)
    assert card.grab().toImage().pixelColor(150, 0) == Theme.current().colour("accent") != edge


@pytest.mark.parametrize("kind", list(Kind))
def test_the_button_with_the_keyboard_has_a_ring(show: Show, kind: Kind) -> None:
    button = Button("&Measure again", icon="refresh", kind=kind)
    show(button, 160, 34)
    button.clearFocus()
    QApplication.processEvents()
    without = button.grab().toImage()
    button.setFocus()
    assert button.hasFocus()
    assert button.grab().toImage() != without


def test_icons_of_buttons_follow_the_theme(show: Show, theme: Theme) -> None:
    button = Button("Pause", icon="pause")
    show(button, 160, 34)
    light = button.icon().pixmap(16, 16).toImage()
    theme.set_scheme(Scheme.DARK)
    assert button.icon().pixmap(16, 16).toImage() != light


def test_every_state_has_a_glyph_and_no_two_look_alike(qapp: QApplication) -> None:
    assert len({(mark.glyph, mark.tone) for mark in Mark}) == len(Mark)
    assert len({mark.glyph for mark in Mark}) == len(Mark), "told apart by colour alone"
    assert [mark_of_verdict(verdict) for verdict in Verdict] == [Mark.DONE, Mark.WARN, Mark.BAD, Mark.UNKNOWN]
    assert all(mark_of_host(status) for status in HostStatus)


def test_accessible_interfaces_name_the_buttons(show: Show) -> None:
    button = Button("&Back")
    show(button, 100, 34)
    interface = QAccessible.queryAccessibleInterface(button)
    assert interface.text(QAccessible.Text.Name) == "Back"
