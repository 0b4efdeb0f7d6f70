"""No server is listed twice under the same address."""

from collections.abc import Mapping, Sequence

from onboard.checks.base import Context, FleetCheck, failed, passed
from onboard.facts.base import Facts
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "address_unique"


def judge(facts: Mapping[str, Facts], hosts: Sequence[Host], context: Context) -> Mapping[str, Finding]:
    owners: dict[tuple[str, int, str | None], list[str]] = {}
    for host in hosts:
        owners.setdefault(_address(host), []).append(host.name)
    return {host.name: _finding(host, owners[_address(host)]) for host in hosts}


def _address(host: Host) -> tuple[str, int, str | None]:
    """Behind a jump host the same private address may be another server."""
    address, port = host.target
    return address.lower().rstrip("."), port, host.jump


def _finding(host: Host, names: Sequence[str]) -> Finding:
    address, port = host.target
    if len(names) == 1:
        return passed(NAME, "the address is listed once", f"{address}:{port}")
    return failed(
        NAME,
        "the same address is listed more than once",
        remedy="Take the server out of the list all but once",
        evidence=f"{address}:{port}: {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}",
    )


CHECK = FleetCheck(NAME, (), judge)
