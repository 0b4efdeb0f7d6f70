"""Sentences of the wizard as values: gui/text.py puts them into the user's language where they are shown."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Said:
    """`text`, with `{name}` where the field of that name comes. Where `many` is given, `text` is for n = 1 alone.

    A field may be Said itself, or a Moment.
    """

    text: str
    fields: tuple[tuple[str, object], ...] = ()
    many: str = ""
    n: int = 0


Words: TypeAlias = Said | str  # a str is what a server or AWS said, shown as it is; or a Text of a room below


def said(text: str, /, **fields: object) -> Said:
    """A sentence or a title. `text` is a literal, so that it is found for translation."""
    return Said(text, tuple(fields.items()))


def counted(one: str, many: str, n: int, /, **fields: object) -> Said:
    """A sentence that counts, as gui's `plural`; both texts are literals."""
    return Said(one, tuple(fields.items()), many, n)
