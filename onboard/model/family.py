"""What kind of system a server has: which scripts run there, and so which questions, checks and steps are for it."""

from enum import StrEnum

from onboard.model.profile import Host, Protocol


class Family(StrEnum):
    POSIX = "posix"
    WINDOWS = "windows"


ONLY_POSIX = frozenset({Family.POSIX})
EVERY_FAMILY = frozenset(Family)

_BY_PROTOCOL = {Protocol.SSH: Family.POSIX, Protocol.WINRM: Family.WINDOWS, Protocol.WINRM_HTTP: Family.WINDOWS}


def family_of(host: Host) -> Family:
    """A server's family, by the protocol that it is reached with."""
    return _BY_PROTOCOL[host.protocol]
