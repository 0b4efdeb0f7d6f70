"""The packaged program, for tests that look at it: what ONBOARD_PACKAGED names, a folder that build.py has made."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMED = os.environ.get("ONBOARD_PACKAGED", "")  # read now, since no test sees the user's variables


@dataclass(frozen=True, slots=True)
class Packaged:
    """The folder, and its two programs."""

    folder: Path

    @property
    def console(self) -> Path:
        return self.folder / "onboard"

    @property
    def windowed(self) -> Path:
        return self.folder / "onboard-gui"

    @property
    def inside(self) -> Path:
        return self.folder / "_internal"


def packaged_program() -> Packaged:
    """Skips the test where none is named. It is not looked for in dist/, where an old one may lie."""
    if not NAMED:
        pytest.skip("needs a packaged program: ONBOARD_PACKAGED=dist/onboard")
    program = Packaged(Path(NAMED).resolve())
    assert program.console.is_file(), f"ONBOARD_PACKAGED is {NAMED}, where no program is"
    return program
