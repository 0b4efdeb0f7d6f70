"""How the window starts this program again: for the engine, and for practice."""

import sys
from pathlib import Path


def console_program() -> list[str]:
    """The console program's command line, from source and packaged alike."""
    if getattr(sys, "frozen", False):
        name = "onboard.exe" if sys.platform == "win32" else "onboard"
        return [str(Path(sys.executable).with_name(name))]
    return [sys.executable, "-m", "onboard"]
