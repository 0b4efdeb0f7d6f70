"""What a reader of lists of servers takes and gives. Each file format is one reader, listed in `catalog.py`."""

from dataclasses import dataclass
from typing import Protocol

from onboard.files import decoded_by_mark
from onboard.model.errors import Problem
from onboard.model.profile import Host


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file that may hold a list of servers. `name` is what messages call it."""

    name: str
    data: bytes
    text: str
    encoding: str

    @classmethod
    def of(cls, data: bytes, name: str) -> "ListFile":
        return cls(name, data, *_decoded(data))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `field` says which part of a server it gives; "" means that it is not used, for `why`."""

    header: str
    field: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """How a table was read. `rows` are the first ones, without the cells of unused columns: those may hold secrets.

    `delimiter` is "" when the table has one column.
    """

    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def unused(self) -> tuple[tuple[int, Column], ...]:
        """The columns that are not used, with their numbers, counted from 1."""
        return tuple((number, column) for number, column in enumerate(self.columns, 1) if not column.field)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The servers of a list. `lines` has the line of each of `hosts`, and `problems` every mistake, in line order.

    `preview` is None for a format whose reading needs no guesses that a person should see.
    """

    hosts: tuple[Host, ...]
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]
    preview: Preview | None = None


@dataclass(frozen=True, slots=True)
class ParsedTable(Parsed):
    """The servers of a table, with how it was read."""

    preview: Preview


class Reader(Protocol):
    """A file format. `title` is its name in messages; `suffixes` are those of its files, in lower case: ".csv"."""

    @property
    def title(self) -> str: ...

    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def recognises(self, file: ListFile) -> bool:
        """Whether the content is in this format, whatever the file is called."""

    def parse(self, file: ListFile) -> Parsed:
        """The servers of the file. Raises ProfileError when none can be read from it."""


def _decoded(data: bytes) -> tuple[str, str]:
    """The text of a file and its encoding: by its first bytes, else UTF-8, else as Windows writes text."""
    if found := decoded_by_mark(data):
        return found
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"
