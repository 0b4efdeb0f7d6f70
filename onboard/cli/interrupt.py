"""Ctrl-C: once stops cleanly, twice stops at once."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from onboard.aws.failures import asking_for
from onboard.cli.streams import say
from onboard.model.cancel import CancelToken

GRACE = 1.0  # seconds that AWS has for an answer once everything is to stop


@contextmanager
def interruptible() -> Iterator[CancelToken]:
    """A cancel token that Ctrl-C, SIGTERM and a terminal that hangs up stop, for the time of the `with`."""
    cancel = CancelToken()

    def stop(number: int, _: FrameType | None) -> None:
        if cancel.stopping or number != signal.SIGINT:
            cancel.stop_now()
            said = "Stopping now."
            if sys.platform != "win32":
                signal.setitimer(signal.ITIMER_REAL, GRACE, GRACE)
        else:
            cancel.stop()
            said = "Stopping when the servers under way are done. Press Ctrl-C again to stop now."
        say(f"\n{said}")

    handlers: dict[int, Callable[[int, FrameType | None], object]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if sys.platform != "win32":
        handlers[signal.SIGALRM] = _break_off_a_call
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup wants it
            handlers[signal.SIGHUP] = stop
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield cancel
    finally:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _break_off_a_call(_: int, __: FrameType | None) -> None:
    """End what the main thread waits for from an AWS that does not answer; what answers in time is left alone."""
    if asking_for() >= GRACE:
        raise KeyboardInterrupt
