"""Size and start-up of the packaged program, beside a bare PySide6 window packaged by the same PyInstaller.

    .venv/bin/python packaging/build.py && .venv/bin/python tests/benchmarks/packaged.py [dist/onboard] [--starts 15]

Needs Xvfb. A window counts as painted when the middle of the screen shows more than one colour; until then it is looked
at every few milliseconds, from another process. Both programs start in turn, so that a busy machine is equally busy for
both; the first start of each, which reads files from the disk, is told apart. Beside stands the processor's time that
the program took until then, which a busy machine lengthens less.
"""

import argparse
import ctypes
import ctypes.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "packaging"))
import sizes  # noqa: E402 - what build.py itself reports by

AIM_SECONDS, AIM_BYTES = 0.6, 150e6
LIMIT = 60.0
BARE = """
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow
app = QApplication([])
window = QMainWindow()
window.resize(1100, 700)
window.setCentralWidget(QLabel("A bare window\\n" * 40))
window.show()
app.exec()
"""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist" / "onboard")
    parser.add_argument("--starts", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        programs = {"onboard-gui": options.folder / "onboard-gui", "bare window": bare(scratch)}
        with screen() as display:
            seconds = starts(programs, options.starts, display, scratch)
        load = os.getloadavg()[0]
        print(f"{os.cpu_count()} cores, load {load:.1f}; seconds until the first painted window\n")
        print(f"{'program':<12} {'folder':>10} {'first':>7} {'fastest':>8} {'median':>7} {'slowest':>8} {'of CPU':>7}")
        for program, every in seconds.items():
            size = sizes.total(programs[program].resolve().parent) / 1e6
            first, *rest = (start.seconds for start in every)
            fastest, median, slowest = min(rest), statistics.median(rest), max(rest)
            cpu = statistics.median(start.cpu_seconds for start in every[1:])
            print(f"{program:<12} {size:7.1f} MB {first:7.2f} {fastest:8.2f} {median:7.2f} {slowest:8.2f} {cpu:7.2f}")
        print(f"\naim: {AIM_BYTES / 1e6:.0f} MB, {AIM_SECONDS} s\n\nwhat takes the room:")
        print(sizes.table(options.folder))
        for archive in sorted(options.folder.parent.glob("onboard[-_]*.*")):
            print(f"{archive.stat().st_size / 1e6:8.1f} MB  {archive.name}")
    small = sizes.total(options.folder) <= AIM_BYTES
    return 0 if small and min(start.seconds for start in seconds["onboard-gui"]) <= AIM_SECONDS else 1


class Start(NamedTuple):
    seconds: float
    cpu_seconds: float


def bare(scratch: Path) -> Path:
    """A window and nothing else, packaged as PyInstaller does it by itself."""
    script = scratch / "bare.py"
    script.write_text(BARE, encoding="utf-8")
    places = ["--distpath", str(scratch / "dist"), "--workpath", str(scratch / "work"), "--specpath", str(scratch)]
    command = [sys.executable, "-m", "PyInstaller", "--onedir", "--windowed", "--log-level=ERROR", *places, str(script)]
    subprocess.run(command, check=True)
    return scratch / "dist" / "bare" / "bare"


def starts(programs: dict[str, Path], number: int, display: str, scratch: Path) -> dict[str, list[Start]]:
    """program → each start, the first one first."""
    found: dict[str, list[Start]] = {name: [] for name in programs}
    variables = {"DISPLAY": display, "ONBOARD_HOME": str(scratch / "home"), "XDG_CONFIG_HOME": str(scratch / "config")}
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb", **variables}
    look = Look(display)
    for _ in range(number + 1):
        for name, path in programs.items():
            wait(lambda: not look.is_painted(), "an empty screen")
            began = time.perf_counter()
            with subprocess.Popen([path], env=environment, stderr=subprocess.DEVNULL) as process:
                wait(look.is_painted, f"a window of {name}")
                took = time.perf_counter() - began
                found[name].append(Start(took, cpu_seconds(process.pid)))
                process.terminate()
    return found


def cpu_seconds(process: int) -> float:
    """Of the processor, by all threads of the process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Look:
    """Sees what stands in the middle of a screen, through the X server's own library."""

    def __init__(self, display: str) -> None:
        self._x = ctypes.CDLL(ctypes.util.find_library("X11"))
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XDefaultRootWindow.restype = ctypes.c_ulong
        self._x.XGetImage.restype = ctypes.c_void_p
        self._x.XGetPixel.restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))
        self._root = ctypes.c_ulong(self._x.XDefaultRootWindow(self._display))

    def is_painted(self) -> bool:
        planes, as_pixels = ctypes.c_ulong(0xFFFFFFFF), 2
        shown = ctypes.c_void_p(self._x.XGetImage(self._display, self._root, 40, 40, 400, 120, planes, as_pixels))
        points = [(x, y) for x in range(0, 400, 7) for y in range(0, 120, 5)]
        colours = {self._x.XGetPixel(shown, x, y) for x, y in points}
        self._x.XDestroyImage(shown)
        return len(colours) > 1


@contextmanager
def screen() -> Iterator[str]:
    """An X server of our own; its display."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL) as server:
        os.close(writer)
        with os.fdopen(reader) as told:
            display = f":{told.readline().strip()}"
        try:
            yield display
        finally:
            server.terminate()


def wait(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"after {LIMIT:.0f} s still not: {what}")
        time.sleep(0.003)


if __name__ == "__main__":
    sys.exit(main())
