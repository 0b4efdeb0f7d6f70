"""The windowed program."""

import argparse
import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QLocale, QSettings, QThread, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from onboard import __version__
from onboard.gui.defect_dialog import DefectTeller
from onboard.gui.dialogs import show_error
from onboard.gui.icons import app_icon
from onboard.gui.menus import SCALES
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import Scheme, Theme
from onboard.home import home
from onboard.model.errors import OnboardError

DISPLAYS = ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM")


def main(arguments: list[str] | None = None) -> int:
    """Open the window and return its exit code."""
    options = _parser().parse_args(arguments)
    QCoreApplication.setOrganizationName("Onboard")
    QCoreApplication.setApplicationName("Onboard")
    QCoreApplication.setApplicationVersion(__version__)
    QLocale.setDefault(QLocale(QLocale.Language.English))  # of the texts: gui/text.py
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)  # noqa: S101 - nobody makes another kind
    theme = Theme(app, scheme=_kept_scheme(), text_scale=_kept_text_scale())
    sys.excepthook = partial(_defect, DefectTeller(app))
    theme.changed.connect(lambda: _keep_look(theme))
    app.setWindowIcon(app_icon())
    app.setDesktopFileName("onboard")  # desktops identify the window by it

    try:
        home()
    except OnboardError as error:
        show_error(None, tr("Onboard cannot start"), error)
        return 1

    from onboard.gui.window import Window

    session = Session()
    window = Window(session)
    if options.self_test:
        from onboard.gui.pages.catalog import PAGES
        from onboard.gui.self_test import look

        return look({stage: window.page_of(stage) for stage in PAGES})
    window.show()
    if options.profile:
        window.files.open(options.profile)
    elif options.practice:
        kinds = {"--images": options.images, "--scenario": options.scenario}
        session.practice.start(options.hosts, *(f"{name}={value}" for name, value in kinds.items() if value))
    _let_signals_through(window)
    return app.exec()


def run() -> None:
    """The windowed program's entry point."""
    try:
        require_display()
    except OnboardError as error:
        sys.exit(str(error))
    sys.exit(main())


def require_display() -> None:
    """Raise OnboardError where no window can be opened: Qt would abort the process with a misleading reason."""
    if sys.platform == "linux" and not any(os.environ.get(name) for name in DISPLAYS):
        raise OnboardError(
            "There is no display for the wizard",
            why="Neither WAYLAND_DISPLAY nor DISPLAY is set",
            remedy="Log in on a desktop, or work without a window: onboard --help, or onboard practice --run",
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onboard-gui", description="The Onboard wizard.")
    parser.add_argument("profile", nargs="?", type=Path, metavar="PROFILE", help="a profile to open")
    parser.add_argument("--practice", action="store_true", help="start in practice mode")
    parser.add_argument("--hosts", type=int, metavar="N", help="practice servers (default: 8)")
    parser.add_argument("--images", metavar="NAME,…", help="kinds of practice servers: onboard practice --images list")
    parser.add_argument("--scenario", metavar="NAME", help="what goes wrong: onboard practice --scenario list")
    parser.add_argument("--self-test", action="store_true", help=argparse.SUPPRESS)  # used by onboard self-test
    return parser


def _kept_scheme() -> Scheme:
    kept = str(QSettings().value("look/scheme"))
    return next((scheme for scheme in Scheme if scheme.value == kept), Scheme.SYSTEM)


def _kept_text_scale() -> float:
    """Return a scale that the menu offers, since the settings file may have been edited."""
    kept = str(QSettings().value("look/text_scale"))
    return next((scale for scale in SCALES if str(scale) == kept), 1.0)


def _keep_look(theme: Theme) -> None:
    settings = QSettings()
    settings.setValue("look/scheme", theme.scheme.value)
    settings.setValue("look/text_scale", theme.text_scale)


def _let_signals_through(window: QMainWindow) -> None:
    """Let Ctrl-C in the terminal close the window as its button does: Python handles signals only while it runs."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.close())
    ticker = QTimer(window)
    ticker.timeout.connect(lambda: None)
    ticker.start(250)


def _defect(teller: DefectTeller, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Handle an unexpected exception: save it to a file without values, report it, and continue the session."""
    if issubclass(kind, KeyboardInterrupt):
        QCoreApplication.quit()
        return
    teller.tell(error.with_traceback(trace))
    if QThread.currentThread().loopLevel() == 0:  # before the event loop runs, or after it
        teller.wait()
