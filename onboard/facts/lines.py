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
    """The lines as a dict, where every key stands once. FactError when there is none."""
    values = dict(pairs(answer))
    if not values:
        raise FactError("the server printed nothing")
    return values


def number(text: str, what: str) -> int:
    """A whole number. FactError when it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise FactError(f"{what} is not a number: {text[:40]!r}")
    return int(text)
