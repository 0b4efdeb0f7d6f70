"""Reading files that end, writing them whole or not at all, and keeping them from other users."""

import codecs
import errno
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from onboard.model.errors import OnboardError, Problem, ProfileError
from onboard.model.words import Remedy, Text, foreign, joined, phrase, sh

MOST_READ = 64 << 20  # bytes
_MODE = phrase("(mode {mode}, owner {owner})")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, through a neighbour that takes its place. OnboardError on failure.

    The target of a link is replaced; anything but a regular file is written to in place.
    Bytes that are not UTF-8 survive if they were read with errors="surrogateescape"; line ends stay as they are.
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


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone, whatever the umask. Raises OSError."""
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


def refuse_others(path: Path, writers: int = stat.S_IWGRP | stat.S_IWOTH) -> None:
    """Raises OnboardError where another user owns a file or folder that is trusted, or may write to it.

    As OpenSSH refuses its own files. Windows has no such modes. What is not there is not refused.
    """
    try:
        found = path.stat()
    except OSError:
        return
    if os.name == "nt":
        return
    if found.st_uid not in (0, os.getuid()):
        what, why = "It belongs to another user", "Its owner can change what Onboard trusts"
        remedy, command = "Give it to this user", ["sudo", "chown", str(os.getuid())]
    elif found.st_mode & writers:
        what, why = "Other users may write to it", "They can change what Onboard trusts"
        remedy, command = "Check that its contents are yours, then remove the permission", ["chmod", "go-w"]
    else:
        return
    raise OnboardError(
        what,
        where=str(path),
        why=joined(why, Text(_MODE, mode=f"{stat.S_IMODE(found.st_mode):04o}", owner=found.st_uid), " "),
        remedy=Remedy(remedy, sh(*command, foreign(str(path)))),
    )


def read_regular(path: Path) -> bytes:
    """What a regular file holds. Raises OSError, also for a pipe or device, which may never end, and for too much."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with path.open("rb") as file:
        content = file.read(MOST_READ + 1)
    if len(content) > MOST_READ:
        raise OSError(errno.EFBIG, f"it is larger than {MOST_READ >> 20} MiB", str(path))
    return content


def decoded_by_mark(data: bytes) -> tuple[str, str] | None:
    """The text of a file, and its encoding, where its first bytes show it: a byte order mark, or UTF-16's zeros."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), encoding
    if b"\0" in data[:200]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        return data.decode(encoding, errors="replace"), encoding
    return None


def refuse_unwritable(path: Path, argument: str) -> None:
    """Raises ProfileError where `write_private` could not write, before any work is done for it."""
    if path.is_dir():
        problem = f"{path} is a folder"
    elif not path.parent.is_dir():
        problem = f"there is no folder {path.parent}"
    elif not os.access(path.parent if not path.exists() or path.is_file() else path, os.W_OK):
        problem = f"{path} may not be written to"
    else:
        return
    raise ProfileError(argument, (Problem(argument, problem, "Name a file in a folder that you may write to"),))


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


def most_open_files() -> int:
    """How many open files this user may let a process have."""
    if sys.platform == "win32":  # sockets do not count there
        return sys.maxsize
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def allow_open_files(wanted: int) -> int:
    """Raise this process's limit of open files to `wanted`, or as far as this user may. Returns the limit."""
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    most = min(wanted, most_open_files())
    with suppress(OSError, ValueError):  # macOS has a further limit below the one that it names
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return soft
