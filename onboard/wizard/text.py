"""Sentences of the wizard as values; gui/text.py translates them where they are shown."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Said:
    """`text`, with `{name}` where the field of that name goes. If `many` is given, `text` is used for n = 1 only.

    A field may itself be a Said, a Text from a lower package, or a Moment.
    """

    text: str
    fields: tuple[tuple[str, object], ...] = ()
    many: str = ""
    n: int = 0


Words: TypeAlias = Said | str  # a str is a message of a server or AWS, shown as it is, or a Text from a lower package


def said(text: str, /, **fields: object) -> Said:
    """A sentence or a title. `text` must be a literal, so that it can be extracted for translation."""
    return Said(text, tuple(fields.items()))


def counted(one: str, many: str, n: int, /, **fields: object) -> Said:
    """A sentence with a count, like `plural` in the GUI; both texts must be literals."""
    return Said(one, tuple(fields.items()), many, n)
