"""Where the program keeps its own files: known hosts, stopped accounts, journals, downloads."""

import os
from pathlib import Path

import platformdirs

from onboard.files import make_private_folder, refuse_others
from onboard.model.errors import OnboardError

JOURNAL = "journal.sqlite"  # of runs; it does not exist before the first


def home() -> Path:
    """ONBOARD_HOME, else the operating system's place for an application's data; made for this user alone (0700).

    Raises OnboardError when it cannot be made, or when other users may write to it: they could add host keys, or
    change what an undo runs.
    """
    chosen = os.environ.get("ONBOARD_HOME")
    try:
        path = Path(chosen).expanduser() if chosen else platformdirs.user_data_path("onboard", appauthor=False)
    except RuntimeError:
        raise OnboardError(
            "This user's home folder is unknown",
            why="HOME is not set, and the system does not know this user",
            remedy="Set ONBOARD_HOME to a folder that you may write to",
        ) from None
    try:
        make_private_folder(path)
    except OSError as error:
        raise OnboardError(
            "The program's folder cannot be made",
            where=str(path),
            why=error.strerror or str(error),
            remedy="Set ONBOARD_HOME to a folder that you may write to",
        ) from None
    refuse_others(path)
    return path
