"""The engine as a child process: orders in, events out. If it dies, the window survives and reports it."""

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QDeadlineTimer, QObject, QProcess, QProcessEnvironment, QTimer, Signal, Slot

from onboard.gui.programs import console_program
from onboard.model.event_json import event_from_json
from onboard.model.events import Event, PlanMade, PlanPart, Recorded
from onboard.model.orders import Control, Ordered
from onboard.model.plan import HostPlan

SLICE = 0.008  # seconds of the GUI thread that one read may take
GRACE = 60_000  # milliseconds for the child to finish its work on servers and exit
KILLED = 5_000  # milliseconds to wait for a killed process


class EngineChild(QObject):
    """One engine process, started with the first order.

    told   a list of (order's id, event), in their order
    died   it ended without being asked to: the tail of its standard error
    """

    told = Signal(list)
    died = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._environment: Mapping[str, str] | None = None
        self._process: QProcess | None = None
        self._lines: deque[bytes] = deque()
        self._plan_parts: tuple[HostPlan, ...] = ()
        self._rest = b""
        self._said = b""
        self._reader = QTimer(self)
        self._reader.setInterval(0)
        self._reader.timeout.connect(self._read_lines)

    def use(self, environment: Mapping[str, str] | None) -> None:
        """Set the whole environment of the next process (None: inherited), and let go of the current one."""
        self.let_go()
        self._environment = environment

    def send(self, ordered: Ordered) -> None:
        """Send an order, starting the process if none runs."""
        if self._process is None:
            self._process = self._start()
        self._process.write(ordered.to_json().encode() + b"\n")

    def control(self, control: Control) -> None:
        """Send a control to the current process, if there is one."""
        if self._process is not None:
            self._process.write(control.to_json().encode() + b"\n")

    @property
    def process_id(self) -> int:
        """The process id, 0 if no process runs."""
        return self._process.processId() if self._process else 0

    def let_go(self) -> None:
        """Let the process end by itself and ignore its events. The next order starts a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.readyReadStandardOutput.disconnect(self._take_output)
            process.readyReadStandardError.disconnect(self._take_error)
            process.finished.disconnect(self._finished)
            process.errorOccurred.disconnect(self._could_not)
            process.finished.connect(process.deleteLater)
            process.closeWriteChannel()
            limit = QTimer(process, singleShot=True, interval=GRACE)
            limit.timeout.connect(process.kill)
            limit.start()
        self._forget()

    def close(self, grace: int = GRACE) -> None:
        """Wait until every process has ended. Each may finish its work first, then it is killed."""
        self.let_go()
        until = QDeadlineTimer(grace)
        for process in self.findChildren(QProcess):
            if not process.waitForFinished(until.remainingTime()):
                process.kill()
                process.waitForFinished(KILLED)

    def _forget(self) -> None:
        self._reader.stop()
        self._lines.clear()
        self._rest = self._said = b""
        self._plan_parts = ()

    def _start(self) -> QProcess:
        process = QProcess(self)
        if self._environment is not None:
            environment = QProcessEnvironment()
            for name, value in self._environment.items():
                environment.insert(name, value)
            process.setProcessEnvironment(environment)
        program, *arguments = console_program()
        process.readyReadStandardOutput.connect(self._take_output)
        process.readyReadStandardError.connect(self._take_error)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._could_not)
        process.start(program, [*arguments, "engine"])
        return process

    @Slot()
    def _take_output(self) -> None:
        if self._process is None:
            return
        *lines, self._rest = (self._rest + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        self._lines.extend(lines)
        if self._lines and not self._reader.isActive():
            self._reader.start()

    @Slot()
    def _read_lines(self) -> None:
        """Read for one time slice. The rest is read after the event loop has had its turn."""
        until = time.monotonic() + SLICE
        told = []
        while self._lines and time.monotonic() < until:
            line = json.loads(self._lines.popleft())
            event = self._whole(event_from_json(line))
            if event is not None:
                told.append((line.get("id"), event))
        if not self._lines:
            self._reader.stop()
        if told:
            self.told.emit(told)

    def _whole(self, event: Event | None) -> Event | None:
        """Return the parts of a plan joined; None while parts are missing."""
        if isinstance(event, Recorded):
            told = self._whole(event.told)
            return replace(event, told=told) if told else None
        if isinstance(event, PlanPart):
            self._plan_parts += event.hosts
            return None
        if isinstance(event, PlanMade):
            event = PlanMade(plan=replace(event.plan, hosts=self._plan_parts + event.plan.hosts))
            self._plan_parts = ()
        return event

    @Slot()
    def _take_error(self) -> None:
        if self._process is not None:
            self._said = (self._said + bytes(self._process.readAllStandardError().data()))[-2000:]

    @Slot(QProcess.ProcessError)
    def _could_not(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._said = self._process.errorString().encode()
            self._finished()

    @Slot()
    def _finished(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        while self._lines:
            self._read_lines()
        process.deleteLater()
        said = self._said.decode("utf-8", "replace").strip()
        self._forget()
        self.died.emit(said)
