"""Stopping what runs."""

import threading


class Cancelled(Exception):
    """The user stopped the work."""


class CancelToken:
    """Two levels, as with Ctrl-C: `stop()` lets what is under way on a server finish and starts nothing new,
    `stop_now()` breaks off everything that may be broken off (never a package manager or a registration).
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._now = threading.Event()

    def stop(self) -> None:
        self._stop.set()

    def stop_now(self) -> None:
        self._now.set()
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def stopping_now(self) -> bool:
        return self._now.is_set()

    def check(self) -> None:
        """Raise Cancelled where new work would start."""
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
