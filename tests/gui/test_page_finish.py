"""The page Finish: how every server ended, the report that the engine writes, the undo that names what it touches."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import scenes
from parts import part
from PySide6.QtCore import QCoreApplication, QDeadlineTimer, QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox
from session_feed import feed, tell, without_child

from onboard.gui.models.outcome import NODE, REASON, STATUS, Ended
from onboard.gui.pages.finish import FinishPage
from onboard.gui.session import Session
from onboard.gui.undo_dialog import ask_undo, undo_box
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.chips import Chips
from onboard.gui.widgets.detail_pane import DetailPane
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.window import Window
from onboard.model import events, orders
from onboard.model.status import HostStatus
from onboard.wizard.stages import BY_NAME, Mark, standing

FAILED = scenes.able()[117]


@pytest.fixture(autouse=True)
def nothing_to_keep_the_computer_awake_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.gui.wakefulness._COMMANDS", {})


@pytest.fixture
def page(session: Session, show: Callable[..., None]) -> Iterator[FinishPage]:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    feed(session, "apply", *scenes.whole_apply())
    tell(session)
    page = opened(session, show)
    yield page
    session.close()


def opened(session: Session, show: Callable[..., None]) -> FinishPage:
    window = Window(session)
    show(window, 1280, 800)
    window.visit("finish")
    assert isinstance(window.page, FinishPage)
    return window.page


def row(page: FinishPage, number: int) -> list[str]:
    model = page.table.model()
    return [str(model.index(number, column).data()) for column in range(model.columnCount())]


def end(page: FinishPage, command: str, *told: events.Event) -> None:
    feed(page.session, command, *told, events.RunFinished(run="", hosts={}))
    tell(page.session)
    QCoreApplication.processEvents()


def wait(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = QDeadlineTimer(int(seconds * 1000))
    while not condition():
        assert not deadline.hasExpired(), "it took too long"
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 100)


def test_three_numbers_and_what_needs_a_person_first(page: FinishPage) -> None:
    assert [part(page, group, QLabel).text() for group in ("online", "not-online", "skipped")] == ["241", "7", "0"]
    assert row(page, 0) == [FAILED, "Failed", "", scenes.DPKG]
    assert row(page, 7)[1:] == ["Online", scenes.node(0), ""]
    part(page, "chips", Chips).pick(Ended.ONLINE)
    assert page.table.model().rowCount() == 241
    part(page, "chips", Chips).pick(Ended.ALL)
    part(page, "filter", FilterBox).setText("clock")
    assert page.table.model().rowCount() == 3


def test_the_detail_says_why_and_what_to_do(page: FinishPage) -> None:
    page.table.select_key(FAILED)
    detail = part(page, "detail", DetailPane).detail
    assert detail is not None
    assert scenes.DPKG in detail.status
    assert scenes.DPKG_REMEDY in (detail.remedy, *detail.commands)
    page.table.select_key(scenes.able()[0])
    detail = part(page, "detail", DetailPane).detail
    assert detail is not None
    assert detail.facts == (("Node", scenes.node(0)),)


def test_it_says_whether_an_activation_remains(page: FinishPage) -> None:
    assert not part(page, "activation", Banner).isVisible()
    assert "was deleted" in part(page, "lead", QLabel).text()
    told = (*scenes.apply_begins(), *scenes.apply_ends(left="AccessDenied"))
    page.session.commands.run(orders.Apply())
    feed(page.session, "apply", *told, scenes.ended(told))
    tell(page.session)
    assert part(page, "activation", Banner).isVisible()
    assert "0c7b1f6e" in part(page, "activation", Banner).accessibleName()


def test_the_report_takes_its_format_from_the_name(page: FinishPage, tmp_path: Path) -> None:
    orders = without_child(page.session)
    for name, expected in (("r.html", "html"), ("r.CSV", "csv"), ("r.2026.json", "json")):
        page.write_report(tmp_path / name)
        order = orders[-1]
        assert (order["do"], order["format"], order["file"]) == ("report", expected, str(tmp_path / name))
        end(page, "report")
        assert part(page, "report", Banner).isVisible()
    page.write_report(tmp_path / "no" / "r.html")
    end(page, "report", events.RunFailed(kind="error", what="The file could not be written", remedy="Choose another"))
    assert not part(page, "report", Banner).isVisible()
    assert "could not be written" in part(page, "error", ErrorPanel).copied_text()


def test_undo_names_what_it_touches_and_cancels_by_default(page: FinishPage) -> None:
    lines = (
        line("create_activation", "Activations that this run left behind are deleted."),
        line("ensure_role", "The role R, which this run made, is deleted."),
    )
    shown = events.UndoShown(run="r", servers=("a", "b"), nodes={"a": "mi-1"}, lines=lines)
    box = undo_box(page, shown)
    told = box.informativeText()
    for words in ("2 servers are restored", "a, b", "1 node is deregistered", "mi-1", "The role R", "Activations"):
        assert words in told, words
    assert box.detailedText().splitlines() == ["a  mi-1", "b"]
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
    assert box.escapeButton() is box.button(QMessageBox.StandardButton.Cancel)
    box.deleteLater()


def line(change: str, words: str, *, stays: bool = False) -> events.UndoLine:
    return events.UndoLine(change=change, subject="x", words=words, stays=stays)


def test_undo_shows_every_change_in_aws_but_not_hundreds_of_one(page: FinishPage) -> None:
    """The dialog lists any change in AWS, because it does not know their names."""
    tags = [line("tag_node", f"s{number}: the tags stay", stays=True) for number in range(8)]
    lines = (*tags, line("later", "Bucket B, which this run made, is deleted."))
    box = undo_box(page, events.UndoShown(run="r", servers=("a",), nodes={}, lines=lines))
    told = box.informativeText().split("\n\n")[1:]
    assert told == [
        *(f"s{number}: the tags stay" for number in range(6)),
        "And 2 more like these.",
        "Bucket B, which this run made, is deleted.",
    ]
    box.deleteLater()


def test_what_only_stays_is_nothing_to_undo(page: FinishPage) -> None:
    without_child(page.session)
    page._undo.click()
    stays = line("tag_node", "a: the tags stay", stays=True)
    end(page, "undo_preview", events.UndoShown(run="r", servers=(), nodes={}, lines=(stays,)))
    assert "This run has nothing left to undo" in page._error.copied_text()


@pytest.mark.parametrize("agrees", [True, False])
def test_only_the_button_that_names_it_undoes(page: FinishPage, agrees: bool) -> None:
    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        if agrees:
            next(button for button in box.buttons() if button.text() == "&Undo on 1 server").click()
        else:
            QTest.keyClick(box, Qt.Key.Key_Escape)

    QTimer.singleShot(0, answer)
    assert ask_undo(page, events.UndoShown(run="r", servers=("a",), nodes={})) is agrees


def test_undo_asks_after_it_knows_and_shows_how_far_it_is(page: FinishPage, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = without_child(page.session)
    answers = iter((False, True))
    asked: list[events.UndoShown] = []
    monkeypatch.setattr("onboard.gui.pages.finish.ask_undo", lambda _, shown: asked.append(shown) or next(answers))
    shown = events.UndoShown(run="r", servers=scenes.able(), nodes={})
    for _ in range(2):
        part(page, "undo", Button).click()
        assert orders[-1]["do"] == "undo_preview"
        end(page, "undo_preview", shown)
    assert asked == [shown, shown]
    assert [order["do"] for order in orders] == ["undo_preview", "undo_preview", "undo"]
    restored = events.HostFinished(host=FAILED, status=HostStatus.READY)
    kept = events.HostFinished(host=scenes.able()[0], status=HostStatus.UNREACHABLE, reason="No route")
    feed(page.session, "undo", scenes.began("undo", scenes.able(), "u"), restored, kept)
    tell(page.session)
    assert part(page, "undo-words", QLabel).text() == "Undoing: 2 of 242"
    words = {name: (status, why) for name, status, _, why in (row(page, number) for number in range(9))}
    assert words[FAILED] == ("Restored", "")
    assert words[scenes.able()[0]] == ("Not restored", "No route")
    page.table.select_key(scenes.able()[0])
    detail = part(page, "detail", DetailPane).detail
    assert detail is not None
    assert (detail.status, detail.why) == ("Not restored: No route", ""), "nothing says that it is online"
    end(page, "undo")
    page.table.select_key(FAILED)
    detail = part(page, "detail", DetailPane).detail
    assert detail is not None
    assert (detail.status, detail.facts) == ("Restored", ())
    assert part(page, "undo-words", QLabel).text() == "1 of 242 servers restored"
    assert part(page, "title", QLabel).text() == "The run is undone"


def test_nothing_left_to_undo_is_said(page: FinishPage) -> None:
    without_child(page.session)
    part(page, "undo", Button).click()
    end(page, "undo_preview", events.UndoShown(run="r", servers=(), nodes={}))
    assert "This run has nothing left to undo" in part(page, "error", ErrorPanel).copied_text()


def test_on_practice_the_report_is_written_and_all_is_undone(
    session: Session, show: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up: list[bool] = []
    session.practice.ready.connect(lambda: up.append(True))
    session.practice.start(2)
    wait(lambda: up)
    session.commands.run(orders.Trust())
    wait(lambda: not session.view.running)
    keys = {name: host.keys[0].fingerprint for name, host in session.view.state("trust").hosts.items()}
    session.commands.run(orders.Trust(approve=keys))
    session.commands.run(orders.Apply())
    wait(lambda: not session.view.running)
    page = opened(session, show)
    nodes = {row(page, number)[NODE] for number in range(2)}
    assert {row(page, number)[STATUS] for number in range(2)} == {"Online"}
    for suffix in ("html", "csv", "json"):
        page.write_report(tmp_path / f"report.{suffix}")
        wait(lambda: not session.view.running)
        written = (tmp_path / f"report.{suffix}").read_text()
        assert all(node in written for node in nodes)
    assert json.loads(written)["counts"] == {"online": 2}
    session.editor.edit(scenes.profile(3))  # the draft moved on: undo works with what the run ran with
    asked: list[events.UndoShown] = []
    monkeypatch.setattr("onboard.gui.pages.finish.ask_undo", lambda _, shown: asked.append(shown) or True)
    part(page, "undo", Button).click()
    wait(lambda: session.view.state("undo").finished)
    assert set(asked[0].nodes.values()) == nodes
    undo = session.view.state("undo")
    assert undo.counts() == {"ready": 2}
    assert undo.undoes == session.view.state("apply").run
    marks = {name: standing(BY_NAME[name], session.view).mark for name in ("install", "finish")}
    assert marks == {"install": Mark.TODO, "finish": Mark.TODO}
    assert {change.subject for change in undo.aws_changes if change.change == "deregister"} == nodes
    assert {row(page, number)[REASON] for number in range(2)} == {""}
    page.window().close()
