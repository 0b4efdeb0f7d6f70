"""Notices, errors, forms, waiting, long texts and the log."""

import time
from collections.abc import Callable
from datetime import datetime

import pytest
from gui.conftest import settle
from machine import slowness
from parts import part
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QSplitter, QVBoxLayout, QWidget

from onboard.gui.theme import Scheme, Theme
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.busy_indicator import BusyIndicator, duration_text, rate_text
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.log_view import BATCH, LogView
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.progress_bar import ProgressBar
from onboard.gui.widgets.scrolled import Scrolled
from onboard.gui.widgets.text_view import TextView
from onboard.gui.widgets.verbatim import Verbatim
from onboard.model.errors import Problem
from onboard.model.events import RunFailed
from onboard.model.words import Remedy, sh
from onboard.wizard.log import KEPT, Line

Show = Callable[..., None]
Until = Callable[[Callable[[], object]], None]
NOW = datetime(2026, 11, 24, 14, 9, 31).astimezone()


def test_a_banner_is_heard_as_what_it_is(show: Show) -> None:
    banner = Banner(Mark.WARN, "61 servers show a new key.", "Compare the fingerprints.")
    show(banner, 900, 80)
    assert banner.accessibleName() == "Warning: 61 servers show a new key. Compare the fingerprints."
    banner.show_notice(Mark.INFO, "The servers decide.")
    assert banner.accessibleName() == "Note: The servers decide."
    assert banner.property("card") == "info"


def test_buttons_of_a_banner_go_below_the_text_when_there_is_no_room(show: Show) -> None:
    banner = Banner(Mark.WARN, "61 servers show a key that nobody has approved.", "Compare the fingerprints.")
    button = Button("&Review 61 keys")
    banner.add_button(button)
    show(banner, 900, 120)
    assert button.x() > part(banner, "then", Label).mapTo(banner, part(banner, "then", Label).rect().bottomRight()).x()
    banner.resize(300, 300)
    QTest.qWait(0)
    assert button.y() > part(banner, "then", Label).mapTo(banner, part(banner, "then", Label).rect().bottomLeft()).y()


def test_commands_of_a_remedy_are_one_a_line(show: Show) -> None:
    panel = ErrorPanel()
    panel.show_error("It is registered", remedy=Remedy("Clear it", sh("sudo", "a", "-clear"), sh("reboot")))
    show(panel, 500, 300)
    assert panel.copied_text().splitlines()[-3:] == ["Clear it:", "sudo a -clear", "reboot"]
    assert printed(panel)[-1] == "Clear it:"
    commands = [text for text in panel.findChildren(Verbatim) if text.isVisible()]
    assert [text.toPlainText() for text in commands] == ["sudo a -clear", "reboot"]
    copy = [button for button in panel.findChildren(CopyButton) if button.text() == "Co&py"]
    copy[1].click()
    assert QGuiApplication.clipboard().text() == "reboot"
    panel.show_error("Nothing answered", remedy="Wait")
    assert not any(text.isVisible() for text in panel.findChildren(Verbatim)), "nothing of the former error is left"


def test_an_error_of_many_lines_is_whole_where_room_is_scarce(show: Show, until: Until) -> None:
    parts = QSplitter(Qt.Orientation.Vertical)
    table, below = QPlainTextEdit(), QWidget()
    column = QVBoxLayout(below)
    panel = ErrorPanel()
    column.addWidget(panel)
    column.addWidget(QPlainTextEdit())
    parts.addWidget(table)
    parts.addWidget(below)
    show(parts, 500, 300)
    for words in (9, 60, 30):
        panel.show_error("tried again " * words, where="srv-01", remedy="Wait until it has ended. " * words)
        until(lambda: panel.height() >= panel.heightForWidth(panel.width()))
        panel.clear()
        settle()


def test_an_error_keeps_to_its_height_when_the_text_grows_or_a_button_goes(
    show: Show, until: Until, theme: Theme
) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    panel, more = ErrorPanel(), Button("&Look at the plan")
    panel.add_button(more)
    column.addWidget(panel)
    column.addStretch()
    show(window, 500, 700)
    panel.show_error("tried again " * 30, where="srv-01", remedy="Wait until it has ended.")
    for change in (lambda: theme.set_text_scale(1.5), more.hide, lambda: theme.set_text_scale(1)):
        change()
        settle()
        until(lambda: panel.minimumHeight() == panel.heightForWidth(panel.width()))


