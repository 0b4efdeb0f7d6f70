"""10,000 servers stream in through a real child process while a watchdog looks at the window's thread.

The longest stall of each run is printed: pytest -s tests/gui/test_watchdog.py
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import fleet
import pytest
from machine import slowness
from PySide6.QtCore import QCoreApplication, QEventLoop, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from session_feed import feed

from onboard.gui import engine_child
from onboard.gui.pages.checks import ChecksPage
from onboard.gui.pages.finish import FinishPage
from onboard.gui.pages.install import InstallPage
from onboard.gui.pages.servers import ServersPage
from onboard.gui.session import Session
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.window import Window
from onboard.model import orders

pytestmark = pytest.mark.measures

SERVERS = 10_000
RUNS = 5
LONGEST = 0.050  # seconds, on a machine as fast as the reference
TICK = 1  # millisecond
PATIENCE = 240.0  # seconds for one run
COPYING = 0.200  # seconds to select all and copy it, on such a machine
COPIED = ("servers", "checks", "install", "finish")
COMPARED = 500  # rows whose copy is compared with what is shown
# page → what is copied whole and shown short
SHORTENED = {
    "checks": {("Red Hat Enterprise Linux 8.9 (Ootpa)", "RHEL 8.9"), ("Debian GNU/Linux 12 (bookworm)", "Debian 12")}
}
WAITED = Path("/proc/thread-self/schedstat")  # nanoseconds on a processor, and waiting for one

# page → the command that it watches
STREAMING = {"checks": "check", "install": "apply"}


class Watchdog:
    """A timer that ticks each millisecond: the longest time between two ticks is the longest stall of the thread.

    Time in which the thread could run and other programs had the processor is not counted, where the system tells it.
    """

    def __init__(self, limit: float = LONGEST) -> None:
        self.limit = limit
        self.longest = 0.0
        self.stalls = 0
        self._last = self._clock()
        self._timer = QTimer()
        self._timer.setInterval(TICK)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def _clock(self) -> float:
        try:
            waited = int(WAITED.read_text().split()[1]) / 1e9
        except OSError:
            waited = 0.0
        return time.perf_counter() - waited

    def _tick(self) -> None:
        now = self._clock()
        took, self._last = now - self._last - TICK / 1000, now
        self.longest = max(self.longest, took)
        self.stalls += took > self.limit

    def watch(self, condition: Callable[[], object]) -> None:
        self._last = self._clock()
        self._timer.start()
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "the stream did not end"
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        self._timer.stop()


@pytest.fixture(autouse=True)
def engine_that_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = [sys.executable, str(Path(__file__).with_name("streaming_engine.py"))]
    monkeypatch.setattr(engine_child, "console_program", lambda: engine)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", STREAMING)
def test_nothing_stalls_for_a_twentieth_of_a_second(name: str, session: Session, show: Callable[..., None]) -> None:
    profile = fleet.profile(SERVERS)
    session.editor.use(profile, profile, None)
    feed(session, "account", *fleet.account())
    feed(session, "check", *fleet.checked(SERVERS))
    feed(session, "plan", *fleet.planned(SERVERS))
    window = Window(session)
    show(window, 1280, 800)
    window.visit(name)
    assert window.current.name == name
    longest, limit = [], LONGEST * slowness()
    for number in range(RUNS):
        dog = Watchdog(limit)
        session.commands.run(orders.ORDERS[STREAMING[name]]())
        began = time.perf_counter()
        dog.watch(lambda: not session.view.running)
        took = time.perf_counter() - began
        assert len(session.view.state(STREAMING[name]).hosts) > SERVERS * 0.9
        longest.append(dog.longest)
        print(
            f"{name}, run {number + 1}: longest stall {dog.longest * 1000:.0f} ms, {dog.stalls} above "
            f"{limit * 1000:.0f} ms, {SERVERS:,} servers in {took:.1f} s"
        )
        session.orders.engine.close()
    assert name != "install" or session.view.state("apply").plan == fleet.plan(SERVERS)
    assert sorted(longest)[1] <= limit  # the second best: other work on the machine only ever adds


def test_ten_thousand_rows_are_copied_at_once(session: Session, show: Callable[..., None]) -> None:
    profile = fleet.profile(SERVERS)
    session.editor.use(profile, profile, None)
    told = {"account": fleet.account(), "check": fleet.checked(SERVERS), "plan": fleet.planned(SERVERS)}
    for command, events in (told | {"apply": fleet.applied(SERVERS)}).items():
        feed(session, command, *events)
    window = Window(session)
    show(window, 1280, 800)
    for name in COPIED:
        window.visit(name)
        page = window.page
        assert isinstance(page, ServersPage | ChecksPage | InstallPage | FinishPage)
        took = []
        for _ in range(3):
            began = time.thread_time()
            page.table.selectAll()
            page.table.copy_selection()
            took.append(time.thread_time() - began)
        lines = QGuiApplication.clipboard().text().splitlines()
        assert len(lines) > SERVERS * 0.9
        rows = ((line.split("\t"), _shown_texts(page.table, row)) for row, line in enumerate(lines[:COMPARED]))
        pairs = {pair for copied, seen in rows for pair in zip(copied, seen, strict=True)}
        assert {pair for pair in pairs if pair[0] != pair[1]} == SHORTENED.get(name, set())
        print(f"{name}: {len(lines):,} rows copied in {min(took) * 1000:.0f} ms")
        assert min(took) <= COPYING * slowness()


def _shown_texts(table: DataTable, row: int) -> list[str]:
    """The texts of a row, cell by cell from the left."""
    header, model = table.horizontalHeader(), table.model()
    columns = [header.logicalIndex(place) for place in range(header.count())]
    return [str(model.index(row, column).data() or "") for column in columns if not table.isColumnHidden(column)]


def test_the_watchdog_sees_a_stall(qapp: object) -> None:
    dog = Watchdog()
    QTimer.singleShot(20, lambda: time.sleep(0.08))
    end = time.perf_counter() + 0.2
    dog.watch(lambda: time.perf_counter() > end)
    assert 0.07 < dog.longest < 0.5
