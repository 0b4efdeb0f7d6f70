"""Stopping what runs."""

import threading
from collections.abc import Callable


class Cancelled(Exception):
    """The user stopped the work."""


class CancelToken:
    """Two levels, as with Ctrl-C: `stop()` lets what is under way on a server finish and starts nothing new,
    `stop_now()` breaks off everything that may be broken off (never a package manager or a registration).

    `pause()` holds back what has not begun, until `go_on()` or a stop.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._now = threading.Event()
        self._going = threading.Event()
        self._going.set()
        self._why = ""
        self._woken: dict[object, Callable[[], object]] = {}

    def stop(self, why: str = "") -> None:
        """`why` says what went wrong, where it is not a person who wants it."""
        if not self.stopping:
            self._why = why
        self._stop.set()
        self._going.set()

    def stop_now(self, why: str = "") -> None:
        self._now.set()
        self.stop(why)
        for wake in list(self._woken.values()):
            wake()

    def pause(self) -> None:
        if not self.stopping:
            self._going.clear()

    def go_on(self) -> None:
        self._going.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def why(self) -> str:
        """What went wrong, so that the run stops; "" where a person stopped it."""
        return self._why

    @property
    def stopping_now(self) -> bool:
        return self._now.is_set()

    def on_stop_now(self, wake: Callable[[], object]) -> Callable[[], object]:
        """Call `wake` on stop_now(), in the thread that stops; at once if that has happened. Returns what undoes it.

        For work that waits outside Python and would otherwise have to look at the token again and again. `wake` may be
        called twice, must return at once, and must not raise. There is no lock, so that a signal handler may stop.
        """
        key = object()
        self._woken[key] = wake
        if self.stopping_now:
            wake()
        return lambda: self._woken.pop(key, None)

    def check(self) -> None:
        """Where new work would start: wait while paused, raise Cancelled when stopped."""
        self._going.wait()
        if self._stop.is_set():
            raise Cancelled

    def check_now(self) -> None:
        """Raise Cancelled inside work that may be broken off."""
        if self._now.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> bool:
        """Sleep at most `seconds`; True as soon as a stop was asked for."""
        return self._stop.wait(seconds)

    def wait_now(self, seconds: float) -> bool:
        """Sleep at most `seconds`; True as soon as everything is to break off."""
        return self._now.wait(seconds)
