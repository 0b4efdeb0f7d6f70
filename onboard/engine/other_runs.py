"""Refuse to change a server that another process is changing: each would take the other's work for a fault."""

import ipaddress
import queue
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

from onboard.engine.journal import Journal, NotUnderstood
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.changes import CHANGING
from onboard.model.errors import OnboardError
from onboard.model.place import Place
from onboard.model.profile import Host
from onboard.model.words import FEW, Text, and_more
from onboard.resolver import Answer, look_up

LOOK_UP_LIMIT = 5.0  # seconds for all names; what is not known by then counts as another server
_AT_ONCE = 64


def other_run_on(
    hosts: Sequence[Host], journal: Journal, known: KnownHosts, *, own: Collection[str]
) -> OnboardError | None:
    """Why a command may not continue: another process is changing one of `hosts`, under any profile, name and address.

    Two places are one server if they are spelled alike, if their names resolve to the same address, or if the host
    keys that are known for them are the same.

    `own`: the runs that the command itself holds. It must hold them before it asks, so that of two commands that begin
    together at least one sees the other. An undo counts for all servers of its profile.
    """
    for record in journal.runs():
        if record.command not in CHANGING or record.run in own or record.finished:
            continue
        if not journal.is_held(record.run):
            continue
        try:
            shared = list(_shared(hosts, set(record.places().values()), known))
        except NotUnderstood as error:  # it may be changing any server
            return error
        if shared:
            return OnboardError(
                Text("Another process is changing {servers}; nothing was changed here", servers=and_more(shared, FEW)),
                where=f"run {record.run} ({record.command}, begun {record.started[:16].replace('T', ' ')} UTC)",
                why="Two runs on one server would interfere with each other",
                remedy="Wait until that run has ended, or stop it; then try again",
            )
    return None


def _shared(hosts: Sequence[Host], theirs: Collection[Place], known: KnownHosts) -> Iterator[str]:
    """Names of the hosts that are at one of their places."""
    keys = {key for place in theirs for key in known.expect(place).keys}
    addresses = _addresses({place.address for place in (*theirs, *(host.place for host in hosts)) if not place.way})
    resolved = {reached for place in theirs for reached in _resolved(place, addresses)}
    for host in hosts:
        same_address = not resolved.isdisjoint(_resolved(host.place, addresses))
        if host.place in theirs or same_address or not keys.isdisjoint(known.expect(host.place).keys):
            yield host.name


def _resolved(place: Place, addresses: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, int]]:
    """Where a place is by numbers. Behind jump hosts only those can resolve its name."""
    if not place.way:
        yield from ((address, place.port) for address in addresses.get(place.address, ()))


def _addresses(names: Collection[str]) -> dict[str, frozenset[str]]:
    """Name → its addresses, as this computer resolves it now."""
    found: dict[str, frozenset[str]] = {}
    waiting = []
    for name in names:
        try:
            found[name] = frozenset({str(ipaddress.ip_address(name))})
        except ValueError:
            waiting.append(name)
    answers: queue.SimpleQueue[tuple[str, Answer]] = queue.SimpleQueue()
    deadline, asked = time.monotonic() + LOOK_UP_LIMIT, 0
    while waiting or asked:
        while waiting and asked < _AT_ONCE:
            look_up(waiting.pop(), None, lambda name, answer: answers.put((name, answer)))
            asked += 1
        try:
            name, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        asked -= 1
        if isinstance(answer, list):
            found[name] = frozenset(str(one[4][0]) for one in answer)
    return found
