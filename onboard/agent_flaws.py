"""Known flaws of AWS's agent, by version: resources/agent_flaws.toml. Also how versions of it compare."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from onboard.model.family import Family
from onboard.resources import text


class Weight(StrEnum):
    """What a flaw means for a server, the worst first."""

    FAIL = "fail"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Flaw:
    """`fixed`: the first version without it."""

    id: str
    fixed: str
    about: str
    weight: Mapping[Family, Weight]

    def __str__(self) -> str:
        return f"{self.id} ({self.about}), fixed in {self.fixed}"


def numbers(version: str) -> tuple[int, ...]:
    """3.3.4851.0-1 → (3, 3, 4851, 0); a part that is not a number counts as 0."""
    return tuple(int(part) if part.isascii() and part.isdigit() else 0 for part in version.split("-")[0].split("."))


def flaws_of(version: str, family: Family, *weights: Weight) -> Sequence[Flaw]:
    """The known flaws of an agent that have one of these weights for servers of a family."""
    return [flaw for flaw in _flaws() if numbers(version) < numbers(flaw.fixed) and flaw.weight[family] in weights]


@cache
def _flaws() -> Sequence[Flaw]:
    return [
        Flaw(flaw["id"], flaw["fixed"], flaw["about"], {family: Weight(flaw[family]) for family in Family})
        for flaw in tomllib.loads(text("agent_flaws.toml"))["flaw"]
    ]
