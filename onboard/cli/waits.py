"""Tells a person when AWS is waited for: a command yields no events while it waits."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onboard.aws.waits import long_waits
from onboard.model.events import Noted

LOOK = 1.0  # seconds between two looks


@contextmanager
def telling_of_waits(tell: Callable[[Noted], object]) -> Iterator[None]:
    """Meanwhile, a thread calls `tell` for each call that AWS does not answer for long, once for each reason."""
    over = threading.Event()

    def watch() -> None:
        told: set[tuple[str, str]] = set()
        while not over.wait(LOOK):
            waits = long_waits()
            told = {(call, why) for call, why in told if call in waits}
            for wait in waits.values():
                if (wait.call, wait.why) not in told:
                    told.add((wait.call, wait.why))
                    tell(Noted.of(wait.text, waiting=True))

    thread = threading.Thread(target=watch, name="waits", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
