"""Ctrl-C during a run: once stops cleanly, twice stops at once, and what does not stop then is ended."""

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from onboard.aws.failures import asking_for
from onboard.cli import signals
from onboard.cli.streams import say
from onboard.model.cancel import CancelToken

GRACE = 1.0  # seconds that AWS has for an answer once everything is to stop
LAST = 15.0  # seconds that everything has to come to an end then; the journal knows how far it came
NOT_ENDED = "Not everything ended in time, so Onboard was ended. Resume the run, or undo it."
_OVER = b"\0"  # no signal has this number


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
    with _watched():
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield cancel
        finally:
            if sys.platform != "win32":
                signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _watched() -> Iterator[None]:
    """End the program if it does not come to an end LAST seconds after it was to stop now.

    A thread counts the signals: a handler runs only once the main thread gets to it, and it may wait for something
    that never comes.
    """
    told, heard = socket.socketpair()
    told.setblocking(False)
    thread = threading.Thread(target=_watch, args=(heard,), name="signals", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.send(_OVER)
        thread.join()
        told.close()
        heard.close()


def _watch(heard: socket.socket) -> None:
    interrupts = 0
    while numbers := heard.recv(64):
        if _OVER in numbers:
            return
        interrupts += numbers.count(signal.SIGINT)
        if interrupts > 1 or any(number not in (signal.SIGINT, getattr(signal, "SIGALRM", 0)) for number in numbers):
            _end_in_time(heard)
            return


def _end_in_time(heard: socket.socket) -> None:
    """End the program after LAST seconds, unless all is over by then."""
    deadline = time.monotonic() + LAST
    try:
        while (left := deadline - time.monotonic()) > 0:
            heard.settimeout(left)
            if _OVER in heard.recv(64):
                return
    except TimeoutError:
        pass
    signals.leave(NOT_ENDED)


def _break_off_a_call(_: int, __: FrameType | None) -> None:
    """End what the main thread waits for from an AWS that does not answer; what answers in time is left alone."""
    if asking_for() >= GRACE:
        raise KeyboardInterrupt
