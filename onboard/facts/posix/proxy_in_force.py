"""Which proxies are set on the server, and where?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from onboard.facts.base import Answer, Fact, FactError

_PLACES = ("login", "machine", "services", "agent")


@dataclass(frozen=True, slots=True)
class DropIn:
    """A settings file of the agent's service. `sha256` of its bytes ("" if not known); `content` without passwords."""

    path: str
    sha256: str
    content: str


@dataclass(frozen=True, slots=True)
class ProxyInForce:
    """Variable in small letters → value, without the name and password a URL may have.

    login     what a person who logs in has, and what sudo left of it
    machine   /etc/environment
    services  what systemd hands to every service
    agent     the agent's own service files; with `services` the only ones it sees
    """

    login: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    agent: Mapping[str, str] = field(default_factory=dict)
    drop_ins: tuple[DropIn, ...] = ()

    @property
    def of_agent(self) -> str:
        """The proxy that the agent's service has for HTTPS, or ""."""
        return self.agent.get("https_proxy") or self.services.get("https_proxy", "")

    @property
    def of_people(self) -> str:
        """The proxy for HTTPS of logins, which the agent does not see, or ""."""
        return self.login.get("https_proxy") or self.machine.get("https_proxy", "")


def parse(answer: Answer) -> ProxyInForce:
    places: dict[str, dict[str, str]] = {place: {} for place in _PLACES}
    drop_ins: list[tuple[str, str, list[str]]] = []
    lines = answer.stdout.splitlines()
    if "asked all" not in lines:
        raise FactError("the answer was cut off")
    for line in lines:
        key, _, rest = line.partition(" ")
        if key in places:
            name, _, value = rest.partition(" ")
            places[key][name.lower()] = without_login(value.strip())
        elif key == "drop_in":
            path, _, digest = rest.rpartition(" ")
            drop_ins.append((path, digest if re.fullmatch("[0-9a-f]{64}", digest) else "", []))
        elif key == "|" and drop_ins:
            drop_ins[-1][2].append(_line_without_logins(rest))
    return ProxyInForce(
        **places,
        drop_ins=tuple(DropIn(path, digest, "\n".join(content)) for path, digest, content in drop_ins),
    )


def without_login(value: str) -> str:
    """One URL, or HOST:PORT, without name and password, which may themselves hold @ and / as they stand.

    The script leaves them out already; this is for the day it is changed.
    """
    return re.sub(r"^([a-z][a-z0-9+.-]*://)?.*@", lambda found: found[1] or "", value, flags=re.DOTALL | re.IGNORECASE)


def _line_without_logins(line: str) -> str:
    """A line of settings, where there may be several."""
    line = re.sub(r"://[^\s\"]*@", "://", line)
    return re.sub(r"(proxy=[\"']?)[^\s\"]*@", r"\1", line, flags=re.IGNORECASE)


FACT = Fact("proxy_in_force", parse)
