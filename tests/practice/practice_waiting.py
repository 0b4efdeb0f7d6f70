"""Waiting for what happens in other threads and processes."""

import time
from collections.abc import Callable


def wait_until(happened: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return as soon as it has happened; fail when it does not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
