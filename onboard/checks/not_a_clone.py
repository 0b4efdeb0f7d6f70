"""No two servers share what is meant to distinguish machines.

A copied disk brings machine-id, SSH host keys and the agent's registration along: two servers then compete for one
node, or AWS refuses them by their fingerprint. One machine that is listed by two addresses looks the same, but for its
product_uuid, which the hardware or hypervisor gives: a copy has another one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from onboard.checks.base import Context, FleetCheck, failed, not_known, passed
from onboard.checks.not_registered_elsewhere import CLEAR_REGISTRATION
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import kernel, machine_identity, registration
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, and_more, phrase, sh

NAME = "not_a_clone"
SHOWN = 5  # names of other servers in the evidence
Mark = tuple[str, str]  # kind and value
_TWICE = "Take one of the two entries out of the list: both addresses lead to the same machine"
_RENEW = (
    *CLEAR_REGISTRATION,
    sh("sudo", "rm", "-f", "/etc/machine-id", "/var/lib/dbus/machine-id"),
    sh("sudo", "systemd-machine-id-setup"),
    sh("sudo", "sh", "-c", "rm -f /etc/ssh/ssh_host_*"),
    sh("sudo", "ssh-keygen", "-A"),
    sh("sudo", "reboot"),
)
_REMEDY = Remedy(
    "Run this on the copy, never on the original: it gives the copy its own identity and restarts it. Skip the first "
    "three commands if the copy has no agent",
    *_RENEW,
)
_EITHER = Remedy(
    "If both are the same server, list it only once. If not, run this on the copy, never on the original: it gives the "
    "copy its own identity and restarts it. Skip the first three commands if the copy has no agent",
    *_RENEW,
)

_SUMMARIES = {  # whether the other one is the same machine, None where that is not known; what to say first
    False: phrase("a copy of another server: the same {kinds}"),
    None: phrase("a copy of another server, or the same one listed twice: the same {kinds}"),
    True: phrase("the same server as another entry: listed twice, with the same {kinds}"),
}


def judge(facts: Mapping[str, Facts], hosts: Sequence[Host], context: Context) -> Mapping[str, Finding]:
    marks = {host.name: list(_marks(facts[host.name])) for host in hosts if host.name in facts}
    owners: dict[Mark, list[str]] = {}
    for name, found in marks.items():
        for mark in found:
            owners.setdefault(mark, []).append(name)

    @cache  # thousands of copies have the same marks in common
    def group(shared: tuple[Mark, ...]) -> _Group:
        return _Group.of({name for mark in shared for name in owners[mark]}, facts)

    findings = {}
    for name, found in marks.items():
        shared = tuple(mark for mark in found if len(owners[mark]) > 1)
        findings[name] = _shared(name, facts[name], shared, group(shared)) if shared else _alone(facts[name])
    return findings


def _marks(facts: Facts) -> Iterator[Mark]:
    """What must be this server's own."""
    identity, registered = facts.get(machine_identity.FACT), facts.get(registration.FACT)
    if not isinstance(registered, Unknown) and registered.instance_id:
        yield "node id", registered.instance_id
    if not isinstance(identity, Unknown):
        if identity.machine_id:
            yield "machine-id", identity.machine_id
        for key in identity.host_keys:
            yield "SSH host key", key


class _Machine(NamedTuple):
    """What tells one machine that is listed twice from its copies; "" where it is not known."""

    uuid: str
    machine_id: str
    hostname: str

    @classmethod
    def of(cls, facts: Facts) -> "_Machine":
        identity, found = facts.get(machine_identity.FACT), facts.get(kernel.FACT)
        hostname = "" if isinstance(found, Unknown) else found.hostname
        if isinstance(identity, Unknown):
            return cls("", "", hostname)
        return cls(identity.product_uuid, identity.machine_id, hostname)


@dataclass(frozen=True, slots=True)
class _Group:
    """Servers that share marks: their names, sorted, and how many there are of each machine and product_uuid."""

    names: Sequence[str]
    machines: Counter[_Machine]
    uuids: Counter[str]

    @classmethod
    def of(cls, names: Iterable[str], facts: Mapping[str, Facts]) -> "_Group":
        names = sorted(names)
        machines = Counter(_Machine.of(facts[name]) for name in names)
        uuids: Counter[str] = Counter()
        for machine, count in machines.items():
            uuids[machine.uuid] += count
        return cls(names, machines, uuids)

    def same(self, machine: _Machine) -> set[bool | None]:
        """Whether the others are that machine, reached in another way; None for those of which it cannot be told."""
        if not machine.uuid:
            return {None}
        alike = self.uuids[machine.uuid] - 1
        twins = self.machines[machine] - 1 if machine.machine_id and machine.hostname else 0
        others = len(self.names) - 1 - alike - self.uuids[""]
        return {
            same for same, count in ((True, twins), (None, alike - twins + self.uuids[""]), (False, others)) if count
        }


def _shared(name: str, facts: Facts, shared: Sequence[Mark], group: _Group) -> Finding:
    kinds = list(dict.fromkeys(kind for kind, _ in shared))
    values = ", ".join(f"{kind} {value}" for kind, value in shared)
    others = [other for other in group.names[: SHOWN + 1] if other != name][:SHOWN]
    more = len(group.names) - 1 - len(others)
    evidence = f"{name} and {and_more(others, SHOWN, more=more)} have {values}"
    same = group.same(_Machine.of(facts))
    what = Text(_SUMMARIES[min(same, key=list(_SUMMARIES).index)], kinds=" and ".join(kinds))
    if same == {True}:
        return failed(NAME, what, remedy=_TWICE, evidence=evidence)
    return failed(NAME, what, remedy=_REMEDY if False in same else _EITHER, evidence=evidence)


def _alone(facts: Facts) -> Finding:
    identity = facts.get(machine_identity.FACT)
    if isinstance(identity, Unknown):
        return not_known(NAME, "whether the server is a copy of another", identity)
    return passed(NAME, "no other server listed has the same identity", identity.machine_id)


CHECK = FleetCheck(
    NAME,
    (machine_identity.FACT, registration.FACT, kernel.FACT),
    judge,
    short=Text("Not a copy"),
    why=Text("Copies share one identity and compete for the same node."),
)
