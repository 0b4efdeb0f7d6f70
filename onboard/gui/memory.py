"""Keeps garbage collection and the freeing of large States from blocking the window."""

import gc
import time

from PySide6.QtCore import QObject, QTimer

from onboard.gui.engine_child import SLICE
from onboard.model.plan import HostPlan
from onboard.model.state import HostState, State


def keep_from_collector() -> None:
    """Exclude all present objects from garbage collection: to search 200,000 long-lived values takes 150 ms.

    Cyclic garbage among them is kept as well, until `give_to_collector`.
    """
    gc.freeze()


def give_to_collector() -> None:
    """Include them again. Call it once no events stream in."""
    gc.unfreeze()


class LetGo(QObject):
    """Frees States in slices: freeing 10,000 checked servers at once would take a fifth of a second."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left: list[HostState | HostPlan] = []
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._go_on)

    def add(self, state: State) -> None:
        """Queue a State that is no longer needed. Call `start` after the signals were emitted."""
        self._left += state.hosts.values()
        self._left += state.plan.hosts if state.plan else ()

    def start(self) -> None:
        if self._left:
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._left.clear()

    def _go_on(self) -> None:
        until = time.monotonic() + SLICE
        while self._left and time.monotonic() < until:
            del self._left[-20:]
        if not self._left:
            self._timer.stop()
