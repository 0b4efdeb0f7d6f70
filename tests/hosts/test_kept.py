"""Connections that are kept for later in the same run, on a real sshd."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from openssh import Account, OpenSsh, account, openssh

from onboard.hosts.connection import Connection
from onboard.hosts.kept import KeptConnections
from onboard.hosts.ssh import connection as ssh_connection
from onboard.model.cancel import CancelToken
from onboard.model.errors import ConnectionLost

SESSION = "ps -o ppid= -p $PPID"  # the id of sshd's process of this connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with openssh(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
def user(server: OpenSsh) -> Iterator[Account]:
    with account(server) as one:
        yield one


def session_of(connection: Connection) -> int:
    return int(connection.run_script(SESSION).stdout)


def test_a_kept_connection_is_used_again_once(server: OpenSsh, user: Account) -> None:
    host = server.host()
    with KeptConnections(server.connector(user.credential())) as connections:
        first = connections.connect(host, CancelToken())
        connections.keep(first)
        assert connections.connect(host, CancelToken()) is first
        assert first.run_script("echo still here").stdout == b"still here\n"
        second = connections.connect(host, CancelToken())
        assert second is not first
        second.close()
        first.close()


def test_a_kept_connection_that_broke_is_replaced(server: OpenSsh, user: Account) -> None:
    host = server.host()
    with KeptConnections(server.connector(user.credential())) as connections:
        broken = connections.connect(host, CancelToken())
        os.kill(session_of(broken), signal.SIGKILL)
        connections.keep(broken)
        fresh = connections.connect(host, CancelToken())
        assert fresh is not broken
        assert fresh.run_script("echo here").stdout == b"here\n"
        fresh.close()


def test_a_kept_connection_that_has_fallen_silent_is_replaced(
    server: OpenSsh, user: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a firewall on the way has forgotten it: nobody says so."""
    monkeypatch.setattr(ssh_connection, "SIGN_OF_LIFE", 0.5)
    host = server.host()
    with KeptConnections(server.connector(user.credential())) as connections:
        silent = connections.connect(host, CancelToken())
        process = session_of(silent)
        os.kill(process, signal.SIGSTOP)
        try:
            connections.keep(silent)
            fresh = connections.connect(host, CancelToken())
            assert fresh is not silent
            assert fresh.run_script("echo here").stdout == b"here\n"
            fresh.close()
        finally:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def test_what_there_is_no_room_for_and_what_is_not_needed_is_closed(server: OpenSsh, user: Account) -> None:
    connector = server.connector(user.credential())
    hosts = [server.host().model_copy(update={"name": name}) for name in ("a", "b", "c")]
    opened = [connector.connect(host, CancelToken()) for host in hosts]
    with KeptConnections(connector, most=2) as connections:
        for connection in opened:
            connections.keep(connection)
        with pytest.raises(ConnectionLost):
            opened[2].run_script("true")
        connections.keep_only({"b", "c"})
        with pytest.raises(ConnectionLost):
            opened[0].run_script("true")
        assert opened[1].run_script("true").exit_code == 0
    with pytest.raises(ConnectionLost):
        opened[1].run_script("true")
