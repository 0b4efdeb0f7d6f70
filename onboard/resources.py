"""The files under resources/: inside the package when installed, next to it in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource(name: str) -> Traversable:
    """The file or folder `name`, such as `scripts/posix/facts/clock.sh`."""
    installed = files("onboard") / "resources"
    root: Traversable = installed if installed.is_dir() else Path(__file__).parent.parent / "resources"
    return root / name


def text(name: str) -> str:
    """The text of a file under resources/. FileNotFoundError if it does not exist."""
    return resource(name).read_text(encoding="utf-8")
