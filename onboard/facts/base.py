"""A fact: one question asked of a server. To add one, write a file in `posix/`, and list it in `facts.catalog`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.model.endpoints import Endpoints
from onboard.model.family import ONLY_POSIX, Family
from onboard.model.field_names import field_names

T = TypeVar("T")


class FactError(ValueError):
    """The output was not what the parser knows; the fact is unknown. The text says what was seen."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a fact's script printed. `exit_code` is its own.

    began   this computer's clock when the script began, in seconds since the epoch; None when nobody looked
    """

    stdout: str
    stderr: str = ""
    exit_code: int = 0
    began: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be learned, and why in words for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A question.

    name     its file's name, and its script's: resources/scripts/DIALECT/facts/NAME
    parse    pure: from the script's answer to a frozen dataclass; raises FactError when it does not understand. The
             answer of a script that exits with anything but 0 is never parsed
    timeout  seconds that its section may take on the server
    families of servers that it is asked of: those whose dialect has a script for it
    """

    name: str
    parse: Callable[[Answer], T]
    timeout: float = 10.0
    families: frozenset[Family] = ONLY_POSIX


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the scripts need to know, handed to them as shell variables.

    endpoints     what the servers must reach       ONBOARD_ENDPOINTS, lines `service url`
    proxy         the profile's proxy, "" for none  ONBOARD_PROXY
    no_proxy      hosts reached without it          ONBOARD_NO_PROXY, comma separated

    `variables` holds them all, and ONBOARD_ROOTS: for each of Amazon's roots a stretch of its base64 to look for.
    """

    endpoints: Endpoints
    proxy: str = ""
    no_proxy: tuple[str, ...] = ()

    @property
    def variables(self) -> Mapping[str, str]:
        return {
            "ONBOARD_ENDPOINTS": "\n".join(f"{service} {url}" for service, url in self.endpoints),
            "ONBOARD_PROXY": self.proxy,
            "ONBOARD_NO_PROXY": ",".join(self.no_proxy),
            "ONBOARD_ROOTS": " ".join(root.mark for root in AMAZON_ROOTS),
        }


class Facts:
    """The answers of one server, by fact. Whatever was not asked or answered is Unknown."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def get(self, fact: Fact[T]) -> T | Unknown:
        value: T | Unknown = self._values.get(fact.name, Unknown("it was not asked"))
        return value

    def having(self, fact: Fact[T], value: T) -> "Facts":
        """These facts with another value of one of them."""
        return Facts({**self._values, fact.name: value})

    def known(self) -> Mapping[str, Any]:
        """name → value of all that is known."""
        return {name: value for name, value in self._values.items() if not isinstance(value, Unknown)}

    def unknown(self) -> Mapping[str, str]:
        """name → reason of all that is not."""
        return {name: value.reason for name, value in self._values.items() if isinstance(value, Unknown)}


_PLAIN = (str, int, float, type(None))  # most values, looked for first


def to_json(value: Any) -> Any:
    """A fact's value in JSON's plain types: objects become dicts, tuples lists, sets sorted lists."""
    if isinstance(value, _PLAIN):
        return value
    names = field_names(value.__class__)
    if names:
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(to_json(item) for item in value)
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value
