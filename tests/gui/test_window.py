"""The window: its pages, created one by one; its questions before data is lost; what Enter does."""

from collections.abc import Callable
from pathlib import Path

import pytest
import scenes
from parts import part
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QFileDialog, QLabel, QLineEdit, QStackedWidget, QWidget
from session_feed import feed, tell, without_child

from onboard.gui import pages
from onboard.gui.dialogs import SecretDialog, save_path
from onboard.gui.pages.catalog import PAGES, page_class
from onboard.gui.pages.checks import ChecksPage
from onboard.gui.servers.import_list import ImportSheet
from onboard.gui.servers.lines import LinesSheet
from onboard.gui.servers.sheet import Sheet
from onboard.gui.session import Session
from onboard.gui.theme import Theme
from onboard.gui.widgets.footer import Footer
from onboard.gui.window import Window
from onboard.lists.catalog import parse
from onboard.model import orders as to_engine
from onboard.model.events import SecretWanted
from onboard.wizard.stages import STAGES

PLANNED = {"account": scenes.account(), "preview": scenes.preview(), "check": scenes.check(), "plan": scenes.plan()}


@pytest.fixture
def session(session: Session) -> Session:
    without_child(session)
    return session


def made(window: Window) -> int:
    return window.findChildren(QStackedWidget)[0].count()


def test_every_stage_has_its_page_and_every_file_of_pages_is_listed() -> None:
    assert list(PAGES) == [stage.name for stage in STAGES]
    assert [page_class(stage).stage for stage in PAGES] == list(PAGES)
    (folder,) = pages.__path__
    files = {path.stem for path in Path(folder).glob("*.py")} - {"__init__", "catalog"}
    assert {place.split(":")[0] for place in PAGES.values()} == files


def test_only_the_first_page_is_made_before_the_window_is_shown_and_the_others_after(
    session: Session, show: Callable[..., None], until: Callable[..., None]
) -> None:
    window = Window(session)
    assert made(window) == 1
    show(window, 1280, 800)
    until(lambda: made(window) == len(STAGES))
    window.close()


