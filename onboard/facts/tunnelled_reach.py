"""Endpoints tried through a tunnel of the SSH connection, for servers that have nothing to try with themselves.

The server's SSH daemon opens the connection, so names, routes and firewalls are the server's; the TLS is ours.
Certificates are looked at, not verified: which roots the agent trusts is another question.
"""

import re
import ssl
import time
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from onboard.facts.endpoint_reach import EndpointReach, Outcome, Reached, certificate_of, http_date, outcome_of_words
from onboard.hosts.connection import Connection

LIMIT = 8.0  # seconds for each endpoint
_LONGEST_HEAD = 65536


class Channel(Protocol):
    """The part of a socket that a tunnel has."""

    def settimeout(self, value: float, /) -> Any: ...

    def send(self, data: bytes, /) -> int: ...

    def recv(self, size: int, /) -> bytes: ...

    def close(self) -> Any: ...


class _NoAnswer(Exception):
    """Silence, or the end, after the connection was there."""


def complete(reach: EndpointReach, connection: Connection, proxy: str) -> EndpointReach:
    """`reach` with those that the server could not try tried from here. `proxy`: the profile's, "" for none.

    Raises ConnectionLost and Cancelled, as the connection does.
    """
    if not reach.untried:
        return reach
    return EndpointReach(
        tuple(
            _tried(found, connection, proxy) if found.outcome is Outcome.UNKNOWN else found for found in reach.endpoints
        )
    )


def _tried(untried: Reached, connection: Connection, given: str) -> Reached:
    found = replace(untried, tool="tunnel")
    via = urlsplit(untried.via)
    if given and urlsplit(given).hostname == via.hostname:
        via = urlsplit(given)  # it may have a name and a password, which a server's answer never has
    if via.username or via.scheme not in ("", "http"):
        return replace(found, error=f"{untried.error}; and a tunnel cannot go through this proxy")
    target = urlsplit(untried.url)
    try:
        host, port = target.hostname or "", target.port or (80 if target.scheme == "http" else 443)
        first = (via.hostname, via.port or 80) if via.hostname else (host, port)
    except ValueError:
        return replace(found, outcome=Outcome.FAILED, error=f"no address: {untried.url}")
    deadline = time.monotonic() + LIMIT
    try:
        channel: Any = connection.open_tunnel(first[0], first[1], timeout=LIMIT)
    except PermissionError as error:
        return replace(untried, error=f"{untried.error}; {_text(error)}")
    except TimeoutError as error:
        return replace(found, outcome=Outcome.PROXY_FAILED if via.hostname else Outcome.TIMED_OUT, error=_text(error))
    except OSError as error:
        outcome = Outcome.PROXY_FAILED if via.hostname else outcome_of_words(_text(error))
        return replace(found, outcome=outcome, error=_text(error))
    try:
        stream = _Stream(channel, deadline)
        if via.hostname and target.scheme != "http":
            refused = _through_proxy(stream, host, port)
            if refused:
                return replace(found, outcome=Outcome.PROXY_FAILED, error=refused)
        if target.scheme != "http":
            der = stream.start_tls(host)
            found = replace(found, certificates=(certificate_of(der),))
        path = f"http://{target.netloc}/" if via.hostname and target.scheme == "http" else "/"
        return _asked(stream, target.netloc, path, found)
    except _NoAnswer as error:
        return replace(found, outcome=Outcome.NO_ANSWER, error=str(error))
    except ssl.SSLError as error:
        return replace(found, outcome=Outcome.TLS_FAILED, error=_text(error))
    except OSError as error:
        return replace(found, outcome=Outcome.NO_ANSWER, error=_text(error))
    except ValueError as error:
        return replace(found, outcome=Outcome.FAILED, error=f"its certificate is not understood: {error}")
    finally:
        channel.close()


def _through_proxy(stream: "_Stream", host: str, port: int) -> str:
    """Ask the proxy for the endpoint; "" or why it refused."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    stream.send(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
    first = stream.head().splitlines()[:1]
    if first and re.match(r"HTTP/\S+ 2", first[0]):
        return ""
    return f"the proxy answered: {first[0] if first else 'nothing'}"


def _asked(stream: "_Stream", host: str, path: str, found: Reached) -> Reached:
    stream.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: onboard\r\nConnection: close\r\n\r\n".encode())
    head = stream.head()
    status = re.match(r"HTTP/\S+ ([1-9][0-9]{2})", head)
    if status is None:
        raise _NoAnswer("it did not answer in HTTP")
    dates = re.findall(r"^date:[ \t]*(.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
    # No time of the server's stands beside this date, so it says nothing of the server's clock.
    date = http_date(dates[0]) if dates else None
    return replace(found, outcome=Outcome.REACHED, status=int(status[1]), date=date, at=None, error="")


class _Stream:
    """Bytes over a channel, plain at first, then within TLS. A channel is no socket, so TLS runs beside it."""

    def __init__(self, channel: Channel, deadline: float) -> None:
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
        """An HTTP answer's head; what came of it when the other side ends early."""
        received = b""
        while b"\r\n\r\n" not in received and len(received) < _LONGEST_HEAD:
            more = self._receive()
            if not more:
                break
            received += more
        if not received:
            raise _NoAnswer("it closed the connection without a word")
        return received.decode("latin-1")

    def _receive(self) -> bytes:
        if self._tls is None:
            return self._receive_raw()
        tls = self._tls
        try:
            data = self._pump(lambda: tls.read(4096))
        except (ssl.SSLZeroReturnError, _NoAnswer):
            return b""
        return data if isinstance(data, bytes) else b""

    def _pump(self, step: Any) -> Any:
        """Do one thing of TLS's, and carry its bytes until it is done."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._send_raw(self._outgoing.read())
                data = self._receive_raw()
                if not data:
                    raise _NoAnswer("it closed the connection during TLS") from None
                self._incoming.write(data)
            else:
                self._send_raw(self._outgoing.read())
                return result

    def _send_raw(self, data: bytes) -> None:
        while data:
            self._channel.settimeout(self._left())
            try:
                data = data[self._channel.send(data) :]
            except TimeoutError:
                raise _NoAnswer("silence") from None

    def _receive_raw(self) -> bytes:
        self._channel.settimeout(self._left())
        try:
            return self._channel.recv(16384)
        except TimeoutError:
            raise _NoAnswer("connected, then silence") from None

    def _left(self) -> float:
        return max(0.01, self._deadline - time.monotonic())


def _text(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
