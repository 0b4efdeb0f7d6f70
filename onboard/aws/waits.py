"""What AWS has not answered yet, on any thread, so that a person can be told."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from onboard.model.words import Text, phrase

SLOW = 5.0  # seconds without an answer until a person is told what is waited for

_NOT_ANSWERED = phrase("Waiting for AWS: it has not answered {call} for {seconds} s")
_NOT_DONE = phrase("Waiting for AWS: {call} has not succeeded for {seconds} s. {why}")


@dataclass(frozen=True, slots=True)
class Wait:
    """`call` as IAM names it; `why`: what AWS answered last, "" while there is no answer."""

    call: str
    since: float
    why: str
    thread: int

    @property
    def text(self) -> Text:
        seconds = f"{time.monotonic() - self.since:.0f}"
        if self.why:
            return Text(_NOT_DONE, call=self.call, seconds=seconds, why=self.why)
        return Text(_NOT_ANSWERED, call=self.call, seconds=seconds)


_waits: dict[object, Wait] = {}


@contextmanager
def waiting(call: str, *, since: float | None = None, why: str = "") -> Iterator[None]:
    """AWS is waited for meanwhile; `since` a time of time.monotonic(), by default now."""
    key = object()
    _waits[key] = Wait(call, time.monotonic() if since is None else since, why, threading.get_ident())
    try:
        yield
    finally:
        _waits.pop(key, None)


@contextmanager
def asking_a_person() -> Iterator[None]:
    """This thread waits for a person meanwhile, not for AWS; afterwards its waits begin anew."""
    own = {key: wait for key, wait in list(_waits.items()) if wait.thread == threading.get_ident()}
    for key in own:
        _waits.pop(key)
    try:
        yield
    finally:
        _waits.update({key: replace(wait, since=time.monotonic()) for key, wait in own.items()})


def long_waits() -> Mapping[str, Wait]:
    """call → the longest wait for it, of the calls that AWS has not answered for SLOW seconds."""
    latest = time.monotonic() - SLOW
    longest = sorted(_waits.values(), key=lambda wait: wait.since, reverse=True)
    return {wait.call: wait for wait in longest if wait.since <= latest}
