"""What kind of AWS key has root in its credentials file, where the agent writes its node's credentials?"""

from dataclasses import dataclass
from enum import StrEnum

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs

FILE = "/root/.aws/credentials"


class KeyKind(StrEnum):
    NONE = "none"
    OWN = "own"
    TEMPORARY = "temporary"


@dataclass(frozen=True, slots=True)
class RootCredentials:
    """`default`: the key in the section [default]. A temporary one was issued by AWS's token service for hours."""

    default: KeyKind = KeyKind.NONE


def parse(answer: Answer) -> RootCredentials:
    told = dict(pairs(answer))
    if told.get("asked") != "all":
        raise FactError("the answer was cut off")
    try:
        return RootCredentials(KeyKind(told.get("default", "")))
    except ValueError:
        raise FactError("the kind of root's AWS key was not understood") from None


FACT = Fact("root_credentials", parse)
