"""Questions to the person at the terminal. Ctrl-C and SIGTERM end one at once."""

import contextlib
import getpass
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.secret import Secret

LOOK = 0.1  # seconds between looks at the cancel token


class Questions:
    """Asked from any thread, one at a time. Each raises Cancelled as soon as the token stops.

    `aside` clears the terminal of what is drawn there, for the time of a question.
    """

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self.aside: Callable[[], AbstractContextManager[object]] = nullcontext

    def agrees(self, question: str) -> bool:
        """Whether the person says yes."""
        return (self._ask(f"{question} [y/N] ") or "").strip().lower() in ("y", "yes")

    def secret(self, _: str, question: str) -> str | None:
        """What is typed unseen; None when nothing was."""
        return self._ask(question, unseen=True) or None

    def code(self, question: str) -> Secret:
        """A code of an MFA device. Raises OnboardError when none was typed."""
        return code_of(self._ask(question, unseen=True))

    def _ask(self, question: str, *, unseen: bool = False) -> str | None:
        """The line that is typed; None at the end of input."""
        self._cancel.check()
        with self.aside():
            if sys.platform == "win32":  # no terminal that could be waited for: there Ctrl-C ends the reading itself
                return _windows_line(question, unseen=unseen)
            with _terminal() as terminal, _echo(terminal, on=not unseen):
                os.write(terminal, question.encode(errors="backslashreplace"))
                try:
                    return self._line(terminal)
                finally:
                    if unseen or self._cancel.stopping:
                        os.write(terminal, b"\n")

    def _line(self, terminal: int) -> str | None:
        typed = b""
        while not typed.endswith(b"\n"):
            while not select.select([terminal], [], [], LOOK)[0]:
                self._cancel.check()
            more = os.read(terminal, 4096)
            if not more:
                break
            typed += more
        return typed.decode(errors="surrogateescape").rstrip("\r\n") if typed else None


def code_of(typed: str | None) -> Secret:
    """A code of an MFA device as it was typed. Raises OnboardError when nothing was typed."""
    if not typed:
        raise OnboardError("No MFA code was given", where="AWS", remedy="Try again, with the code of your device")
    return Secret(typed)


def _windows_line(question: str, *, unseen: bool) -> str | None:
    try:
        return getpass.getpass(question) if unseen else input(question)
    except EOFError:
        return None


@contextmanager
def _terminal() -> Iterator[int]:
    """The terminal that controls this process, whatever its streams are; else standard input, which is one."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        yield sys.stdin.fileno()
        return
    try:
        yield terminal
    finally:
        os.close(terminal)


@contextmanager
def _echo(terminal: int, *, on: bool) -> Iterator[None]:
    """Whether what is typed is shown."""
    import termios

    before = termios.tcgetattr(terminal)
    if not on:
        unseen = [*before]
        unseen[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSAFLUSH, unseen)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal may have gone
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
