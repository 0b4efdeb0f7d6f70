"""Events of the engine about the identity of servers and a test of one, for screenshots and tests of that page."""

import base64
import hashlib
from collections.abc import Mapping, Sequence

import scenes

from onboard.model import events
from onboard.model.profile import Profile
from onboard.model.status import HostStatus
from onboard.wizard import draft

CHANGED = 12  # the number of the server whose key changed
UNREACHED = 21
REMEDY = "Compare the fingerprint with what the server itself says, then approve it"


def fingerprint(name: str) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")


def profile() -> Profile:
    """Servers of several groups, with tags; the credential of one group is not set up."""
    plain = scenes.profile()
    dbs = {host.name for host in plain.hosts if host.name.startswith("srv-db")}
    tagged = draft.hosts_changed(plain, {host.name for host in plain.hosts}, {}, tags={"site": "fra"})
    assert isinstance(tagged, Profile)
    grouped = draft.hosts_changed(tagged, dbs, {"credential": "dba"}, tags={"team": "data"})
    assert isinstance(grouped, Profile)
    described = draft.with_credential(grouped, "dba", {"kind": "ssh-password", "username": "postgres"})
    assert isinstance(described, Profile)
    return described


def seen(name: str, trust: str, status: HostStatus, reason: str = "", remedy: str = "") -> tuple[events.Event, ...]:
    key = events.HostKeySeen(host=name, key_type="ssh-ed25519", fingerprint=fingerprint(name), trust=trust)
    return (key, events.HostFinished(host=name, status=status, reason=reason, remedy=remedy))


def new(name: str) -> tuple[events.Event, ...]:
    reason = f"Its host key is not known: ssh-ed25519 {fingerprint(name)}"
    return seen(name, "new", HostStatus.UNTRUSTED, reason, REMEDY)


def known(name: str) -> tuple[events.Event, ...]:
    return seen(name, "trusted", HostStatus.READY)


def changed(name: str) -> tuple[events.Event, ...]:
    remedy = (
        "Find out why the key changed: the server was reinstalled, or somebody intercepts the connection. If the new "
        "key is right, remove the old one on this computer, then approve the new one. This removes it: "
        f"ssh-keygen -R {name} -f /home/operator/.ssh/known_hosts"
    )
    reason = f"Its host key changed: ssh-ed25519 {fingerprint(name)}"
    return seen(name, "changed", HostStatus.UNTRUSTED, reason, remedy)


def unreached(name: str) -> tuple[events.Event, ...]:
    remedy = "Check the address and port, and whether a firewall lets this computer in"
    reason = "Nothing answers at 10.20.0.31 port 22"
    return (events.HostFinished(host=name, status=HostStatus.UNREACHABLE, reason=reason, remedy=remedy),)


def trust(names: Sequence[str], every: int = 4) -> tuple[events.Event, ...]:
    """Every fourth server waits for approval; one key changed, one server was not reached, the others are trusted."""
    told: list[events.Event] = [scenes.began("trust", names), events.PhaseStarted(phase="trust", total=len(names))]
    for number, name in enumerate(names):
        if number == CHANGED:
            told += changed(name)
        elif number == UNREACHED:
            told += unreached(name)
        else:
            told += new(name) if number % every == 2 else known(name)
    return (*told, scenes.ended(told))


def probe(name: str, failed: str = "log-in") -> tuple[events.Event, ...]:
    stages: Mapping[str, str] = {
        "name": "10.20.0.12", "port": "", "identity": "", "log-in": "", "privilege": "root on srv-web-01",
    }  # fmt: skip
    told: list[events.Event] = [scenes.began("probe", (name,))]
    outcome = "passed"
    for number, (stage, detail) in enumerate(stages.items()):
        if stage == failed:
            told.append(
                events.ConnectionStage(
                    host=name,
                    stage=stage,
                    outcome="failed",
                    detail="The log-in as admin was refused. The server offers publickey, and took no key that is here",
                    remedy="Append the public key to ~admin/.ssh/authorized_keys on the server",
                    seconds=0.8,
                )
            )
            outcome = "skipped"
            continue
        shown = detail if outcome == "passed" else ""
        told.append(
            events.ConnectionStage(host=name, stage=stage, outcome=outcome, detail=shown, seconds=0.1 + number / 5)
        )
    return (*told, scenes.ended(told))


def probe_without_key(name: str) -> tuple[events.Event, ...]:
    """The key file cannot be read, so that the server is not contacted."""
    told: list[events.Event] = [
        scenes.began("probe", (name,)),
        events.ConnectionStage(host=name, stage="name", outcome="passed", detail="10.20.0.12"),
        *(events.ConnectionStage(host=name, stage=stage, outcome="skipped") for stage in ("port", "identity")),
        events.ConnectionStage(
            host=name,
            stage="log-in",
            outcome="failed",
            detail="The key file cannot be read. /home/ada/.ssh/onboard: No such file or directory",
            remedy="Correct key_file, or the file's permissions",
        ),
        events.ConnectionStage(host=name, stage="privilege", outcome="skipped"),
    ]
    return (*told, scenes.ended(told))
