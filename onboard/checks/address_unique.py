"""No server is listed twice under the same address."""

from collections.abc import Mapping, Sequence

from onboard.checks.base import Context, FleetCheck, failed, passed
from onboard.facts.base import Facts
from onboard.model.family import EVERY_FAMILY
from onboard.model.finding import Finding
from onboard.model.place import Place
from onboard.model.profile import Host
from onboard.model.words import Text

NAME = "address_unique"


def judge(facts: Mapping[str, Facts], hosts: Sequence[Host], context: Context) -> Mapping[str, Finding]:
    owners: dict[Place, list[str]] = {}
    for host in hosts:
        owners.setdefault(host.place, []).append(host.name)
    return {host.name: _finding(host, owners[host.place]) for host in hosts}


def _finding(host: Host, names: Sequence[str]) -> Finding:
    if len(names) == 1:
        return passed(NAME, "the address is listed once", str(host.place))
    return failed(
        NAME,
        "the same address is listed more than once",
        remedy="Keep one entry for this address and remove the others",
        evidence=f"{host.place}: {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}",
    )


CHECK = FleetCheck(
    NAME,
    (),
    judge,
    families=EVERY_FAMILY,
    short=Text("Address"),
    why=Text("A server that is listed twice would be installed twice at once."),
)
