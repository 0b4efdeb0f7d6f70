"""Connections that the survey leaves open for the rollout of the same run, so that a server is logged in to once."""

import threading
from collections.abc import Collection
from typing import Self

from onboard.files import allow_open_files
from onboard.hosts.connection import Connection, Connector
from onboard.model.cancel import CancelToken
from onboard.model.profile import Host

MOST = 1000  # each costs a thread and about 0.1 MB
OTHER_FILES = 200  # open files that everything else may need


class KeptConnections:
    """A Connector that hands out kept connections first. Use it in a `with` block, which closes what is left."""

    def __init__(self, connector: Connector, most: int = MOST) -> None:
        self._connector = connector
        self._most = min(most, allow_open_files(most + OTHER_FILES) - OTHER_FILES)
        self._kept: dict[str, Connection] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.keep_only(())

    def keep(self, connection: Connection) -> None:
        """Keep an open connection, or close it where there is no room for another one."""
        with self._lock:
            if len(self._kept) < self._most:
                self._kept[connection.host.name] = connection
                return
        connection.close()

    def keep_only(self, names: Collection[str]) -> None:
        """Close the kept connections to all other servers."""
        with self._lock:
            others = [self._kept.pop(name) for name in self._kept.keys() - set(names)]
        for connection in others:
            connection.close()

    def connect(self, host: Host, cancel: CancelToken) -> Connection:
        """As Connector.connect. A kept connection is asked for a sign of life first."""
        cancel.check()
        with self._lock:
            kept = self._kept.pop(host.name, None)
        if kept is not None:
            if kept.answers():
                return kept
            kept.close()
        return self._connector.connect(host, cancel)
