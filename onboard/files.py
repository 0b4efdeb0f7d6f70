"""Writing files whole or not at all."""

import os
import tempfile
from pathlib import Path

from onboard.model.errors import OnboardError


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, through a neighbour that takes its place. OnboardError on failure.

    Where a link stands, what it leads to is replaced; what is no regular file is written to as it stands.
    Bytes that are no UTF-8 come through when they were read with errors="surrogateescape"; line ends stay as they are.
    """
    try:
        if path.exists() and not path.is_file():  # a device or a pipe takes what is written, and keeps its place
            with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(text)
        else:
            _replace(Path(os.path.realpath(path)), text)
    except OSError as error:
        raise OnboardError(
            "The file could not be written",
            where=str(path),
            why=error.strerror or str(error),
            remedy="Choose a folder that exists and may be written to",
        ) from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
