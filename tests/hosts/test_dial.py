"""TCP connections to a server of several addresses, and what keeps one from being made."""

import errno
import os
import socket
from typing import Any

import pytest

from onboard.hosts import dial as dialling
from onboard.hosts.dial import DIRECT
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable
from onboard.model.profile import Host

NAMED = Host(name="server", address="server.test", port=22)


def with_addresses(monkeypatch: pytest.MonkeyPatch, *targets: tuple[Any, ...]) -> None:
    kinds = [socket.AF_INET6 if ":" in target[0] else socket.AF_INET for target in targets]
    answer = [(kind, socket.SOCK_STREAM, 6, "", target) for kind, target in zip(kinds, targets, strict=True)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)


def test_a_silent_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def silent(sock: socket.socket, target: object, cancel: CancelToken, deadline: float) -> None:
        given.append(deadline)
        clock[0] = deadline
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))

    clock = [100.0]
    with_addresses(monkeypatch, ("192.0.2.1", 22), ("192.0.2.2", 22), ("192.0.2.3", 22))
    monkeypatch.setattr(dialling.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(dialling, "_connect", silent)
    with pytest.raises(HostUnreachable, match="No answer came"):
        DIRECT.dial(NAMED, CancelToken(), 9)
    assert given == pytest.approx([103, 106, 109])


def test_a_second_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as server:
        closed.bind(("127.0.0.1", 0))
        with_addresses(monkeypatch, closed.getsockname(), server.getsockname())
        with DIRECT.dial(NAMED, CancelToken(), 5) as sock:
            assert sock.getpeername() == server.getsockname()


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([errno.EMFILE, errno.EMFILE], os.strerror(errno.EMFILE)),
        ([errno.ECONNREFUSED, errno.EAFNOSUPPORT], "Nothing listens there"),
        ([errno.EAFNOSUPPORT, errno.ECONNREFUSED], "Nothing listens there"),
    ],
)
def test_a_socket_that_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch, codes: list[int], told: str) -> None:
    def none(*_: object) -> socket.socket:
        code = codes.pop(0)
        raise OSError(code, os.strerror(code))

    with_addresses(monkeypatch, ("192.0.2.1", 22), ("2001:db8::1", 22, 0, 0))
    monkeypatch.setattr(socket, "socket", none)
    with pytest.raises(HostUnreachable, match=told):
        DIRECT.dial(NAMED, CancelToken(), 5)
    assert not codes


def test_an_address_of_a_network_that_is_not_here_is_told() -> None:
    host = Host(name="server", address="fe80::1%nosuch", port=22)
    with pytest.raises(HostUnreachable, match="fe80::1%nosuch cannot be resolved"):
        DIRECT.dial(host, CancelToken(), 5)
