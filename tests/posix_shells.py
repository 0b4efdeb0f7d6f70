"""The shells that the scripts must run under."""

import shutil
from pathlib import Path

import pytest

from onboard.scripts.posix import POSIX

SHELLS = {
    "dash": ("dash",),
    "bash": ("bash", "--posix"),
    "busybox": ("busybox", "sh"),
    "mksh": ("mksh",),
    "ksh93": ("ksh93",),
}


def script_of(fact: str) -> str:
    """The script of a fact, as it stands in its file."""
    return POSIX.file(f"facts/{fact}")


def shell(name: str) -> list[str]:
    """The command line of a shell; skips where it is missing."""
    program, *rest = SHELLS[name]
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs the shell {program}")
    return [found, *rest]


def tools(folder: Path, *left_out: str) -> str:
    """A PATH of one new folder with all programs of this machine's PATH except those whose names begin so."""
    folder.mkdir()
    for place in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        for program in Path(place).glob("*"):
            if not program.name.startswith(left_out) and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return str(folder)
