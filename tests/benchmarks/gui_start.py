"""How long the wizard takes to its first painted window, and how long its window hangs on the way.

    python tests/benchmarks/gui_start.py [--repeat 7]      on a display, or alone: it starts an Xvfb where there is none

Beside it, in the same run and by turns: a window of PySide6 with nothing in it, which is what Python and Qt cost. Both
are timed from the start of their process; "painted" is when the window's first paint event has been carried out, and
the stall is the longest time in which the event loop could not turn, from then to the end of the next SETTLING seconds.
Figures are medians, with the least and the most.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

SETTLING = 1.5  # seconds after the first paint in which the longest stall is looked for

BARE = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(sys.argv[:1])
window = QMainWindow()
window.show()
sys.exit(app.exec())
"""
WIZARD = "import sys; from onboard.gui.app import main; sys.exit(main([]))"

# Goes before either program: waits for the first paint, then measures how late a timer of 0 ms comes.
WATCH = """
import json, sys, time
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Watch(QObject):
    painted = longest = last = 0.0

    def eventFilter(self, thing, event):
        if not self.painted and event.type() == QEvent.Type.Paint and thing.isWidgetType():
            if isinstance(thing.window(), QMainWindow):
                self.painted = -1.0
                QTimer.singleShot(0, self.begin)
        return False

    def begin(self):
        self.painted = self.last = time.time()
        self.timer = QTimer(self, interval=0)
        self.timer.timeout.connect(self.turn)
        self.timer.start()

    def turn(self):
        now = time.time()
        self.longest, self.last = max(self.longest, now - self.last), now
        if now - self.painted > {settling}:
            print(json.dumps({{"painted": self.painted, "stall": self.longest}}), flush=True)
            self.timer.stop()
            QApplication.instance().quit()

watch = Watch()

shown = QMainWindow.show
def show(window):
    QApplication.instance().installEventFilter(watch)
    shown(window)
QMainWindow.show = show
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Start of the wizard's window, beside a bare one.")
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    with display() as variables, tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **variables, "ONBOARD_HOME": home, "XDG_CONFIG_HOME": home}
        figures: dict[str, list[dict[str, float]]] = {"bare PySide6 window": [], "the wizard": []}
        for _ in range(repeat + 1):
            for name, program in zip(figures, (BARE, WIZARD), strict=True):
                figures[name].append(started(program, environment))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, {repeat} starts each")
    for name, of_one in figures.items():
        counted = of_one[1:]  # the first fills caches
        print(f"{name:20} painted after {told(counted, 'painted')}, longest stall {told(counted, 'stall')}")


def started(program: str, environment: dict[str, str]) -> dict[str, float]:
    """Seconds from the start of the process to the paint, and of the longest stall."""
    began = time.time()
    command = [sys.executable, "-c", WATCH.format(settling=SETTLING) + program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    return {"painted": seen["painted"] - began, "stall": seen["stall"]}


def told(figures: list[dict[str, float]], key: str) -> str:
    times = [figure[key] * 1000 for figure in figures]
    return f"{statistics.median(times):4.0f} ms ({min(times):.0f} to {max(times):.0f})"


@contextmanager
def display() -> Iterator[dict[str, str]]:
    """The variables of a display: the one there is, or an Xvfb for the time of the block."""
    if os.environ.get("DISPLAY") or not shutil.which("Xvfb"):
        yield {}
        return
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL) as screen:
        os.close(writer)
        try:
            with os.fdopen(reader) as number:
                yield {"DISPLAY": f":{number.readline().strip()}"}
        finally:
            screen.terminate()


if __name__ == "__main__":
    main()
