"""Defects of this program: kept in a file to report, told in a line."""

import logging
import os
import traceback
from pathlib import Path

from onboard import __version__
from onboard.home import home
from onboard.model.errors import OnboardError

DEEPEST = 8  # causes of causes that are told


def keep_defect(error: BaseException) -> OnboardError:
    """Append the traceback, which holds no values, to a file; what to tell the user."""
    path = home() / "defects.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("onboard.defect")
    logger.addHandler(handler)
    try:
        logger.error("onboard %s: %s", __version__, type(error).__name__, exc_info=_without_message(error))
    finally:
        logger.removeHandler(handler)
        handler.close()
    return defect_at(type(error).__name__, path)


def defect_at(kind: str, path: Path) -> OnboardError:
    return OnboardError("A defect in Onboard", why=kind, remedy=f"Report it with what stands in {path}")


class Defect(Exception):
    """Stands in for an exception whose message may quote what it stumbled over, a secret among it."""


def stack_of(error: BaseException) -> str:
    """Kind and place of an exception and of those that led to it, without values, and without the user's folders."""
    text = "".join(traceback.format_exception(_without_message(error)))
    users = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises for a user without a home
    for folder, shown in ((str(Path(__file__).parent.parent), "…"), (users, "~")):
        if len(folder) > 1:
            text = text.replace(folder, shown)
    return text


def _without_message(error: BaseException, depth: int = 0) -> BaseException:
    """Kind and place are enough to find it. Causes may go round in a circle."""
    bare = Defect(type(error).__name__).with_traceback(error.__traceback__)
    origin = error.__cause__ if error.__suppress_context__ else error.__cause__ or error.__context__
    if origin is not None and depth < DEEPEST:
        bare.__cause__ = _without_message(origin, depth + 1)
    return bare
