"""As which node, and in which Region, is this server registered?"""

import json
from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError, Facts, Unknown
from onboard.facts.lines import pairs


@dataclass(frozen=True, slots=True)
class AgentRegistration:
    """`instance_id` (mi-…) and `region` are "" when it is not registered: the agent needs its file and its key.

    has_key     a registration's key is in the agent's vault
    left_over   the node that a file without a key names, as `-register -clear` leaves it
    """

    instance_id: str = ""
    region: str = ""
    has_key: bool = False
    left_over: str = ""


def parse(answer: Answer) -> AgentRegistration:
    instance_id = region = ""
    has_key = False
    lines = list(pairs(answer))
    if ("asked", "all") not in lines:
        raise FactError("the answer was cut off")
    for key, value in lines:
        if key == "registration":
            instance_id, region = _registration(value)
        elif key == "key":
            has_key = True
    if not has_key:
        return AgentRegistration(left_over=instance_id)
    return AgentRegistration(instance_id, region, has_key)


def _registration(text: str) -> tuple[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise FactError("the agent's registration file is damaged")
    instance_id, region = value.get("ManagedInstanceID", ""), value.get("Region", "")
    if not isinstance(instance_id, str) or not isinstance(region, str):
        raise FactError("the agent's registration file is damaged")
    return instance_id, region


FACT = Fact("registration", parse)


def instance_id(facts: Facts) -> str | None:
    """The mi- id that the server is registered as; None when it is not, or not known."""
    found = facts.get(FACT)
    return None if isinstance(found, Unknown) else found.instance_id or None
