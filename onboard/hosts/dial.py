"""TCP connections with a time limit that the user can cancel."""

import errno
import ipaddress
import os
import queue
import selectors
import socket
import time
from collections.abc import Mapping
from typing import Any, Protocol

from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable
from onboard.model.profile import Host
from onboard.model.words import Text, joined
from onboard.resolver import Answer, look_up, reason

TICK = 0.1  # seconds after which waiting code looks at the cancel token


class Dialler(Protocol):
    """A way to reach servers by TCP. Both methods take at most `seconds`, and raise HostUnreachable, Cancelled."""

    def address_of(self, host: Host, cancel: CancelToken, seconds: float) -> str:
        """Return the server's IP address, or "" if something else resolves its name, such as a jump host."""
        ...

    def dial(self, host: Host, cancel: CancelToken, seconds: float) -> socket.socket:
        """Open a TCP connection to the server."""
        ...


class _Direct:
    """Resolves names on this computer and connects from it."""

    def address_of(self, host: Host, cancel: CancelToken, seconds: float) -> str:
        return str(_resolve(host, cancel, time.monotonic() + seconds)[0][4][0])

    def dial(self, host: Host, cancel: CancelToken, seconds: float) -> socket.socket:
        """Connect to the first of the server's addresses that answers."""
        if host.place.way:
            raise HostUnreachable(
                "The server was not tried", where=host.name, why="Jump hosts are not supported", remedy="Remove jump"
            )
        return _first_to_answer(host, cancel, time.monotonic() + seconds)


DIRECT: Dialler = _Direct()


def _first_to_answer(host: Host, cancel: CancelToken, deadline: float) -> socket.socket:
    failure: OSError | None = None
    addresses = _resolve(host, cancel, deadline)
    for tried, (family, kind, protocol, _, target) in enumerate(addresses):
        now = time.monotonic()
        share = (deadline - now) / (len(addresses) - tried)  # one that is silent leaves time for the next
        try:
            sock = socket.socket(family, kind, protocol)
            try:
                _connect(sock, target, cancel, now + share)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            if failure is None or error.errno != errno.EAFNOSUPPORT:  # no IPv6 here: the other says more
                failure = error
        else:
            return sock
    raise _unreachable(host, failure)


def _connect(sock: socket.socket, target: Any, cancel: CancelToken, deadline: float) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(target)
    if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)):
        raise OSError(code, os.strerror(code))
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while not selector.select(TICK):
            cancel.check_now()
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _resolve(host: Host, cancel: CancelToken, deadline: float) -> list[tuple[Any, ...]]:
    """getaddrinfo's answer, by `deadline` of time.monotonic(). Raises HostUnreachable, Cancelled on stop_now()."""
    address, port = host.place.address, host.place.port
    if _is_numeric(address):
        try:
            return list(socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
        except OSError as error:  # such as fe80::1%eth7 where there is no eth7
            raise _unresolved(host, error) from None
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    thread = look_up(address, port, lambda _, answer: answers.put(answer))
    while True:
        try:
            answer = answers.get(timeout=TICK)
            break
        except queue.Empty:
            cancel.check_now()
            if time.monotonic() >= deadline:
                answer = TimeoutError(errno.ETIMEDOUT, "the name servers do not answer")
                break
    if isinstance(answer, list):
        thread.join()
        return answer
    raise _unresolved(host, answer)


def _is_numeric(address: str) -> bool:
    try:
        ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return True


def _unresolved(host: Host, error: OSError | UnicodeError) -> HostUnreachable:
    return HostUnreachable(
        "The server's name cannot be resolved",
        where=host.name,
        why=Text("{address} cannot be resolved ({reason})", address=host.place.address, reason=reason(error)),
        remedy="Correct the name, or give the server an address",
    )


_CONNECT_SAYS: Mapping[int, tuple[str, str]] = {
    errno.ECONNREFUSED: (
        "Nothing listens there, or a firewall refuses the connection",
        "Start sshd, correct the port, or open the firewall",
    ),
    errno.ETIMEDOUT: ("No answer came", "Check that the server is up and that no firewall drops the connection"),
    errno.EHOSTUNREACH: ("There is no route to it", "Check the address, the route and the VPN"),
    errno.ENETUNREACH: ("There is no route to its network", "Check the address, the route and the VPN"),
}


def _unreachable(host: Host, error: OSError | None) -> HostUnreachable:
    code = error.errno if error is not None and error.errno is not None else 0
    why, remedy = _CONNECT_SAYS.get(
        code, (error.strerror or str(error) if error is not None else "It has no address", "Check the address and port")
    )
    return HostUnreachable(
        "The server cannot be reached", where=host.name, why=joined(str(host.place), why), remedy=remedy
    )
