"""With what, and from which folder, is a root certificate added to the store here?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """`tools`: update-ca-certificates, update-ca-trust. `folders` that exist for roots of one's own."""

    tools: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def parse(answer: Answer) -> TrustAnchors:
    lines = list(pairs(answer))
    if ("asked", "all") not in lines:
        raise FactError("the answer was cut off")
    return TrustAnchors(
        tools=tuple(value for key, value in lines if key == "tool" and value),
        folders=tuple(value for key, value in lines if key == "folder" and value),
    )


FACT = Fact("trust_anchors", parse)
