"""Answers as lines of `key value`."""

from collections.abc import Iterator

from onboard.facts.base import Answer, FactError


def pairs(answer: Answer) -> Iterator[tuple[str, str]]:
    """(key, value) of each line; the value may be empty."""
    for line in answer.stdout.splitlines():
        key, _, value = line.strip().partition(" ")
        if key:
            yield key, value.strip()


def single(answer: Answer) -> dict[str, str]:
    """The lines as a dict, for answers in which every key occurs once. FactError if there is no line."""
    values = dict(pairs(answer))
    if not values:
        raise FactError("the server printed nothing")
    return values


def number(text: str, what: str) -> int:
    """Parse a whole number. FactError if it is not one."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise FactError(f"{what} is not a number: {text[:40]!r}")
    return int(text)
