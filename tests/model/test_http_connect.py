"""What is asked of a proxy, and what its answer means."""

import pytest

from onboard.model.http_connect import authority, connect_request, is_open, status_of
from onboard.model.secret import Secret


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert authority("ssm.example", 443) == "ssm.example:443"
    assert authority("2001:db8::1", 443) == "[2001:db8::1]:443"


def test_a_request() -> None:
    assert connect_request("::1", 443) == b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"
    with_name = connect_request("a.example", 443, Secret("Basic eA=="))
    assert with_name.endswith(b"\r\nProxy-Authorization: Basic eA==\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "opens", "status"),
    [
        ("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", True, "200 Connection established"),
        ("HTTP/1.0 204\r\n\r\n", True, "204"),
        ("HTTP/1.1 403 Not you\r\n\r\n", False, "403 Not you"),
        ("HTTP/1.1\r\n\r\n", False, "nothing"),
        ("SSH-2.0-OpenSSH_9.2\r\n", False, "nothing"),
        ("", False, "nothing"),
    ],
)
def test_an_answer(head: str, opens: bool, status: str) -> None:
    assert (is_open(head), status_of(head)) == (opens, status)
