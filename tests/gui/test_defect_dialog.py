"""A defect is shown in one dialog, with a report that contains no values, and the session continues."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from canaries import Search, new_password
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow, QPushButton, QWidget

from onboard import __version__
from onboard.defects import DEEPEST, stack_of
from onboard.gui import defect_dialog
from onboard.gui.app import _defect
from onboard.gui.defect_dialog import MOST, QUIET, DefectDialog, DefectTeller
from onboard.gui.theme import Theme
from onboard.model.plan import plan_from_json

Show = Callable[..., None]
Until = Callable[[Callable[[], object]], None]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench(QMainWindow):
    """A window with a slot that raises, and one that works."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret
        self.clicks = 0
        self.bad, self.good = QPushButton("bad", self), QPushButton("good", self)
        self.bad.clicked.connect(self.stumble)
        self.good.clicked.connect(self.work)

    def stumble(self) -> None:
        password = self._secret
        try:
            raise KeyError(password)
        except KeyError as error:
            raise ValueError(f"invalid password {password!r}") from error

    def work(self) -> None:
        self.clicks += 1


@pytest.fixture
def secret() -> str:
    return new_password()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def teller(home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, no_qt_warnings: None) -> Iterator[DefectTeller]:
    """Replaces Python's own hook, as the program does."""
    one = DefectTeller(clock=clock)
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: one.tell(error.with_traceback(trace)))
    yield one
    if one.dialog is not None:
        one.dialog.reject()
    one.deleteLater()


@pytest.fixture
def window(secret: str, show: Show) -> Bench:
    one = Bench(secret)
    show(one)
    return one


@pytest.fixture
def dialog(teller: DefectTeller, window: Bench, until: Until) -> DefectDialog:
    window.bad.click()
    until(lambda: teller.dialog is not None and teller.dialog.isVisible())
    assert teller.dialog is not None
    return teller.dialog


