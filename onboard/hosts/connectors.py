"""Which connector reaches a server: one for each protocol that a profile knows, made when the first server needs it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from onboard.hosts.connection import Connection, Connector
from onboard.hosts.credentials import Secrets
from onboard.hosts.dial import DIRECT, Dialler
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable
from onboard.model.profile import Credential, Host, Protocol
from onboard.model.words import Text


@dataclass(frozen=True, slots=True)
class Means:
    """What the connectors of a run are made with. All of them share it."""

    credentials: Mapping[str, Credential]
    secrets: Secrets
    known_hosts: KnownHosts
    lockout: Lockout
    memory: LogInMemory = field(default_factory=LogInMemory)
    dialler: Dialler = DIRECT


def _ssh(means: Means) -> Connector:
    from onboard.hosts.ssh.connector import SshConnector  # brings paramiko, which many commands do without

    return SshConnector(
        means.credentials,
        secrets=means.secrets,
        known_hosts=means.known_hosts,
        lockout=means.lockout,
        memory=means.memory,
        dialler=means.dialler,
    )


CONNECTORS: Mapping[Protocol, Callable[[Means], Connector]] = {Protocol.SSH: _ssh}


class Connectors:
    """The Connector for all of a profile's servers: each goes to the connector of its protocol."""

    def __init__(self, means: Means, table: Mapping[Protocol, Callable[[Means], Connector]] = CONNECTORS) -> None:
        self._means = means
        self._table = table
        self._made: dict[Protocol, Connector] = {}
        self._lock = threading.Lock()

    def connect(self, host: Host, cancel: CancelToken) -> Connection:
        """As Connector.connect; HostUnreachable too where nothing speaks the server's protocol."""
        return self._connector(host).connect(host, cancel)

    def _connector(self, host: Host) -> Connector:
        with self._lock:
            if host.protocol not in self._made:
                make = self._table.get(host.protocol)
                if make is None:
                    raise HostUnreachable(
                        "The server was not tried",
                        where=host.name,
                        why=Text("Servers with protocol {protocol} are not supported", protocol=host.protocol),
                        remedy=Text("Set its protocol to {protocols}", protocols=" or ".join(self._table)),
                    )
                self._made[host.protocol] = make(self._means)
            return self._made[host.protocol]
