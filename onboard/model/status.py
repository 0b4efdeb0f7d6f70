"""How a server ended."""

from enum import StrEnum


class HostStatus(StrEnum):
    """The contract's words for a server's end state (`host_finished.status`)."""

    ONLINE = "online"  # Systems Manager says Online, and the nonce came back through Run Command
    READY = "ready"  # every check passed
    WARNED = "warned"  # may be onboarded; something deserves a look
    BLOCKED = "blocked"  # a prerequisite is missing; nothing was changed
    FAILED = "failed"  # a step, or the proof, failed
    UNREACHABLE = "unreachable"  # no connection, or the log-in was refused
    UNTRUSTED = "untrusted"  # identity unknown, changed or revoked; nothing was sent
    SKIPPED = "skipped"  # not tried: stopped before its turn, or an earlier wave failed

    @property
    def is_well(self) -> bool:
        return self in (HostStatus.ONLINE, HostStatus.READY, HostStatus.WARNED)
