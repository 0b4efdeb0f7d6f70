"""As which node, and in which Region, is this server registered?"""

import json
from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs


@dataclass(frozen=True, slots=True)
class AgentRegistration:
    """`instance_id` (mi-…) and `region` are "" when it is not registered.

    has_key   a registration's key is in the agent's vault
    pending   names of files under /var/lib/onboard: a registration of ours is or was under way
    """

    instance_id: str = ""
    region: str = ""
    has_key: bool = False
    pending: tuple[str, ...] = ()


def parse(answer: Answer) -> AgentRegistration:
    instance_id = region = ""
    has_key = False
    pending = []
    lines = list(pairs(answer))
    if ("asked", "all") not in lines:
        raise FactError("the answer broke off")
    for key, value in lines:
        if key == "registration":
            instance_id, region = _registration(value)
        elif key == "key":
            has_key = True
        elif key == "pending" and value:
            pending.append(value)
    return AgentRegistration(instance_id, region, has_key, tuple(pending))


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
