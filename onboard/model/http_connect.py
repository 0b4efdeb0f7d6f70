"""HTTP CONNECT (RFC 9110, section 9.3.6): what is asked of a proxy, and what its answer means."""

import re

from onboard.model.secret import Secret


def authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect_request(host: str, port: int, authorization: Secret | None = None) -> bytes:
    """Ask for a way to `host`:`port`. `authorization` is what the Proxy-Authorization header holds."""
    where = authority(host, port)
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if authorization is not None:
        lines.append(f"Proxy-Authorization: {authorization.reveal()}")
    return "\r\n".join([*lines, "", ""]).encode()


def is_open(head: str) -> bool:
    """Whether the head of the proxy's answer opens the way."""
    return re.match(r"HTTP/\S+ 2", head) is not None


def status_of(head: str) -> str:
    """Status and reason in the head of the proxy's answer, such as 403 Forbidden; "nothing" when it is not HTTP."""
    first = head.partition("\r\n")[0]
    return (first.partition(" ")[2] if first.startswith("HTTP/") else "") or "nothing"
