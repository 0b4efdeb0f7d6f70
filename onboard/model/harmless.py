"""Makes text harmless that a server, AWS or a proxy wrote, before anything shows it.

A terminal obeys escape sequences, and characters such as U+202E (right-to-left override) reverse a line: either could
show something other than what happened. Values that are shown derive from `Harmless`, which replaces such characters
when the value is made; `Text`, `Remedy` and the errors do the same. So code that shows them need not.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from onboard.model.field_names import field_names

REPLACEMENT = "�"

_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_KEPT = "\n\t"


def harmless(text: str) -> str:
    """`text` with every character that does not print replaced, except blanks, tabs and line ends."""
    if text.isprintable():
        return text
    clean = "".join(map(_printable, _LINE_END.sub("\n", text)))
    return text if clean == text else clean  # the very same: it may be a `Text`, which knows more


def _printable(character: str) -> str:
    kept = character.isprintable() or character in _KEPT or unicodedata.category(character) == "Zs"
    return character if kept else REPLACEMENT


class Harmless:
    """Base of dataclasses whose texts are shown to people: all text in them is harmless once they are made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        kind: type = self.__class__
        for name in field_names(kind):
            object.__setattr__(self, name, _cleaned(getattr(self, name)))  # they are frozen


def _cleaned(value: Any) -> Any:
    """`value` with harmless texts. A `Harmless` in it is so already."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value))
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
