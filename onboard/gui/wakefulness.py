"""Keeps the computer awake while servers are changed. Where it cannot, it stays silent."""

import sys

from PySide6.QtCore import QObject, QProcess

# Programs that keep the system awake while the `cat` they start runs. It ends with its input, and so also when
# this process is killed. Not a library: the existing one waits for the desktop's answer in the GUI thread.
_COMMANDS = {
    "linux": ["systemd-inhibit", "--what=idle:sleep", "--who=Onboard", "--why=Servers are being changed", "cat"],
    "darwin": ["caffeinate", "-i", "cat"],
}
_CONTINUOUS, _SYSTEM_REQUIRED = 0x80000000, 0x00000001  # SetThreadExecutionState
GRACE = 2_000  # milliseconds


class Wakefulness(QObject):
    """Held or not. Setting the same state again changes nothing."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self.is_held = False

    def set_held(self, held: bool) -> None:
        if held == self.is_held:
            return
        self.is_held = held
        if sys.platform == "win32":
            import ctypes

            ctypes.windll.kernel32.SetThreadExecutionState(_CONTINUOUS | (_SYSTEM_REQUIRED if held else 0))
        elif held:
            self._start()
        else:
            self._end()

    def _start(self) -> None:
        command = _COMMANDS.get(sys.platform)
        if command is not None:
            self._process = QProcess(self)
            self._process.start(command[0], command[1:])

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.closeWriteChannel()
        if process.state() is not QProcess.ProcessState.NotRunning and not process.waitForFinished(GRACE):
            process.kill()
            process.waitForFinished(GRACE)
        process.deleteLater()
