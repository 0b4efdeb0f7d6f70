"""The text of a defect report: program, system, where the error happened and how often. No values."""

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
    """One place where an error happened. `first`: when; `last`: seconds of a monotonic clock."""

    stack: str
    first: datetime
    last: float
    times: int = 1


def report_of(defects: Iterable[Seen], untold: int = 0) -> str:
    """Return the report for Onboard's developers. `untold`: number of further defects that were not kept."""
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
    except OnboardError:  # its own folder cannot be created, which may be the cause
        return (f"Onboard {__version__}",)
    build = f"{this.build} {this.built}".strip()
    return (f"Onboard {this.version}, build {build}", f"{this.system}, Python {this.python}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
