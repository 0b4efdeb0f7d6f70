"""A fact: one question asked of a server. To add one, write a file here and list it in `onboard.facts.catalog`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from onboard.model.endpoints import Endpoints

T = TypeVar("T")


class FactError(ValueError):
    """The output was not what the parser knows; the fact is unknown. The text says what was seen."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a fact's script printed. `exit_code` is its own."""

    stdout: str
    stderr: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be learned, and why in words for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A question.

    name     its file's name, and its script's: resources/scripts/posix/facts/NAME.sh
    parse    pure: from the script's answer to a frozen dataclass; raises FactError when it does not understand
    timeout  seconds that its section may take on the server
    """

    name: str
    parse: Callable[[Answer], T]
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the scripts need to know, handed to them as shell variables.

    endpoints     what the servers must reach       ONBOARD_ENDPOINTS, lines `service url`
    proxy         the profile's proxy, "" for none  ONBOARD_PROXY
    no_proxy      hosts reached without it          ONBOARD_NO_PROXY, comma separated
    """

    endpoints: Endpoints
    proxy: str = ""
    no_proxy: tuple[str, ...] = ()


class Facts:
    """The answers of one server, by fact. Whatever was not asked or answered is Unknown."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def get(self, fact: Fact[T]) -> T | Unknown:
        value: T | Unknown = self._values.get(fact.name, Unknown("it was not asked"))
        return value

    def known(self) -> Mapping[str, Any]:
        """name → value of all that is known."""
        return {name: value for name, value in self._values.items() if not isinstance(value, Unknown)}

    def unknown(self) -> Mapping[str, str]:
        """name → reason of all that is not."""
        return {name: value.reason for name, value in self._values.items() if isinstance(value, Unknown)}
