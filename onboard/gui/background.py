"""Work that may have to wait, done in a thread: for a keyring to be unlocked, for a file that another process locks."""

import contextlib
import threading
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, Slot
from shiboken6 import isValid

from onboard.model.errors import OnboardError


def in_background(owner: QObject, work: Callable[[], object], then: Callable[[OnboardError | None], object]) -> None:
    """Do `work` in a thread, then call `then` on the window's thread, unless `owner` no longer exists.

    `then` is given the OnboardError that the work raised, or None. Another exception is raised on the window's thread.
    The thread is left behind when the program ends.
    """
    report = Report(owner, then)

    def do() -> None:
        error: Exception | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001 - raised again on the window's thread
            error = raised
        with contextlib.suppress(RuntimeError):  # the program has ended, and the report with it
            report.ended.emit(error)

    threading.Thread(target=do, name="background", daemon=True).start()


class Report(QObject):
    """Brings the end of the work to the window's thread."""

    ended = Signal(object)

    def __init__(self, owner: QObject, then: Callable[[OnboardError | None], object]) -> None:
        super().__init__(QCoreApplication.instance())
        self._owner, self._then = owner, then
        self.ended.connect(self._end, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def _end(self, error: Exception | None) -> None:
        self.deleteLater()
        if error is not None and not isinstance(error, OnboardError):
            raise error
        if isValid(self._owner):
            self._then(error)
