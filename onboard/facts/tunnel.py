"""Try endpoints through a tunnel of the SSH connection, for servers that have no tool to try them with.

The server's SSH daemon opens the connection, so names, routes and firewalls are the server's; the TLS is ours.
Certificates are looked at, not verified: which roots the agent trusts is a separate question.
"""

import contextlib
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import endpoint_reach
from onboard.facts.posix.endpoint_reach import (
    EndpointReach,
    Outcome,
    Reached,
    certificate_of,
    http_date,
    outcome_of_words,
)
from onboard.hosts.connection import Capability, Connection, Tunnel
from onboard.model.errors import ConnectionLost
from onboard.model.http_connect import connect_request, is_open

T = TypeVar("T")
TOOL = "tunnel"
LIMIT = 8.0  # seconds for each endpoint
_LONGEST_HEAD = 65536


class _NoAnswer(Exception):
    """Silence, or the end of the stream, after the connection was made."""


class _ProxyRefused(Exception):
    pass


def complete(answers: Facts, connection: Connection) -> Facts:
    """`answers`, with the endpoints that the server could not try tried from here, if the connection has tunnels.

    Raises Cancelled.
    """
    if Capability.TUNNEL not in connection.can:
        return answers
    reach = answers.get(endpoint_reach.FACT)
    if isinstance(reach, Unknown) or not reach.untried:
        return answers
    untried = {found.service: _tried(found, connection) for found in reach.untried}
    endpoints = tuple(untried.get(found.service, found) for found in reach.endpoints)
    return answers.having(endpoint_reach.FACT, EndpointReach(endpoints))


def _tried(untried: Reached, connection: Connection) -> Reached:
    """Servers never report proxy credentials, so a proxy that requires them refuses."""
    found = replace(untried, tool=TOOL)
    target, proxy = urlsplit(untried.url), urlsplit(untried.via)
    if proxy.scheme not in ("", "http"):
        return replace(untried, error=f"{untried.error}; a tunnel cannot go through this kind of proxy")
    failure = Outcome.PROXY_FAILED if proxy.hostname else None
    deadline = time.monotonic() + LIMIT
    try:
        host, port = target.hostname or "", target.port or (80 if target.scheme == "http" else 443)
        first, first_port = (proxy.hostname, proxy.port or 80) if proxy.hostname else (host, port)
    except ValueError:
        return replace(found, outcome=Outcome.FAILED, error=f"not a valid port: {untried.url} {untried.via}")
    try:
        channel = connection.open_tunnel(first, first_port, timeout=LIMIT)
    except (PermissionError, ConnectionLost) as error:
        return replace(untried, error=f"{untried.error}; {_text(error)}")  # nothing was learned
    except TimeoutError as error:
        return replace(found, outcome=failure or Outcome.TIMED_OUT, error=_text(error))
    except OSError as error:
        return replace(found, outcome=failure or outcome_of_words(_text(error)), error=_text(error))
    with contextlib.closing(channel):
        try:
            return _spoken(_Stream(channel, deadline), target, bool(proxy.hostname), found)
        except _NoAnswer as error:
            return replace(found, outcome=Outcome.NO_ANSWER, error=str(error))
        except _ProxyRefused as error:
            return replace(found, outcome=Outcome.PROXY_FAILED, error=str(error))
        except ssl.SSLError as error:
            return replace(found, outcome=Outcome.TLS_FAILED, error=error.reason or "TLS failed")
        except (OSError, EOFError) as error:
            return replace(found, outcome=Outcome.NO_ANSWER, error=_text(error))


def _spoken(stream: "_Stream", target: SplitResult, proxied: bool, found: Reached) -> Reached:
    """Shake hands and ask for the first page."""
    host, secure = target.hostname or "", target.scheme != "http"
    if proxied and secure:
        _through_proxy(stream, host, target.port or 443)
    if secure:
        der = stream.start_tls(host)
        try:
            found = replace(found, certificates=(certificate_of(der),))
        except ValueError as error:
            return replace(found, outcome=Outcome.FAILED, error=f"its certificate cannot be read: {error}")
    return _asked(stream, target.netloc, f"http://{target.netloc}/" if proxied and not secure else "/", found)


def _through_proxy(stream: "_Stream", host: str, port: int) -> None:
    stream.send(connect_request(host, port))
    head = stream.head()
    if not is_open(head):
        first = next(iter(head.splitlines()), "")
        raise _ProxyRefused(f"the proxy answered: {first or 'nothing'}")


def _asked(stream: "_Stream", host: str, path: str, found: Reached) -> Reached:
    stream.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: onboard\r\nConnection: close\r\n\r\n".encode())
    head = stream.head()
    status = re.match(r"HTTP/\S+ ([1-9][0-9]{2})", head)
    if status is None:
        raise _NoAnswer("it did not answer in HTTP")
    dates = re.findall(r"^date:[ \t]*(.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
    # The server's own time was not read with this date, so it says nothing about the server's clock.
    date = http_date(dates[0]) if dates else None
    return replace(found, outcome=Outcome.REACHED, status=int(status[1]), date=date, at=None, error="")


class _Stream:
    """Bytes over a channel, plain at first, then within TLS. A channel is not a socket, so TLS runs on memory BIOs."""

    def __init__(self, channel: Tunnel, deadline: float) -> None:
        self._channel = channel
        self._deadline = deadline
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def start_tls(self, name: str) -> bytes:
        """Shake hands; the peer's certificate as DER."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._pump(self._tls.do_handshake)
        return self._tls.getpeercert(binary_form=True) or b""

    def send(self, data: bytes) -> None:
        if self._tls is None:
            self._send_raw(data)
            return
        tls = self._tls
        self._pump(lambda: tls.write(data))

    def head(self) -> str:
        """An HTTP answer's head, or what arrived of it if the other side ends early."""
        received = b""
        while b"\r\n\r\n" not in received and len(received) < _LONGEST_HEAD:
            more = self._receive()
            if not more:
                break
            received += more
        if not received:
            raise _NoAnswer("it closed the connection without an answer")
        return received.decode("latin-1")

    def _receive(self) -> bytes:
        if self._tls is None:
            return self._receive_raw()
        tls = self._tls
        try:
            return self._pump(lambda: tls.read(4096))
        except ssl.SSLZeroReturnError:
            return b""

    def _pump(self, step: Callable[[], T]) -> T:
        """Run one TLS operation, moving its bytes until it is done."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._send_raw(self._outgoing.read())
                data = self._receive_raw()
                if not data:
                    raise _NoAnswer("connected, then closed the connection") from None
                self._incoming.write(data)
            else:
                self._send_raw(self._outgoing.read())
                return result

    def _send_raw(self, data: bytes) -> None:
        if data:
            self._channel.settimeout(self._left())
            try:
                self._channel.sendall(data)
            except TimeoutError:
                raise _NoAnswer("connected, then silence") from None

    def _receive_raw(self) -> bytes:
        self._channel.settimeout(self._left())
        try:
            return self._channel.recv(16384)
        except TimeoutError:
            raise _NoAnswer("connected, then silence") from None

    def _left(self) -> float:
        return max(0.01, self._deadline - time.monotonic())


def _text(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it closed the connection"
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
