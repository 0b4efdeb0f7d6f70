"""Which addresses do the names of the endpoints have on this server?"""

from dataclasses import dataclass, replace

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs


@dataclass(frozen=True, slots=True)
class Resolved:
    """A name looked up. `error` says why there is no address."""

    service: str
    name: str
    addresses: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class NameResolution:
    names: tuple[Resolved, ...]

    def of(self, service: str) -> Resolved | None:
        return next((name for name in self.names if name.service == service), None)


def parse(answer: Answer) -> NameResolution:
    found: dict[str, Resolved] = {}
    for service, rest in pairs(answer):
        name, _, told = rest.partition(" ")
        what, _, value = told.partition(" ")
        resolved = found.get(service, Resolved(service, name))
        if what == "address" and value:
            found[service] = replace(resolved, addresses=(*resolved.addresses, value))
        elif what == "error":
            found[service] = replace(resolved, error=value)
        else:
            raise FactError(f"not understood: {service[:40]} {rest[:80]}")
    if not found:
        raise FactError("the server looked up no name")
    return NameResolution(tuple(found[service] for service in sorted(found)))


FACT = Fact("name_resolution", parse, timeout=15.0)
