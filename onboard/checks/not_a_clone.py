"""No two servers share what is meant to distinguish machines.

A copied disk brings machine-id, SSH host keys and the agent's registration along: two servers then compete for one
node, or AWS refuses them by their fingerprint.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from onboard.checks.base import Context, FleetCheck, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import machine_identity, registration
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, and_more, sh

NAME = "not_a_clone"
_REMEDY = Remedy(
    "If both are the same server, list it only once. If not, run this on the copy, never on the original: it gives the "
    "copy its own identity and restarts it. Skip the first command if the copy has no agent",
    sh("sudo", "amazon-ssm-agent", "-register", "-clear"),
    sh("sudo", "rm", "-f", "/etc/machine-id", "/var/lib/dbus/machine-id"),
    sh("sudo", "systemd-machine-id-setup"),
    sh("sudo", "sh", "-c", "rm -f /etc/ssh/ssh_host_*"),
    sh("sudo", "ssh-keygen", "-A"),
    sh("sudo", "reboot"),
)


def judge(facts: Mapping[str, Facts], hosts: Sequence[Host], context: Context) -> Mapping[str, Finding]:
    marks = {host.name: list(_marks(facts[host.name])) for host in hosts if host.name in facts}
    owners: dict[tuple[str, str], list[str]] = {}
    for name, found in marks.items():
        for mark in found:
            owners.setdefault(mark, []).append(name)
    return {name: _finding(name, facts[name], found, owners) for name, found in marks.items()}


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
    name: str, facts: Facts, marks: Iterable[tuple[str, str]], owners: Mapping[tuple[str, str], Sequence[str]]
) -> Finding:
    shared = {mark: [other for other in owners[mark] if other != name] for mark in marks if len(owners[mark]) > 1}
    if shared:
        kinds = list(dict.fromkeys(kind for kind, _ in shared))
        others = sorted({other for names in shared.values() for other in names})
        values = ", ".join(f"{kind} {value}" for kind, value in shared)
        return failed(
            NAME,
            Text("a copy of another server: the same {kinds}", kinds=" and ".join(kinds)),
            remedy=_REMEDY,
            evidence=f"{name} and {and_more(others, 5)} have {values}",
        )
    identity = facts.get(machine_identity.FACT)
    if isinstance(identity, Unknown):
        return not_known(NAME, "whether the server is a copy of another", identity)
    return passed(NAME, "no other server listed has the same identity", identity.machine_id)


CHECK = FleetCheck(
    NAME,
    (machine_identity.FACT, registration.FACT),
    judge,
    short=Text("Not a copy"),
    why=Text("Copies share one identity and compete for the same node."),
)
