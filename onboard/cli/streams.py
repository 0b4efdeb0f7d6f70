"""The standard streams as commands need them: open, taking every letter, and lost without a fuss."""

import contextlib
import os
import sys


def prepare() -> None:
    """Open what the shell has closed (`>&-`), and let no letter be one that a stream cannot take."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                _open(descriptor)
                setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _open(descriptor: int) -> None:
    """Were it left closed, the next file that is opened would take its number, and what is printed."""
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
        os.close(nothing)


def say(text: str) -> None:
    """A line on standard error; nothing when standard error is closed. Signal handlers may call this."""
    with contextlib.suppress(OSError):
        os.write(2, text.encode("ascii", "backslashreplace") + b"\n")


def end() -> None:
    """Write what the streams still hold. What cannot be written goes nowhere, without Python's own words about it."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            _open(descriptor)
