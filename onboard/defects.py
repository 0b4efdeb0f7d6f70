"""Defects of this program: kept in a file for a report, and shown in one line."""

import errno
import logging
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

from onboard import __version__
from onboard.home import home
from onboard.model.errors import OnboardError
from onboard.model.words import Text, joined

DEEPEST = 8  # causes of causes that are recorded
REFUSALS = {
    errno.ENOSPC: "Free some space on the disk, then try again",
    errno.EDQUOT: "Free some space, or ask for a larger quota, then try again",
    errno.EROFS: "Choose a writable place; the program's own folder is set by ONBOARD_HOME",
    errno.EACCES: "Give this user permission",
    errno.EIO: "Check the disk",
    errno.EMFILE: "Allow more open files (ulimit -n), or set run.concurrency lower",
}


def keep_defect(error: BaseException) -> OnboardError:
    """Append the traceback, without values, to a file, and return the error to show. Never fails itself.

    A refusal by the operating system that no program can prevent, such as a full disk, is reported as what it is.
    """
    if isinstance(error, OSError) and error.errno in REFUSALS:
        return OnboardError(
            "The operating system refused",
            where=str(error.filename or ""),
            why=error.strerror or "",
            remedy=REFUSALS[error.errno],
        )
    name = type(error).__name__
    try:
        path = home() / "defects.log"
        _append(path, name, error)
    except OnboardError as unkept:
        remedy = joined("Its details could not be saved", str(unkept))
        return OnboardError("A defect in Onboard", why=name, remedy=remedy)
    except OSError as unkept:
        why = f"{name}; its details could not be saved: {unkept.strerror}"
        return OnboardError("A defect in Onboard", why=why, remedy="Repair that, then try again")
    return defect_at(name, path)


def _append(path: Path, name: str, error: BaseException) -> None:
    text = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} onboard {__version__}: {name}\n{_traceback(error)}"
    logging.getLogger("onboard.defect").debug("%s", text)
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def defect_at(kind: str, path: Path) -> OnboardError:
    return OnboardError(
        "A defect in Onboard", why=kind, remedy=Text("Report it with the contents of {path}", path=path)
    )


class Defect(Exception):
    """Stands in for an exception whose message may quote what it stumbled over, a secret among it."""


def stack_of(error: BaseException) -> str:
    """Kind and place of an exception and of those that led to it, without values, and without the user's folders."""
    text = _traceback(error)
    users = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises for a user without a home
    for folder, shown in ((str(Path(__file__).parent.parent), "…"), (users, "~")):
        if len(folder) > 1:
            text = text.replace(folder, shown)
    return text


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(_without_message(error)))


def _without_message(error: BaseException, depth: int = 0) -> BaseException:
    """Kind and place are enough to find it. Causes may go round in a circle."""
    bare = Defect(type(error).__name__).with_traceback(error.__traceback__)
    origin = error.__cause__ if error.__suppress_context__ else error.__cause__ or error.__context__
    if origin is not None and depth < DEEPEST:
        bare.__cause__ = _without_message(origin, depth + 1)
    return bare