def test_a_slot_that_raises_is_told_and_its_report_holds_no_values(
    dialog: DefectDialog,
    teller: DefectTeller,
    window: Bench,
    secret: str,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    until: Until,
) -> None:
    asked = []

    def choose(_parent: QWidget, _title: str, proposed: str, *_more: str) -> tuple[str, str]:
        asked.append(Path(proposed).name)
        return str(tmp_path / "report.txt"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    QTest.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert re.fullmatch(r"onboard-defect-\d{8}-\d{6}\.txt", asked[0])
    assert "saved" in dialog.told.accessibleName()
    dialog.copy.click()
    dialog.more.click()
    saved = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert saved == QGuiApplication.clipboard().text() == dialog.details.toPlainText()
    for part in ("in stumble", "Defect: ValueError", "Defect: KeyError", "test_defect_dialog.py"):
        assert part in saved
    platform = QGuiApplication.platformName()
    for part in (f"Onboard {__version__}, build source", "Python 3.", "Qt 6.", "PySide6 6.", f"platform {platform}"):
        assert part in saved
    search = Search({"password": secret})
    search.look_at("report", saved)
    search.look_at("standard error", capsys.readouterr().err)
    search.look_below(home)
    assert search.found == []
    assert str(Path.home()) not in saved
    dialog.primary.click()
    until(lambda: teller.dialog is None)
    assert QApplication.activeModalWidget() is None
    QTest.mouseClick(window.good, Qt.MouseButton.LeftButton)
    assert window.clicks == 1


class Broken(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        raise RuntimeError("cannot paint")


def test_what_is_raised_at_each_repaint_is_one_dialog_with_a_count(
    teller: DefectTeller, window: Bench, clock: Clock, home: Path, until: Until
) -> None:
    broken = Broken(window)

    def repaint() -> None:
        broken.update()
        QApplication.processEvents()

    broken.resize(20, 20)
    broken.show()
    until(lambda: teller.dialog is not None and teller.dialog.isVisible())
    dialog = teller.dialog
    assert dialog is not None
    for _ in range(100):
        repaint()
        clock.now += 0.01
    until(lambda: int(re.sub(r"\D", "", dialog.often.text()) or 0) > 100)
    assert dialog.often.isVisible()
    assert sum(isinstance(one, DefectDialog) for one in QApplication.topLevelWidgets()) == 1
    assert (home / "defects.log").read_text(encoding="utf-8").count("Traceback") == 1
    dialog.reject()
    clock.now += QUIET / 2
    repaint()
    clock.now += QUIET / 2
    repaint()
    QTest.qWait(20)
    assert teller.dialog is None, "who went on is left alone while it goes on"
    window.bad.click()
    until(lambda: teller.dialog is not None)
    broken.hide()
    broken.deleteLater()


def test_the_same_defect_is_told_again_once_it_had_stayed_away(
    dialog: DefectDialog, teller: DefectTeller, window: Bench, clock: Clock, until: Until
) -> None:
    dialog.accept()
    clock.now += QUIET
    window.bad.click()
    until(lambda: teller.dialog is not None)
    assert ", 2 times" in teller.report()


def test_many_different_defects_are_bounded(teller: DefectTeller, until: Until) -> None:
    for number in range(MOST + 3):
        try:
            exec(compile("raise ValueError", f"file-{number}", "exec"))  # noqa: S102 - each at another place
        except ValueError as error:
            teller.tell(error)
    until(lambda: teller.dialog is not None)
    assert teller.report().count("Traceback") == MOST
    assert "Others: 3 times" in teller.report()
    dialog = teller.dialog
    assert dialog is not None
    assert str(MOST + 3) in dialog.often.text()
    teller.tell(ValueError())
    until(lambda: str(MOST + 4) in dialog.often.text())


def test_a_report_that_cannot_be_saved_is_told_in_words(
    dialog: DefectDialog, teller: DefectTeller, tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog.save_report(tmp_path / "missing" / "report.txt")
    assert "Problem" in dialog.told.accessibleName()
    assert "Choose a folder" in dialog.told.accessibleName()

    def burst(*_: object) -> None:
        raise ValueError(secret)

    monkeypatch.setattr(defect_dialog, "write_private", burst)
    dialog.save_report(tmp_path / "report.txt")
    assert "ValueError" in dialog.told.accessibleName()
    assert secret not in dialog.told.accessibleName()
    assert dialog.told.isVisible()
    assert teller.report().count("Traceback") == 2, "the cause and what came of it, and no more"


def test_who_names_no_file_gets_none(dialog: DefectDialog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    dialog.save.click()
    assert dialog.told.isHidden()


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_the_keyboard_is_on_continue(dialog: DefectDialog, teller: DefectTeller, key: Qt.Key, until: Until) -> None:
    until(lambda: dialog.primary.hasFocus())
    assert dialog.isModal()
    QTest.keyClick(dialog.focusWidget(), key)
    until(lambda: teller.dialog is None)


def test_everything_has_a_name_and_letters_are_taken_once(dialog: DefectDialog) -> None:
    buttons = [button for button in dialog.findChildren(QPushButton) if button.isVisible()]
    letters = [button.text()[button.text().index("&") + 1].lower() for button in buttons]
    assert len(buttons) == len(set(letters)) == 4
    assert dialog.windowTitle()
    assert "you can continue" in dialog.accessibleDescription()
    assert dialog.details.accessibleName() == "The report"
    assert dialog.details.isHidden()
    dialog.more.click()
    assert dialog.details.isVisible()
    dialog.more.click()
    assert dialog.details.isHidden()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_what_it_says_is_never_cut_off(
    teller: DefectTeller, window: Bench, theme: Theme, tmp_path: Path, scale: float, until: Until
) -> None:
    theme.set_text_scale(scale)
    window.bad.click()
    until(lambda: teller.dialog is not None and teller.dialog.isVisible())
    dialog = teller.dialog
    assert dialog is not None
    low = dialog.height()
    dialog.save_report(tmp_path / "a folder that does not exist" / "report.txt")
    QApplication.processEvents()
    assert dialog.told.height() >= dialog.told.heightForWidth(dialog.told.width())
    dialog.more.click()
    QApplication.processEvents()
    assert dialog.details.height() >= dialog.details.minimumHeight()
    bottom = dialog.details.mapTo(dialog, dialog.details.rect().bottomLeft()).y()
    assert bottom < dialog.primary.mapTo(dialog, dialog.primary.rect().topLeft()).y()
    high = dialog.height()
    dialog.more.click()
    QApplication.processEvents()
    assert low < dialog.height() < high


def test_where_nothing_can_be_kept_it_is_told_all_the_same(
    teller: DefectTeller,
    window: Bench,
    secret: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    until: Until,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "file" / "home"))
    window.bad.click()
    until(lambda: teller.dialog is not None)
    assert f"Onboard {__version__}\n" in teller.report()
    said = capsys.readouterr().err
    assert "could not be saved" in said
    assert secret not in said


def test_a_defect_of_the_telling_itself_raises_nothing(
    teller: DefectTeller,
    window: Bench,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def burst(_: BaseException) -> str:
        raise ZeroDivisionError(secret)

    monkeypatch.setattr(defect_dialog, "stack_of", burst)
    window.bad.click()
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "ZeroDivisionError" in said
    assert secret not in said
    monkeypatch.setattr(sys, "stderr", None)
    teller.tell(ValueError())
    window.good.click()
    assert window.clicks == 1


def test_the_program_goes_on_in_its_event_loop(
    teller: DefectTeller, window: Bench, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr(sys, "excepthook", partial(_defect, teller))
    waited: list[bool] = []
    monkeypatch.setattr(teller, "wait", lambda: waited.append(True))
    loop = QEventLoop()
    QTimer.singleShot(0, window.stumble)
    QTimer.singleShot(0, window.good.click)
    QTimer.singleShot(0, loop.quit)
    loop.exec()
    assert window.clicks == 1
    until(lambda: teller.dialog is not None)
    assert not waited


def test_without_an_event_loop_it_waits_until_it_was_read(
    teller: DefectTeller, window: Bench, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr(sys, "excepthook", partial(_defect, teller))
    seen: list[str] = []

    def read() -> None:
        assert teller.dialog is not None
        seen.append(teller.dialog.windowTitle())
        teller.dialog.accept()

    teller.tell(KeyError())
    until(lambda: teller.dialog is not None)
    QTimer.singleShot(0, read)
    window.bad.click()
    assert seen == ["Something went wrong in Onboard itself"], "both in one"
    assert teller.dialog is None
    assert not any(isinstance(one, DefectDialog) and one.isVisible() for one in QApplication.topLevelWidgets())
    QTimer.singleShot(0, read)
    window.bad.click()
    assert len(seen) == 2


def test_causes_that_go_round_in_a_circle_end() -> None:
    one, other = ValueError("a"), KeyError("b")
    one.__cause__, other.__cause__ = other, one
    assert stack_of(one).count("Defect: ") == DEEPEST + 1
    hidden = ValueError("a")
    hidden.__context__, hidden.__suppress_context__ = KeyError("b"), True
    assert "KeyError" not in stack_of(hidden)
    hidden.__suppress_context__ = False
    assert "KeyError" in stack_of(hidden)


def test_no_folder_of_the_user_is_named() -> None:
    with pytest.raises(KeyError) as raised:
        plan_from_json({})
    stack = stack_of(raised.value)
    assert f"…{os.sep}onboard{os.sep}model{os.sep}plan.py" in stack
    assert str(Path(__file__).parent.parent.parent) not in stack
