"""How the window starts this program again: for the engine, and for practice."""

import sys
from pathlib import Path

from onboard.about import is_packaged

PYTHON = (sys.executable, "-P", "-m")  # -P: do not import modules from the current folder


def console_program() -> list[str]:
    """Return the console program's command line, from source or packaged."""
    return [_beside("onboard")] if is_packaged() else [*PYTHON, "onboard"]


def windowed_program() -> list[str]:
    """Return the windowed program's command line."""
    return [_beside("onboard-gui")] if is_packaged() else [*PYTHON, "onboard.gui"]


def _beside(name: str) -> str:
    return str(Path(sys.executable).with_name(f"{name}.exe" if sys.platform == "win32" else name))
