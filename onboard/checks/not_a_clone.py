"""No two servers share what is meant to distinguish machines.

A copied disk brings machine-id, SSH host keys and the agent's registration along: two servers then compete for one
node, or AWS refuses them by their fingerprint. One machine that is listed by two addresses looks the same, but for its
product_uuid, which the hardware or hypervisor gives: a copy has another one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from onboard.checks.base import Context, FleetCheck, failed, not_known, passed
from onboard.checks.not_registered_elsewhere import CLEAR_REGISTRATION
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import kernel, machine_identity, registration
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, and_more, phrase, sh

NAME = "not_a_clone"
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
    owners: dict[tuple[str, str], list[str]] = {}
    for name, found in marks.items():
        for mark in found:
            owners.setdefault(mark, []).append(name)
    return {name: _finding(name, facts, found, owners) for name, found in marks.items()}


def _marks(facts: Facts) -> Iterator[tuple[str, str]]:
    """(kind, value) of what must be this server's own."""
    identity, registered = facts.get(machine_identity.FACT), facts.get(registration.FACT)
    if not isinstance(registered, Unknown) and registered.instance_id:
        yield "node id", registered.instance_id
    if not isinstance(identity, Unknown):
        if identity.machine_id:
            yield "machine-id", identity.machine_id
        for key in identity.host_keys:
            yield "SSH host key", key


def _finding(
    name: str,
    facts: Mapping[str, Facts],
    marks: Iterable[tuple[str, str]],
    owners: Mapping[tuple[str, str], Sequence[str]],
) -> Finding:
    shared = {mark: [other for other in owners[mark] if other != name] for mark in marks if len(owners[mark]) > 1}
    if shared:
        kinds = list(dict.fromkeys(kind for kind, _ in shared))
        others = sorted({other for names in shared.values() for other in names})
        values = ", ".join(f"{kind} {value}" for kind, value in shared)
        evidence = f"{name} and {and_more(others, 5)} have {values}"
        same = {_is_same_machine(facts[name], facts[other]) for other in others}
        what = Text(_SUMMARIES[min(same, key=list(_SUMMARIES).index)], kinds=" and ".join(kinds))
        if same == {True}:
            return failed(NAME, what, remedy=_TWICE, evidence=evidence)
        return failed(NAME, what, remedy=_REMEDY if False in same else _EITHER, evidence=evidence)
    identity = facts[name].get(machine_identity.FACT)
    if isinstance(identity, Unknown):
        return not_known(NAME, "whether the server is a copy of another", identity)
    return passed(NAME, "no other server listed has the same identity", identity.machine_id)


def _is_same_machine(one: Facts, other: Facts) -> bool | None:
    """Whether both are one machine, reached twice; None where that cannot be told."""
    first, second = one.get(machine_identity.FACT), other.get(machine_identity.FACT)
    if isinstance(first, Unknown) or isinstance(second, Unknown):
        return None
    if not (first.product_uuid and second.product_uuid):
        return None
    if first.product_uuid != second.product_uuid:
        return False
    names = [
        None if isinstance(found, Unknown) else found.hostname
        for found in (one.get(kernel.FACT), other.get(kernel.FACT))
    ]
    is_same = first.machine_id == second.machine_id and first.machine_id and names[0] == names[1] and names[0]
    return True if is_same else None


CHECK = FleetCheck(
    NAME,
    (machine_identity.FACT, registration.FACT, kernel.FACT),
    judge,
    short=Text("Not a copy"),
    why=Text("Copies share one identity and compete for the same node."),
)
