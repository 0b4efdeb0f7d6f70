"""Memory of States by the hundred thousand values, so that the window is never held up by it."""

import gc
import time

from PySide6.QtCore import QObject, QTimer

from onboard.gui.engine_child import SLICE
from onboard.model.plan import HostPlan
from onboard.model.state import HostState, State


def keep_from_collector() -> None:
    """What streams in lives long and holds no cycles; to look for some in 200,000 values takes 150 ms.

    What is garbage in a cycle at that moment is kept, too, until `give_to_collector`.
    """
    gc.freeze()


def give_to_collector() -> None:
    """Once nothing streams in any more: what became garbage meanwhile is found."""
    gc.unfreeze()


class LetGo(QObject):
    """Gives the memory of States back bit by bit: that of 10,000 checked servers would take a fifth of a second."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left: list[HostState | HostPlan] = []
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._go_on)

    def add(self, state: State) -> None:
        """Nobody needs it any more, once all were told: `start` then."""
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
