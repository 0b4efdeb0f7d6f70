"""Pictures of every page in its states: `python tests/gui/screenshots.py OUTDIR [page…]`.

A page's states are one function, listed in PAGES below: it opens windows with `desk.window(…)`, tells the session
what the engine would have told (`feed`, with events from scenes.py), and yields (name, window) whenever the window is
worth a picture. To add a page: write its function, add its line. For example:

    def checks(desk: Desk) -> Pictures:
        window = desk.window("checks", SURVEYED)
        yield "checks", window

Each look (light, dark, 200 % by the screen, 200 % by the size of text) is drawn by a process of its own, in a real
window where there is a display or xvfb-run, else offscreen.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import scenes
from pictures_checks import checks, review
from pictures_install import after_undo, finish, install, runs
from pictures_region import region
from pictures_servers import servers
from pictures_setup import activation, network, role
from pictures_start import account, start
from PySide6.QtCore import QDeadlineTimer, QEventLoop
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication
from session_feed import feed

from onboard.gui.session import Session
from onboard.gui.theme import Scheme, Theme
from onboard.gui.window import Window
from onboard.home import JOURNAL, home
from onboard.model.events import Event

# look → (scheme, scale of the screen, scale of the text, size of the window)
LOOKS: Mapping[str, tuple[str, int, float, tuple[int, int]]] = {
    "light": ("light", 1, 1.0, (1280, 800)),
    "dark": ("dark", 1, 1.0, (1280, 800)),
    "hidpi": ("light", 2, 1.0, (1280, 800)),
    "text200": ("light", 1, 2.0, (1920, 1200)),
}
SCREEN = "2560x1600x24"
FONT = "Inter"  # where it is installed; else the system's


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("page", nargs="*", help=f"of: {', '.join(PAGES)}")
    parser.add_argument("--look", choices=LOOKS, action="append", help="light, dark, hidpi, text200; all by default")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # this process draws one look
    options = parser.parse_args()
    unknown = set(options.page) - set(PAGES)
    if unknown:
        parser.error(f"no such page: {', '.join(sorted(unknown))}; there are {', '.join(PAGES)}")
    looks, pages = options.look or list(LOOKS), options.page or list(PAGES)
    if options.here:
        return draw(options.outdir, pages, looks[0])
    return max(_in_a_process(options.outdir, pages, look) for look in looks)


def _in_a_process(outdir: Path, pages: Iterable[str], look: str) -> int:
    environment = {**os.environ, "QT_SCALE_FACTOR": str(LOOKS[look][1])}
    command = [sys.executable, __file__, str(outdir), *pages, "--look", look, "--here"]
    if not os.environ.get("DISPLAY"):
        if shutil.which("xvfb-run"):
            command = ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN}", *command]
        else:
            environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="onboard-screenshots-") as home:
        settings = {"ONBOARD_HOME": home, "XDG_CONFIG_HOME": home}
        return subprocess.run(command, env={**environment, **settings}, check=False).returncode


def draw(outdir: Path, pages: Iterable[str], look: str) -> int:
    """Save pictures of the pages' states as OUTDIR/NAME-LOOK.png."""
    desk = Desk(look)
    outdir.mkdir(parents=True, exist_ok=True)
    for page in pages:
        for name, window in PAGES[page](desk):
            desk.settle()
            file = outdir / f"{name}-{look}.png"
            window.grab().save(str(file))
            print(file)
        desk.clear()
    return 0


class Desk:
    """Opens windows and takes their pictures."""

    def __init__(self, look: str) -> None:
        scheme, _, text_scale, self._size = LOOKS[look]
        self._app = QApplication(sys.argv[:1])
        if FONT in QFontDatabase.families():
            self._app.setFont(QFont(FONT, 10))
        Theme(self._app, scheme=Scheme(scheme), text_scale=text_scale)
        self._open: list[Window] = []

    def window(self, page: str, told: Mapping[str, Iterable[Event]] | None = None, **profile: object) -> Window:
        """A window on `page`. `told`: command → the events of its run. `profile`: keys to change."""
        (home() / JOURNAL).unlink(missing_ok=True)  # else Start asks for the runs of earlier windows' engines
        session = Session()
        window = Window(session)
        window.resize(*self._size)
        session.editor.use(scenes.profile().model_copy(update=profile), None, None)
        for command, stream in (told or {}).items():
            feed(session, command, *stream)
        window.show()
        window.activateWindow()
        self._open.append(window)
        self.settle()
        window.visit(page)
        if window.current.name != page:
            raise ValueError(f"{page} cannot be visited yet: tell the session more")
        return window

    def settle(self) -> None:
        """Wait until everything is signalled, laid out and painted."""
        loop = QEventLoop()
        deadline = QDeadlineTimer(400)
        while not deadline.hasExpired():
            loop.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)

    def clear(self) -> None:
        for window in self._open:
            window.session.close()
            window.hide()
            window.deleteLater()
        self._open.clear()
        self.settle()


Pictures = Iterator[tuple[str, Window]]

# What the engine has told once the checks have run, and once the plan is made.
SURVEYED: Mapping[str, Iterable[Event]] = {
    "account": scenes.account(),
    "preview": scenes.preview(),
    "check": scenes.check(),
}
PLANNED: Mapping[str, Iterable[Event]] = {**SURVEYED, "plan": scenes.plan()}


# One line for each page that has pictures.
PAGES: Mapping[str, Callable[[Desk], Pictures]] = {
    "start": start,
    "account": account,
    "servers": servers,
    "region": region,
    "role": role,
    "activation": activation,
    "network": network,
    "checks": checks,
    "review": review,
    "install": install,
    "finish": finish,
    "undone": after_undo,
    "runs": runs,
}


if __name__ == "__main__":
    sys.exit(main())
