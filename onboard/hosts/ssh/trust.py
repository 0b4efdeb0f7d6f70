"""Learning host keys without credentials, and approving them.

Only a key exchange is sent to the server. A key that changed or is revoked is never approved,
not even when a supplied file lists it: the old entry must first be removed by hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onboard.hosts.dial import DIRECT, Dialler
from onboard.hosts.ssh.host_key import ALGORITHMS, KEY_TYPES, HostKey
from onboard.hosts.ssh.known_hosts import Expectation, KeyVerdict, KnownHosts, Trust
from onboard.hosts.ssh.transport import DEFAULT_LIMITS, Limits, NoSuchKey, host_key
from onboard.model.cancel import CancelToken
from onboard.model.profile import Host


@dataclass(frozen=True, slots=True)
class SeenKey:
    """A key that a server showed, and what was known about it then: by a supplied file too, if that forbids the key."""

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

    `every_type` asks for each type in turn, a connection each. Raises HostUnreachable, also when the server shows no
    key that can be used, and Cancelled.
    """
    expectations = [files.expect(host.place) for files in (known, supplied) if files]
    listed = [key_type for expected in expectations for key_type in expected.key_types]
    wanted = tuple(dict.fromkeys([name for name in listed if name in ALGORITHMS] + list(KEY_TYPES)))
    asked = [(key_type,) for key_type in wanted] if every_type else [wanted]
    keys, missing = list[HostKey](), list[NoSuchKey]()
    for types in asked:
        try:
            keys.append(host_key(host, types, cancel, limits, dialler))
        except NoSuchKey as error:
            missing.append(error)
    if missing and not keys:
        raise missing[-1]
    return tuple(SeenKey(host, key, _judge(key, expectations)) for key in keys)


def _judge(key: HostKey, expectations: Sequence[Expectation]) -> KeyVerdict:
    """What is known about a key. A supplied file only makes it worse: a key that it lists has yet to be accepted."""
    verdict, *supplied = (expected.judge(key) for expected in expectations)
    return next((verdict.worse(other) for other in supplied if other.trust.forbids), verdict)


def accept_new(seen: Iterable[SeenKey], known: KnownHosts) -> tuple[SeenKey, ...]:
    """Trust every key of a server that nothing was known about; those that were accepted."""
    accepted = tuple(key for key in seen if key.verdict.trust is Trust.NEW)
    known.add((key.host.place, key.key) for key in accepted)
    return accepted


def accept_listed(seen: Iterable[SeenKey], known: KnownHosts, supplied: KnownHosts) -> tuple[SeenKey, ...]:
    """As `accept_new`, but only keys that a supplied known_hosts file lists for their servers."""
    listed = [key for key in seen if supplied.expect(key.host.place).judge(key.key).trust is Trust.TRUSTED]
    return accept_new(listed, known)
