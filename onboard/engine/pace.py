"""Pacing of agent starts: more than 25 agents that start at once are throttled by Systems Manager, over 100 hang."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onboard.model.cancel import CancelToken

SLOW_START = 30.0  # seconds to Online; longer means that Systems Manager is throttling agents
JITTER = 0.2  # seconds


class Pace:
    """Limits how many agents are between their start and Online: half as many after a slow start, one more after a
    quick one, never more than `limit`.
    """

    def __init__(self, limit: int, cancel: CancelToken, *, jitter: Callable[[], float] | None = None) -> None:
        self._limit = limit
        self._allowed = limit
        self._starting = 0
        self._turn = threading.Condition()
        self._cancel = cancel
        self._jitter = jitter or (lambda: random.uniform(0, JITTER))  # noqa: S311 - no secret depends on it

    @contextmanager
    def start(self) -> Iterator[None]:
        """Hold one of the places during the block. Raises Cancelled on stop_now()."""
        with self._turn:
            while self._starting >= self._allowed:
                self._cancel.check_now()
                self._turn.wait(0.1)
            self._starting += 1
        try:
            self._cancel.wait_now(self._jitter())
            yield
        finally:
            with self._turn:
                self._starting -= 1
                self._turn.notify()

    def took(self, seconds: float) -> None:
        """Report how long an agent needed from its start to Online."""
        with self._turn:
            if seconds > SLOW_START:
                self._allowed = max(1, self._allowed // 2)
            else:
                self._allowed = min(self._limit, self._allowed + 1)
            self._turn.notify()
