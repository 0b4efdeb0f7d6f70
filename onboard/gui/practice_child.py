"""The practice cloud and servers as a child process of the window."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal, Slot

from onboard.gui.programs import console_program
from onboard.model.practice_environment import practice_environment

GRACE = 10_000  # milliseconds


class PracticeChild(QObject):
    """A practice. Emits `ready`, `failed` if it did not start, or `ended` if it stopped later: its last words."""

    ready = Signal()
    failed = Signal(str)
    ended = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._is_up = False
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of profile.toml and the other files. Raises RuntimeError when no practice runs."""
        if self._folder is None:
            raise RuntimeError("no practice runs")
        return self._folder

    @property
    def home(self) -> Path:
        """The folder for the files of an engine on this practice. Raises RuntimeError when no practice runs."""
        return self.folder / "home"

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def is_up(self) -> bool:
        """Whether it is ready and still running."""
        return self._is_up

    @property
    def process_id(self) -> int:
        """The process id, 0 if no process runs."""
        return self._process.processId() if self._process else 0

    def environment(self) -> dict[str, str]:
        """The environment of an engine that works on this practice, with a home of its own for its runs."""
        lines = (self.folder / "env").read_text(encoding="utf-8").splitlines()
        named = dict(line.split("=", 1) for line in lines if "=" in line)
        return practice_environment(os.environ, {**named, "ONBOARD_HOME": str(self.home)})

    def start(self, arguments: Sequence[str] = ()) -> None:
        """Start it with these arguments of `onboard practice`."""
        self.close()
        self._folder = Path(tempfile.mkdtemp(prefix="onboard-practice-"))
        process = self._process = QProcess(self)
        process.setProcessEnvironment(_with_temporary_files_in(self._folder))
        program, *first = console_program()
        process.readyReadStandardOutput.connect(self._said)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._could_not)
        process.start(program, [*first, "practice", "--serve", str(self._folder), "--until-eof", *arguments])

    def close(self) -> None:
        """End it and remove its folder."""
        process, self._process, self._is_up = self._process, None, False
        if process is not None:
            process.finished.disconnect(self._finished)
            process.errorOccurred.disconnect(self._could_not)
            process.closeWriteChannel()  # it runs until its input is closed
            if not process.waitForFinished(GRACE):
                process.kill()
                process.waitForFinished(GRACE)
            process.deleteLater()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @Slot()
    def _said(self) -> None:
        if self._process is not None and b"ready" in bytes(self._process.readAllStandardOutput().data()):
            self._is_up = True
            self.ready.emit()

    @Slot(QProcess.ProcessError)
    def _could_not(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._finished()

    @Slot()
    def _finished(self) -> None:
        process, self._process = self._process, None
        was_up, self._is_up = self._is_up, False
        if process is None:
            return
        said = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip()
        if process.error() is QProcess.ProcessError.FailedToStart:
            said = process.errorString()
        process.deleteLater()
        self._remove_folder()
        (self.ended if was_up else self.failed).emit(said)


def _with_temporary_files_in(folder: Path) -> QProcessEnvironment:
    """Put its temporary files into the folder, so that nothing is left of a killed process."""
    environment = QProcessEnvironment.systemEnvironment()
    for name in ("TMPDIR", "TEMP", "TMP"):
        environment.insert(name, str(folder))
    return environment