class Appearing(QObject):
    """Names of the widgets that appeared as separate windows."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(type(watched).__name__)
        return False


def test_making_pages_and_sheets_lets_nothing_come_up(session: Session, qapp: QApplication) -> None:
    appearing = Appearing()
    qapp.installEventFilter(appearing)
    window = Window(session)
    for stage in PAGES:
        window.page_of(stage)
    profile = scenes.profile()
    hosts = parse(b"name,address\na,10.0.0.1\n", "hosts.csv")
    asked = SecretWanted(name="x", question="Password: ")
    sheets = [ImportSheet(window, profile, Path("hosts.csv"), hosts), SecretDialog(window, asked), Sheet(window, "a")]
    assert appearing.seen == []
    sheets[0].show()
    assert appearing.seen == ["ImportSheet"]
    qapp.removeEventFilter(appearing)
    window.close()
    window.deleteLater()


def test_the_keyboard_begins_with_what_a_sheet_is_about(
    session: Session, show: Callable[..., None], until: Callable[..., None]
) -> None:
    window = Window(session)
    show(window, 1280, 800)
    sheet = LinesSheet(window, scenes.profile())
    sheet.open()
    until(lambda: sheet.isActiveWindow() and sheet.lines.hasFocus())
    QTest.keyClick(sheet.lines, Qt.Key.Key_Backtab)
    assert sheet.leave.hasFocus(), "the last one: there is nothing to add yet"
    sheet.reject()
    window.close()


def test_an_own_file_that_came_out_of_practice_is_asked_about(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("onboard.gui.profile_files.ask", lambda parent, title, *more, **how: asked.append(title) or 2)
    monkeypatch.setattr(session.practice.child, "_folder", tmp_path / "practice")
    monkeypatch.setattr(type(session.practice.child), "is_up", True)
    monkeypatch.setattr(type(session.practice.child), "is_running", True)
    (tmp_path / "practice").mkdir()
    window = Window(session)
    session.editor.use(scenes.profile(), scenes.profile(), tmp_path / "practice" / "profile.toml")
    session.editor.put("name", "another")
    assert window.files.may_discard(), "it goes with the practice"
    session.editor.save(tmp_path / "own.toml")
    session.editor.put("name", "a third")
    assert not window.files.may_discard()
    assert asked == ["Unsaved changes"]
    window.deleteLater()


def test_a_page_that_is_made_late_knows_what_was_told(session: Session, show: Callable[..., None]) -> None:
    window = Window(session)
    session.editor.use(scenes.profile(), scenes.profile(), None)
    feed(session, "account", *scenes.account())
    feed(session, "check", *scenes.check())
    tell(session)
    assert made(window) == 1
    show(window, 1280, 800)
    window.visit("checks")
    page = window.page
    assert isinstance(page, ChecksPage)
    assert page.matrix.total == len(session.view.state("check").hosts) > 100
    window.close()


def test_nothing_is_made_any_more_once_the_window_is_closed(session: Session, show: Callable[..., None]) -> None:
    window = Window(session)
    show(window, 1280, 800)
    window.close()
    assert not part(window, "ahead", QTimer).isActive()


def test_a_run_is_not_left_unasked_for_another_profile(
    session: Session, show: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    orders = without_child(session)
    answers = iter([1, 0])  # let it run, then stop it
    monkeypatch.setattr("onboard.gui.profile_files.ask", lambda *_, **__: next(answers))
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window = Window(session)
    show(window, 1280, 800)
    session.commands.run(to_engine.Apply())
    window.files.new()
    assert session.view.running == "apply"
    assert session.view.draft == scenes.profile()
    window.files.new()
    assert "apply" not in session.view.ordered
    assert {"do": "stop", "id": 1} in orders
    window.close()


def test_a_held_key_and_a_second_click_do_not_install(
    session: Session, show: Callable[..., None], until: Callable[..., None]
) -> None:
    orders = without_child(session)
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window = Window(session)
    for command, told in PLANNED.items():
        feed(session, command, *told)
    tell(session)
    show(window, 1280, 800)
    window.visit("review")
    primary = part(window, "footer", Footer).primary
    until(lambda: primary.isEnabled())
    QTest.mouseClick(primary, Qt.MouseButton.LeftButton)
    assert window.current.name == "install"
    QTest.mouseClick(primary, Qt.MouseButton.LeftButton)
    held = QKeyEvent(QKeyEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", True)
    QApplication.sendEvent(window, held)
    assert "apply" not in [order["do"] for order in orders]
    until(lambda: primary.isEnabled())
    QApplication.sendEvent(window, held)
    assert "apply" not in [order["do"] for order in orders]
    QTest.mouseClick(primary, Qt.MouseButton.LeftButton)
    assert "apply" in [order["do"] for order in orders]
    session.editor.new()
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window.close()


def test_what_is_being_typed_is_saved_and_asked_about(
    session: Session, show: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "p.toml"
    session.editor.use(scenes.profile(), None, None)
    session.editor.save(path)
    asked: list[str] = []

    def ask(_parent: QWidget, title: str, *_: str, default: int) -> int:
        asked.append(title)
        return default

    monkeypatch.setattr("onboard.gui.profile_files.ask", ask)
    window = Window(session)
    show(window, 1280, 800)
    window.visit("network")
    version = [line for line in window.page.findChildren(QLineEdit) if line.isVisible()][-1]
    version.setFocus()
    version.selectAll()
    QTest.keyClicks(version, "stable")
    assert window.files.save()
    assert 'version = "stable"' in path.read_text()
    assert version.hasFocus()
    version.selectAll()
    QTest.keyClicks(version, "latest")
    assert window.files.may_discard()
    assert asked == ["Unsaved changes"], "it was taken before one was asked"
    path.write_text(path.read_text() + "# a colleague's\n")
    assert not window.files.save()
    assert "colleague" in path.read_text()
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window.close()


def test_a_page_that_does_not_fit_scrolls(session: Session, show: Callable[..., None], theme: Theme) -> None:
    theme.set_text_scale(2.0)
    window = Window(session)
    window.setWindowState(Qt.WindowState.WindowNoState)
    show(window, 960, 600)
    window.visit("network")
    assert window.size().height() <= 620
    for line in window.page.findChildren(QLineEdit):
        if line.isVisible():
            assert line.height() >= line.sizeHint().height() - 1
    window.close()


def test_enter_takes_what_is_typed_and_does_not_go_on(session: Session, show: Callable[..., None]) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window = Window(session)
    show(window, 1280, 800)
    window.visit("network")
    field = window.page.findChildren(QLineEdit)[-1]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "3.3.9999.0")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.current.name == "network"
    window.page.setFocus()
    QTest.keyClick(window.page, Qt.Key.Key_Return)
    assert window.current.name == "checks"
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window.close()


def test_next_does_not_leave_behind_what_is_typed_wrong(session: Session, show: Callable[..., None]) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    for command, told in PLANNED.items():
        feed(session, command, *told)
    tell(session)
    window = Window(session)
    show(window, 1280, 800)
    window.visit("activation")
    field = next(line for line in window.page.findChildren(QLineEdit) if line.accessibleName() == "Tags")
    field.setFocus()
    field.setText("nonsense")
    QTest.mouseClick(part(window, "footer", Footer).primary, Qt.MouseButton.LeftButton)
    assert (window.current.name, field.property("invalid")) == ("activation", "true")
    assert field.hasFocus()
    field.setText("site=fra")
    QTest.mouseClick(part(window, "footer", Footer).primary, Qt.MouseButton.LeftButton)
    assert window.current.name == "network"
    session.editor.edit(scenes.profile())
    window.close()


def test_what_was_wrong_in_a_former_profile_is_not_shown_of_the_next(
    session: Session, show: Callable[..., None]
) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window = Window(session)
    show(window, 1280, 800)
    feed(session, "account", *scenes.account())
    window.visit("activation")
    fields = [line for line in window.page.findChildren(QLineEdit) if line.isVisible()]
    tags = fields[-1]
    tags.setFocus()
    tags.clear()
    QTest.keyClicks(tags, "no value")
    window.page.setFocus()
    assert tags.property("invalid") == "true"
    assert tags.text() == "no value"
    session.editor.new()
    assert tags.property("invalid") == "false"
    assert tags.text() == ""
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window.close()


def chosen(monkeypatch: pytest.MonkeyPatch, name: Path, kind: str) -> None:
    monkeypatch.setattr(QFileDialog, "exec", lambda _: QFileDialog.DialogCode.Accepted)
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda _: [str(name)])
    monkeypatch.setattr(QFileDialog, "selectedNameFilter", lambda _: kind)


def test_a_file_gets_the_suffix_of_its_kind_and_replaces_none_unasked(
    qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"html": "Web page (*.html)", "csv": "Table (*.csv)"}
    asked: list[str] = []
    monkeypatch.setattr(
        "onboard.gui.dialogs.ask", lambda _, __, text, *___, **____: asked.append(text) or len(asked) - 1
    )
    parent = QWidget()
    for typed, kind, expected in (
        ("r.csv", kinds["html"], "r.csv"),
        ("r", kinds["csv"], "r.csv"),
        ("fra.prod", kinds["html"], "fra.prod.html"),
    ):
        chosen(monkeypatch, tmp_path / typed, kind)
        assert save_path(parent, "Save", Path("r.html"), kinds) == tmp_path / expected
    assert not asked
    (tmp_path / "fra.prod.html").touch()
    assert save_path(parent, "Save", Path("r.html"), kinds) == tmp_path / "fra.prod.html"
    assert save_path(parent, "Save", Path("r.html"), kinds) is None, "the second answer was Cancel"
    assert "fra.prod.html" in asked[0]
    parent.deleteLater()


def test_a_code_that_is_good_once_is_not_offered_to_a_keyring(qapp: object) -> None:
    parent = QWidget()
    for once in (True, False):
        dialog = SecretDialog(parent, SecretWanted(name="MFA code", question="Code?", once=once))
        (keep,) = dialog.findChildren(QCheckBox)
        assert keep.isHidden() is once
        assert any("AWS" in label.text() for label in dialog.findChildren(QLabel)) is once
    parent.deleteLater()
