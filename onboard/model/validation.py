"""What pydantic finds wrong with a value, in words for people. No message repeats text that may be a secret."""

import difflib
import re
from collections.abc import Iterable
from datetime import date, time
from typing import Any

from pydantic_core import ErrorDetails

from onboard.model.errors import Problem
from onboard.model.formats import shown

_SECRET_KEY = re.compile(
    r"pass(word|phrase|wd|code)?|pwd|pin|.*(password|passphrase|secret|token|activation_?code|private_?key|access_?key(_id)?)"
)
_SECRET_WORDS = ("password", "passphrase", "secret", "activation_code")  # for the same words misspelt


def is_secret_key(key: str) -> bool:
    """Whether a key that no profile knows looks as if a secret stood behind it."""
    word = re.sub(r"[\s.-]+", "_", key.casefold())
    return bool(_SECRET_KEY.fullmatch(word)) or bool(difflib.get_close_matches(word, _SECRET_WORDS, n=1, cutoff=0.85))


def secret_problem(key: str) -> Problem:
    """A secret was written where secrets are not allowed."""
    return Problem(
        key,
        "secrets are never stored in a file that is shared and kept",
        "Delete it and change that secret; give it by the system's keyring, secret_command, "
        "the variable ONBOARD_SECRET_<CREDENTIAL NAME>, or when asked",
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or ""."""
    matches = difflib.get_close_matches(word.casefold(), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def unknown_problem(key: str, word: str, known: Iterable[str], *, elsewhere: str = "") -> Problem:
    """`word` is not a known key. `elsewhere` names the section where such a key exists."""
    if is_secret_key(word):
        return secret_problem(key)
    known = list(known)
    if elsewhere:
        remedy = f"It belongs in [{elsewhere}]"
    elif guess := nearest(word, known):
        remedy = f"Did you mean {guess}"
    else:
        remedy = f"Delete it; what is known here: {', '.join(known)}"
    return Problem(key, f"there is no key {shown(word)}", remedy)


def unknown_name(key: str, kind: str, word: str, known: Iterable[str]) -> Problem:
    """No `kind` is called `word`: the one that was probably meant, and all there are."""
    known = list(known)
    guess = nearest(word, known)
    meant = f"Did you mean {guess}? " if guess else ""
    return Problem(key, f"no {kind} is called {shown(word)}", f"{meant}There are: {', '.join(known) or 'none'}")


def wrong_value(key: str, error: ErrorDetails) -> Problem:
    """The problem of a value that pydantic refused for its type, range or form."""
    found = error["input"]
    context: dict[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "refused":
            return Problem(key, context["problem"], context["remedy"])
        case "missing":
            return Problem(key, "it is missing", "Add it")
        case "string_type":
            return Problem(key, f"it is {_kind(found)}, where text is wanted", 'Write it in quotes: "…"')
        case "int_type" | "int_from_float":
            return Problem(key, f"it is {_kind(found)}, where a whole number is wanted", "Write digits, without quotes")
        case "bool_type":
            return Problem(
                key, f"it is {_kind(found)}, where yes or no is wanted", "Write true or false, without quotes"
            )
        case "tuple_type" | "list_type":
            return Problem(key, f"it is {_kind(found)}, where a list is wanted", "Write it in brackets: […]")
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            return Problem(key, f"it is {_kind(found)}, where a table is wanted", f"Write {_table(key)}")
        case "greater_than_equal":
            return Problem(key, f"{_number(found)} is too small", f"Use {context['ge']} or more")
        case "less_than_equal":
            return Problem(key, f"{_number(found)} is too large", f"Use {context['le']} or less")
        case "enum" | "literal_error":
            return _not_among(key, found, re.findall(r"'([^']+)'", context["expected"]))
        case _:
            return Problem(key, f"it is {_kind(found)}, which is not understood", error["msg"].rstrip("."))


def _not_among(key: str, found: object, allowed: list[str]) -> Problem:
    if not isinstance(found, str):
        return Problem(key, f"it is {_kind(found)}, where a word is wanted", f"Use one of {', '.join(allowed)}")
    guess = nearest(found, allowed)
    remedy = f"Did you mean {guess}" if guess else f"Use one of {', '.join(allowed)}"
    return Problem(key, f"{shown(found)} is not known", remedy)


def _table(key: str) -> str:
    return "[[hosts]]" if key.startswith("hosts") else f"a section [{key}]"


def _number(value: object) -> str:
    """A number as people read it; one of thousands of digits only by its length."""
    if isinstance(value, int) and abs(value) >= 10**18:
        return "the number"
    return str(value) if isinstance(value, int | float) else "it"


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
        case date() | time():
            return "a date or time"
        case None:
            return "nothing"
        case _:
            return "something else"
