"""Learning host keys without credentials, and approving them.

Only a key exchange is sent to the server. A key that changed or is revoked is never approved,
not even when a supplied file lists it: the old entry must first be removed by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from onboard.hosts.dial import DIRECT, Dialler
from onboard.hosts.ssh.host_key import ALGORITHMS, KEY_TYPES, HostKey
from onboard.hosts.ssh.known_hosts import KeyVerdict, KnownHosts, Trust
from onboard.hosts.ssh.transport import DEFAULT_LIMITS, Limits, host_key
from onboard.model.cancel import CancelToken
from onboard.model.profile import Host


@dataclass(frozen=True, slots=True)
class SeenKey:
    """A key that a server showed, and what was known about it then."""

    host: Host
    key: HostKey
    verdict: KeyVerdict


def harvest(
    host: Host,
    known: KnownHosts,
    cancel: CancelToken,
    *,
    supplied: KnownHosts | None = None,
    every_type: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    dialler: Dialler = DIRECT,
) -> tuple[SeenKey, ...]:
    """The server's host key: of a type that `known` or `supplied` has for it, else of its best type.

    `every_type` asks for each type in turn, a connection each. Raises HostUnreachable, Cancelled.
    """
    expected = known.expect(host.place)
    listed = expected.key_types + (supplied.expect(host.place).key_types if supplied else ())
    wanted = tuple(dict.fromkeys([name for name in listed if name in ALGORITHMS] + list(KEY_TYPES)))
    asked = [(key_type,) for key_type in wanted] if every_type else [wanted]
    keys = [key for types in asked if (key := host_key(host, types, cancel, limits, dialler)) is not None]
    return tuple(SeenKey(host, key, expected.judge(key)) for key in keys)


def accept_new(seen: Iterable[SeenKey], known: KnownHosts) -> tuple[SeenKey, ...]:
    """Trust every key of a server that nothing was known about; those that were accepted."""
    accepted = tuple(key for key in seen if key.verdict.trust is Trust.NEW)
    known.add((key.host.place, key.key) for key in accepted)
    return accepted


def accept_listed(seen: Iterable[SeenKey], known: KnownHosts, supplied: KnownHosts) -> tuple[SeenKey, ...]:
    """As `accept_new`, but only keys that a supplied known_hosts file lists for their servers."""
    listed = [key for key in seen if supplied.expect(key.host.place).judge(key.key).trust is Trust.TRUSTED]
    return accept_new(listed, known)
