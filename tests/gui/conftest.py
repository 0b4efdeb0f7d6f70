"""Rules for every test of the window: one QApplication, no warnings from Qt, nothing left running or open.

Offscreen unless there is a display: `xvfb-run -a pytest tests/gui` has real windows.
"""

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from types import TracebackType

import pytest

if not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6-Essentials and libegl1", exc_type=ImportError)

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMessageLogContext,
    QThread,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from onboard.gui.session import Session
from onboard.gui.theme import Scheme, Theme

PATIENCE = 5.0  # seconds to wait for a condition to become true

# Messages of Qt's test platforms about themselves, not about what runs on them.
OF_THE_PLATFORM = (
    "This plugin does not support",
    "QFontDatabase: Cannot find font directory",
    "Qt no longer ships fonts",
)

# Qt owns these and hides them at its own time.
QTS_OWN = ("QTipLabel", "QDesktopWidget")

_messages: list[str] = []


def _note(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    if kind is not QtMsgType.QtDebugMsg and not text.startswith(OF_THE_PLATFORM):
        _messages.append(f"{kind.name}: {text}")


class Bystander(QTimer):
    """Closes what waits for a person. An `exec()` that nobody answers would hang the tests, their time limit too:
    while C++ waits no Python runs that could end it."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.since: dict[int, float] = {}
        self.setInterval(1000)
        self.timeout.connect(self.look)
        self.start()

    def look(self) -> None:
        waiting = QApplication.activeModalWidget() or QApplication.activePopupWidget()
        if waiting is None:
            self.since.clear()
        elif time.monotonic() - self.since.setdefault(id(waiting), time.monotonic()) > PATIENCE * 2:
            self.since.clear()
            _messages.append(f"{waiting.metaObject().className()} waited for a person: {waiting.windowTitle()}")
            if isinstance(waiting, QDialog):
                waiting.reject()
            else:
                waiting.close()


@pytest.fixture(scope="session")
def qapp() -> Iterator[QApplication]:
    """The single QApplication of the process, with the initial theme: light, text at 100 %."""
    qInstallMessageHandler(_note)
    app = QApplication.instance() or QApplication(["onboard-tests"])
    assert isinstance(app, QApplication)
    app.setQuitOnLastWindowClosed(False)
    Theme(app, scheme=Scheme.LIGHT)
    bystander = Bystander(app)
    yield app
    bystander.stop()
    qInstallMessageHandler(None)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The application's theme, which a test may change; it is restored afterwards."""
    yield Theme.current()
    Theme.current().set_scheme(Scheme.LIGHT)
    Theme.current().set_text_scale(1.0)


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:
    """A session without a profile, in the test's own home."""
    one = Session()
    yield one
    one.close()
    one.deleteLater()


@pytest.fixture(autouse=True)
def no_qt_warnings(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that makes Qt log a warning or in which a slot raises."""
    raised: list[str] = []

    def note(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        raised.append(f"{kind.__name__}: {error}")

    monkeypatch.setattr(sys, "excepthook", note)
    _messages.clear()
    yield
    seen = list(_messages)
    _messages.clear()
    assert not raised, f"raised in a slot: {'; '.join(raised)}"
    assert not seen, f"Qt complained: {'; '.join(seen)}"


@pytest.fixture(autouse=True)
def nothing_left_of_qt(no_qt_warnings: None) -> Iterator[None]:
    """Fails a test that leaves a top-level widget, an active timer or a running thread."""
    before = {id(widget) for widget in top_levels()}
    timers = {id(timer) for timer in running(QTimer)}
    yield
    settle()
    new = [widget for widget in top_levels() if id(widget) not in before]
    if new:
        del new
        gc.collect()  # a window without a parent is deleted with its last reference
        settle()
    left = [widget.metaObject().className() for widget in top_levels() if id(widget) not in before]
    assert not left, f"top-level widgets left behind: {', '.join(left)}"
    ticking = [timer for timer in running(QTimer) if id(timer) not in timers]
    assert not ticking, f"{len(ticking)} timers left running, every {[timer.interval() for timer in ticking]} ms"
    assert not running(QThread), "a QThread was left running"


def top_levels() -> list[QWidget]:
    return [widget for widget in QApplication.topLevelWidgets() if widget.metaObject().className() not in QTS_OWN]


def running(kind: type[QTimer | QThread]) -> list[QTimer | QThread]:
    """Active timers or running threads that Python still references."""
    found = []
    for one in gc.get_objects():
        try:
            if type(one) is kind and (one.isActive() if isinstance(one, QTimer) else one.isRunning()):
                found.append(one)
        except (RuntimeError, ReferenceError):  # its C++ half is gone
            continue
    return found


def settle() -> None:
    """Deliver what is queued, deletions included."""
    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QCoreApplication.processEvents()


@pytest.fixture
def until(qapp: QApplication) -> Callable[[Callable[[], object]], None]:
    """`until(condition)` runs the event loop until the condition holds, and fails after PATIENCE."""

    def wait(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"still not so after {seconds:g} s"
            QApplication.processEvents()
            QThread.msleep(2)

    return wait


@pytest.fixture
def show(qapp: QApplication, until: Callable[[Callable[[], object]], None]) -> Iterator[Callable[..., None]]:
    """`show(widget, width, height)` opens and activates a window, which is closed and deleted at the end."""
    shown: list[QWidget] = []

    def open_window(widget: QWidget, width: int = 800, height: int = 600) -> None:
        shown.append(widget)
        widget.resize(width, height)
        widget.show()
        widget.activateWindow()
        until(lambda: widget.isVisible() and widget.windowHandle() and widget.windowHandle().isExposed())
        settle()

    yield open_window
    for widget in shown:
        widget.close()
        widget.deleteLater()
    shown.clear()
    settle()
