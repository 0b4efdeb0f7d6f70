"""Endpoints that a server has nothing to try with, tried by this computer through a channel from that server.

The channel (SSH direct-tcpip) begins on the server, so what it reaches is what the server reaches. TLS is spoken
here, unverified: the certificate is evidence to judge, and nothing is sent over it.
"""

import contextlib
import ssl
from dataclasses import replace
from urllib.parse import urlsplit

from onboard.facts import endpoint_reach
from onboard.facts.base import Facts, Unknown
from onboard.facts.endpoint_reach import EndpointReach, Outcome, Reached, certificate_of
from onboard.hosts.connection import Connection, Tunnel
from onboard.model.errors import ConnectionLost

SECONDS = 8.0
TOOL = "tunnel"


def complete(answers: Facts, connection: Connection) -> Facts:
    """`answers`, with what could only be learned through a tunnel."""
    reach = answers.get(endpoint_reach.FACT)
    if isinstance(reach, Unknown) or not reach.untried:
        return answers
    tried = {endpoint.service: _try(endpoint, connection) for endpoint in reach.untried}
    endpoints = tuple(tried.get(endpoint.service, endpoint) for endpoint in reach.endpoints)
    return answers.having(endpoint_reach.FACT, EndpointReach(endpoints))


def _try(endpoint: Reached, connection: Connection) -> Reached:
    target, proxy = urlsplit(endpoint.url), urlsplit(endpoint.via) if endpoint.via else None
    port = target.port or (443 if target.scheme == "https" else 80)
    first, first_port = (proxy.hostname, proxy.port or 8080) if proxy else (target.hostname, port)
    if not first or not target.hostname:
        return endpoint
    try:
        stream = connection.open_tunnel(first, first_port, timeout=SECONDS)
    except (OSError, ConnectionLost) as error:
        # Refused by policy (AllowTcpForwarding) and refused by the endpoint look alike: nothing was learned.
        return replace(endpoint, tool=TOOL, error=str(error))
    with contextlib.closing(stream):
        try:
            stream.settimeout(SECONDS)
            if proxy and not _connect(stream, target.hostname, port):
                return replace(endpoint, tool=TOOL, outcome=Outcome.PROXY_FAILED, error="the proxy refused CONNECT")
            if target.scheme != "https":
                return replace(endpoint, tool=TOOL, outcome=Outcome.REACHED)
            certificate = certificate_of(_handshake(stream, target.hostname))
            return replace(endpoint, tool=TOOL, outcome=Outcome.REACHED, certificates=(certificate,))
        except ssl.SSLError as error:
            return replace(endpoint, tool=TOOL, outcome=Outcome.TLS_FAILED, error=error.reason or "TLS failed")
        except (OSError, EOFError, ValueError) as error:
            return replace(endpoint, tool=TOOL, outcome=Outcome.NO_ANSWER, error=str(error))


def _connect(stream: Tunnel, address: str, port: int) -> bool:
    """HTTP CONNECT (RFC 9110, section 9.3.6)."""
    stream.sendall(f"CONNECT {address}:{port} HTTP/1.1\r\nHost: {address}:{port}\r\n\r\n".encode("ascii"))
    said = b""
    while b"\r\n\r\n" not in said and len(said) < 65536:
        data = stream.recv(4096)
        if not data:
            return False
        said += data
    words = said.split(None, 2)
    return len(words) > 1 and words[1].startswith(b"2")


def _handshake(stream: Tunnel, name: str) -> bytes:
    """The endpoint's certificate, DER. ssl.SSLError, OSError, EOFError when the handshake fails."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # judged by its issuer, not trusted
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, to_send, server_hostname=name)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            stream.sendall(to_send.read())
            data = stream.recv(16384)
            if not data:
                raise EOFError("the endpoint closed the connection") from None
            received.write(data)
    return tls.getpeercert(binary_form=True) or b""
