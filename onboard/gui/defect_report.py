"""What a report of defects says: which program on which system, where it happened, how often. No values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import PySide6
from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from onboard import __version__
from onboard.about import about
from onboard.model.errors import OnboardError


@dataclass(slots=True)
class Seen:
    """One place where it went wrong. `first`: when; `last`: seconds of a clock that only goes forward."""

    stack: str
    first: datetime
    last: float
    times: int = 1


def report_of(defects: Iterable[Seen], untold: int = 0) -> str:
    """Text to be sent to who makes the program, who needs no more. `untold`: further ones, of which nothing is kept."""
    lines = [
        "Defect report",
        *_program(),
        f"Qt {qVersion()}, PySide6 {PySide6.__version__}, platform {QGuiApplication.platformName()}",
        "It says where in the program it happened. It contains no values.",
    ]
    for defect in defects:
        seen = defect.first.astimezone().isoformat(timespec="seconds")
        lines += ["", f"{seen}, {_times(defect.times)}", defect.stack.rstrip()]
    if untold:
        lines += ["", f"Others: {_times(untold)}"]
    return "\n".join(lines) + "\n"


def file_name(now: datetime) -> str:
    return f"onboard-defect-{now:%Y%m%d-%H%M%S}.txt"


def _program() -> tuple[str, ...]:
    try:
        this = about()
    except OnboardError:  # its own folder cannot be made, which may be what went wrong
        return (f"Onboard {__version__}",)
    build = f"{this.build} {this.built}".strip()
    return (f"Onboard {this.version}, build {build}", f"{this.system}, Python {this.python}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