def test_buttons_do_not_change_places_without_end_where_a_scroll_bar_comes_and_goes(show: Show) -> None:
    content = QWidget()
    column = QVBoxLayout(content)
    panel = ErrorPanel()
    panel.add_button(Button("&Look at the plan"))
    rest = QWidget()
    rest.setFixedHeight(200)
    column.addWidget(panel)
    column.addWidget(rest)
    page = Scrolled(content)
    show(page, 600, 400)
    panel.show_error("AWS refused the request " * 6, where="iam:CreateRole", why="No. " * 30, remedy="Reuse a role.")
    settle()
    for width in range(600, 480, -10):
        for height in range(300, 500, 4):
            page.resize(width, height)
        settle()


def test_an_error_is_shown_in_full_and_copied_in_full(show: Show) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    panel = ErrorPanel()
    column.addWidget(panel)
    show(window, 700, 200)
    assert not panel.isVisible()
    panel.show_error("AWS refused the request", where="iam:CreateRole", why="Not allowed.", remedy="Reuse a role.")
    assert panel.isVisible()
    QTest.keyClick(part(panel, "copy", CopyButton), Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == "iam:CreateRole: AWS refused the request\nNot allowed.\nReuse a role."
    panel.show_error("Nothing answered")
    assert part(panel, "copy", CopyButton).text() == "&Copy"
    assert panel.copied_text() == "Nothing answered"
    assert not part(panel, "why", Label).isVisible()
    panel.clear()
    assert not panel.isVisible()


def test_an_error_prints_and_copies_every_mistake_with_its_remedy(show: Show) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    panel = ErrorPanel()
    column.addWidget(panel)
    show(window, 700, 300)
    no_region = Problem("region.name", "no Region is set", "Choose a Region")

    panel.show_failure(RunFailed(kind="profile", what="1 mistake found", problems=(no_region,)))
    assert printed(panel) == ["region.name: no Region is set", "Choose a Region"]
    assert panel.copied_text() == "region.name: no Region is set\nChoose a Region"

    two = (no_region, Problem("role.name", "it is an ARN", "Write the name alone"))
    panel.show_failure(RunFailed(kind="profile", what="2 mistakes found", problems=two))
    assert printed(panel) == [
        "2 mistakes found",
        "• region.name: no Region is set. Choose a Region.\n• role.name: it is an ARN. Write the name alone.",
    ]

    many = tuple(Problem(f"line {n}", "it has no address", "Add it") for n in range(1, 31))
    panel.show_failure(RunFailed(kind="profile", what="30 mistakes found", problems=many))
    assert printed(panel)[1].endswith("… and 22 more; Copy has all of them")
    assert "line 30: it has no address. Add it." in panel.copied_text()

    panel.show_error("Nothing answered")
    assert printed(panel) == ["Nothing answered"], "nothing of the former error is left"


def printed(panel: ErrorPanel) -> list[str]:
    """The text that a person reads, without glyph and button."""
    labels = [label for label in panel.findChildren(Label) if label.isVisible()]
    return [label.text() for label in labels if len(label.text()) > 1]


def test_an_error_names_the_place_once_and_begins_as_a_sentence_does(theme: object) -> None:
    panel = ErrorPanel()
    panel.show_error("permission iam:GetRole is missing", where="iam:GetRole")
    assert panel.copied_text() == "Permission iam:GetRole is missing"
    panel.show_error("srv-web-02 is silent")
    assert panel.copied_text() == "srv-web-02 is silent"
    panel.deleteLater()


def test_the_buttons_of_an_error_give_way_to_its_text_and_it_takes_no_more_height_than_it_needs(show: Show) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    card = Card("Who am I")
    panel = ErrorPanel()
    card.body.addWidget(panel)
    column.addWidget(card)
    show(window, 320, 600)
    panel.show_error("The log-in has expired, or there was none", remedy="Log in with `aws sso login`")
    QTest.qWait(50)  # until it is laid out
    gap = (
        part(panel, "copy", CopyButton).y()
        - part(panel, "remedy", Label).mapTo(panel, part(panel, "remedy", Label).rect().bottomLeft()).y()
    )
    assert 0 < gap < 40
    assert panel.height() < 300


def form(show: Show) -> tuple[KeyValueForm, QLineEdit]:
    made, name = KeyValueForm(), QLineEdit()
    made.add_row("role.name", "&Role name", name, "As it is called in IAM.")
    made.add_row("tier", "&Tier", QComboBox())
    show(made, 500, 200)
    return made, name


def below(made: KeyValueForm, key: str) -> str:
    line = part(made, f"{key}-below", QWidget)
    return line.findChild(Label).text() if line.isVisible() else ""


def test_an_error_stands_below_its_row_in_words_with_the_remedy(show: Show) -> None:
    made, name = form(show)
    assert below(made, "role.name") == "As it is called in IAM."
    made.set_error("role.name", "it is an ARN", 'write "Nodes"')
    assert below(made, "role.name") == 'It is an ARN. Write "Nodes".'
    assert name.accessibleDescription() == 'It is an ARN. Write "Nodes".'
    assert name.property("invalid") == "true"
    assert below(made, "tier") == ""
    made.clear_errors()
    assert below(made, "role.name") == "As it is called in IAM."
    assert name.property("invalid") == "false"
    with pytest.raises(KeyError):
        made.set_error("unheard.of", "wrong")


def test_rows_are_reached_by_their_letter_and_named_for_screen_readers(show: Show) -> None:
    made, name = form(show)
    made.editor("tier").setFocus()
    QTest.keyClick(made, Qt.Key.Key_R, Qt.KeyboardModifier.AltModifier)
    assert name.hasFocus()
    assert name.accessibleName() == "Role name"


def test_rows_that_do_not_matter_are_not_there(show: Show) -> None:
    made, name = form(show)
    made.set_row_visible("role.name", False)
    assert not name.isVisible()
    assert below(made, "role.name") == ""
    made.set_row_visible("role.name", True)
    assert name.isVisible()
    assert below(made, "role.name") == "As it is called in IAM."


def test_a_form_in_a_scrolling_page_keeps_its_height_in_large_text(show: Show, theme: Theme, until: Until) -> None:
    made, name = KeyValueForm(), QLineEdit()
    made.add_row("role.name", "&Role name", name)
    for n in range(10):
        made.add_row(f"key.{n}", f"Name {n}", QLineEdit())
    card = Card("The role")
    card.body.addWidget(made)
    show(Scrolled(card), 500, 200)
    theme.set_text_scale(2)
    until(lambda: name.height() >= name.sizeHint().height())


def test_a_card_keeps_its_lines_together(show: Show) -> None:
    card = Card("The role")
    text = Label("One line.", wrap=True)
    card.body.addWidget(text)
    show(card, 300, 600)
    assert text.geometry().bottom() < 100


class Waiting:
    """A BusyIndicator whose clock the test advances."""

    def __init__(self, show: Show, **how: bool) -> None:
        self.now = 100.0
        self.window = QWidget()
        column = QVBoxLayout(self.window)
        self.busy = BusyIndicator(clock=lambda: self.now)
        column.addWidget(self.busy)
        show(self.window, 700, 120)
        self.busy.start("Measuring Regions", **how)

    def after(self, seconds: float) -> str:
        self.now = 100.0 + seconds
        self.busy.look()
        return self.busy.text()


def test_waiting_says_more_the_longer_it_lasts(show: Show) -> None:
    waiting = Waiting(show)
    assert waiting.after(0.29) == ""
    assert waiting.after(0.31) == "Measuring Regions…"
    assert not part(waiting.busy, "cancel", Button).isVisible()
    waiting.busy.set_progress(10, 40)
    assert waiting.after(3) == "Measuring Regions… · 10 of 40"
    assert part(waiting.busy, "cancel", Button).isVisible()
    assert part(waiting.busy, "bar", ProgressBar).isVisible()
    assert waiting.after(10) == "Measuring Regions… · 10 of 40 · 1 a second · about 30 seconds left"
    waiting.busy.stop()
    assert waiting.after(11) == ""


def test_waiting_without_a_known_end_says_for_how_long(show: Show) -> None:
    waiting = Waiting(show)
    assert waiting.after(125) == "Measuring Regions… · for 2 minutes"
    assert not part(waiting.busy, "bar", ProgressBar).isVisible()
    waiting.busy.stop()


def test_waiting_says_why_it_lasts(show: Show) -> None:
    waiting = Waiting(show)
    waiting.busy.set_why("AWS does not answer")
    assert waiting.after(1) == "Measuring Regions…", "not at once"
    assert waiting.after(12) == "Measuring Regions… · for 12 seconds · AWS does not answer"
    waiting.busy.set_why("")
    assert waiting.after(12) == "Measuring Regions… · for 12 seconds"
    waiting.busy.stop()


def test_waiting_can_be_cancelled_once_it_lasts(show: Show) -> None:
    waiting = Waiting(show)
    waiting.after(4)
    cancelled = QSignalSpy(waiting.busy.cancelled)
    QTest.keyClick(part(waiting.busy, "cancel", Button), Qt.Key.Key_Space)
    QTest.mouseClick(part(waiting.busy, "cancel", Button), Qt.MouseButton.LeftButton)
    assert cancelled.count() == 1
    waiting.busy.stop()


def test_what_cannot_be_cancelled_offers_no_button(show: Show) -> None:
    waiting = Waiting(show, cancellable=False)
    waiting.after(4)
    assert not part(waiting.busy, "cancel", Button).isVisible()
    waiting.busy.stop()


def test_nothing_ticks_while_nothing_waits(show: Show) -> None:
    waiting = Waiting(show)
    assert any(timer.isActive() for timer in waiting.busy.findChildren(QTimer))
    waiting.busy.stop()
    assert not any(timer.isActive() for timer in waiting.busy.findChildren(QTimer))


def test_what_is_below_does_not_move_when_waiting_begins(show: Show) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    now = [0.0]
    busy, line = BusyIndicator(clock=lambda: now[0]), QLineEdit()
    column.addWidget(busy)
    column.addWidget(line)
    column.addStretch()
    show(window, 500, 200)
    place = line.y()
    busy.start("Asking AWS who you are")
    for now[0] in (1.0, 5.0, 15.0):
        busy.set_progress(5, 10)
        QTest.qWait(0)
        assert line.y() == place
    busy.stop()


def test_durations_and_rates_are_in_units_one_reads_easily(qapp: object) -> None:
    assert [duration_text(seconds) for seconds in (0.2, 1, 59, 61, 3000, 7300)] == [
        "1 second",
        "1 second",
        "59 seconds",
        "1 minute",
        "50 minutes",
        "2 hours",
    ]
    assert rate_text(21 / 60) == "21 a minute"
    assert rate_text(12) == "12 a second"


def test_a_bar_tells_screen_readers_how_far_it_is(show: Show) -> None:
    bar = ProgressBar()
    show(bar, 200, 12)
    bar.set_fraction(0.5)
    assert bar.accessibleDescription() == "50%"
    bar.set_fraction(7)
    assert bar.fraction == 1


DIFF = "--- existing\n+++ needed\n@@ -1 +1 @@\n same\n-old\n+new"


def grounds(view: TextView) -> list[str]:
    found = []
    block = view.document().firstBlock()
    while block.isValid():
        brush = block.blockFormat().background()
        found.append(brush.color().name() if brush.style() is not Qt.BrushStyle.NoBrush else "")
        block = block.next()
    return found


def test_a_diff_shows_what_goes_and_what_comes_in_both_themes(show: Show, theme: Theme) -> None:
    view = TextView("Differences")
    show(view, 400, 200)
    view.set_diff(DIFF)
    for scheme in (Scheme.LIGHT, Scheme.DARK):
        theme.set_scheme(scheme)
        gone, come = theme.colour("bad_soft").name(), theme.colour("ok_soft").name()
        assert grounds(view) == ["", "", "", "", gone, come]
    assert view.toPlainText() == DIFF
    view.set_text(DIFF)
    assert grounds(view) == [""] * 6


def lines(first: int, count: int, server: str = "srv-01") -> list[Line]:
    return [Line(NOW, server, f"line {n}") for n in range(first, first + count)]


def shown(view: LogView) -> list[str]:
    return view.toPlainText().splitlines()


def test_the_log_shows_the_servers_asked_for(show: Show) -> None:
    view = LogView("Log")
    show(view, 500, 200)
    view.append([*lines(0, 2), *lines(2, 1, "srv-02")])
    view.append([Line(NOW, "", "Wave 2 begins")])
    assert shown(view)[-2:] == ["14:09:31 srv-02 line 2", "14:09:31 Wave 2 begins"]
    view.show_servers(["srv-02"])
    view.append([*lines(3, 1), *lines(4, 1, "srv-02")])
    assert shown(view) == ["14:09:31 srv-02 line 2", "14:09:31 srv-02 line 4"]
    view.show_servers([])
    assert len(shown(view)) == 6
    view.clear_lines()
    assert shown(view) == []


def test_the_log_keeps_the_last_lines(show: Show, until: Until) -> None:
    view = LogView("Log")
    show(view, 500, 200)
    view.append(lines(0, KEPT + 500))
    view.append(lines(KEPT + 500, 10))
    until(lambda: not part(view, "writer", QTimer).isActive())
    assert len(shown(view)) == KEPT
    assert shown(view)[0] == "14:09:31 srv-01 line 510"
    assert shown(view)[-1] == f"14:09:31 srv-01 line {KEPT + 509}"


def test_the_log_follows_its_end_until_one_reads_further_up(show: Show) -> None:
    view = LogView("Log")
    show(view, 500, 200)
    bar = view.verticalScrollBar()
    view.append(lines(0, 100))
    assert bar.value() == bar.maximum() > 0
    bar.setValue(20)
    view.append(lines(100, 100))
    assert bar.value() == 20
    bar.setValue(bar.maximum())
    view.append(lines(200, 5))
    assert bar.value() == bar.maximum()


def test_the_log_stays_where_it_is_when_its_height_changes(show: Show) -> None:
    view = LogView("Log")
    show(view, 500, 200)
    bar = view.verticalScrollBar()
    view.append(lines(0, 100))
    view.resize(500, 100)  # as when a server's reason appears above it
    settle()
    assert bar.value() == bar.maximum()
    bar.setValue(20)
    view.resize(500, 200)
    settle()
    assert bar.value() == 20


def test_reading_goes_on_while_old_lines_fall_off(show: Show, until: Until) -> None:
    view = LogView("Log")
    show(view, 500, 200)
    view.append(lines(0, KEPT))
    until(lambda: not part(view, "writer", QTimer).isActive())
    view.verticalScrollBar().setValue(200)
    read = view.firstVisibleBlock().text()
    view.append(lines(KEPT, 50))
    assert view.firstVisibleBlock().text() == read


def test_thousands_of_log_lines_come_bit_by_bit(show: Show, until: Until) -> None:
    view = LogView("Log")
    show(view, 500, 200)
    view.append(lines(0, 1000))
    assert len(shown(view)) == BATCH
    view.show_servers(["srv-none"])
    assert shown(view) == []
    view.show_servers([])
    until(lambda: len(shown(view)) == 1000)
    assert shown(view)[-1] == "14:09:31 srv-01 line 999"
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()
    view.append(lines(0, 1000))
    view.clear_lines()
    settle()
    assert shown(view) == []


def test_a_batch_of_log_lines_is_not_felt(show: Show, until: Until) -> None:
    view = LogView("Log")
    show(view, 500, 200)
    view.append(lines(0, KEPT))
    until(lambda: not part(view, "writer", QTimer).isActive())
    taken, writer = [], part(view, "writer", QTimer)
    for n in range(5):
        began = time.thread_time()
        view.append(lines(n * 500, 500))
        while writer.isActive():
            writer.stop()
            writer.timeout.emit()
        taken.append(time.thread_time() - began)
    assert sorted(taken)[2] < 0.05 * slowness(), f"500 lines take {sorted(taken)[2] * 1000:.0f} ms"
