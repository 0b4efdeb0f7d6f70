"""Defects of this program: kept in a file to report, told in a line."""

import logging
from pathlib import Path

from onboard import __version__
from onboard.home import home
from onboard.model.errors import OnboardError


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


def _without_message(error: BaseException) -> BaseException:
    """Kind and place are enough to find it."""
    return Defect(type(error).__name__).with_traceback(error.__traceback__)
