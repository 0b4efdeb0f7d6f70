"""Every reader of lists of servers, in the order in which they are tried. A test fails if one is not listed here."""

import errno
from pathlib import Path

from onboard.files import MOST_READ
from onboard.lists import csv_list, unread
from onboard.lists.reader import ListFile, Parsed, Reader
from onboard.model.errors import Problem, ProfileError

READERS: tuple[Reader, ...] = (
    unread.OFFICE,
    unread.OLD_EXCEL,
    unread.COMPRESSED,
    unread.PDF,
    unread.BINARY,
    unread.JSON,
    unread.SSH_CONFIG,
    unread.ANSIBLE,
    csv_list.READER,  # last, since it recognises everything
)
SUFFIXES = tuple(suffix for reader in READERS for suffix in reader.suffixes)


def read(path: Path) -> Parsed:
    """The servers of a file. Mistakes in lines are in `Parsed.problems`.

    Raises ProfileError when the file cannot be read at all, or is in a format that Onboard does not read.
    """
    try:
        with path.open("rb") as file:  # also a pipe, such as the shell's <(…)
            data = file.read(MOST_READ + 1)
        if len(data) > MOST_READ:
            raise OSError(errno.EFBIG, f"it is larger than {MOST_READ >> 20} MiB")
    except OSError as error:
        problem = Problem(str(path), f"it cannot be read: {error.strerror}", "Name a file that exists and may be read")
        raise ProfileError(str(path), (problem,)) from error
    return parse(data, path.name)


def parse(data: bytes, name: str) -> Parsed:
    """As `read`, of a file's content; `name` is how messages call it."""
    file = ListFile.of(data, name)
    reader = next(reader for reader in READERS if reader.recognises(file))
    return reader.parse(file)
