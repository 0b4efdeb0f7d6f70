import socket
import ssl
from dataclasses import dataclass
from typing import Any, cast

import pytest
from endpoints import certificate, closed_port, hanging_up, over_tls, plain, proxy, serving, silent

from onboard.facts import tunnel
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import endpoint_reach
from onboard.facts.posix.endpoint_reach import EndpointReach, Outcome, Reached
from onboard.hosts.connection import Capability, Connection
from onboard.model.errors import ConnectionLost

WHY = "neither curl nor python3 or openssl is here to try with"


@dataclass
class FromHere:
    """A connection whose tunnels begin on this machine, or fail in one way."""

    failure: Exception | None = None
    opened: int = 0
    can: frozenset[Capability] = frozenset(Capability)

    def open_tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> socket.socket:
        self.opened += 1
        if self.failure is not None:
            raise self.failure
        return socket.create_connection((address, port), timeout)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certificate(tmp_path_factory.mktemp("ca"), "Gate Keepers", "Gate CA 7")


def tried(url: str, via: str = "", failure: Exception | None = None) -> Reached:
    untried = Reached("ssm", url, Outcome.UNKNOWN, via=via, tool="none", error=WHY)
    answers = Facts({endpoint_reach.FACT.name: EndpointReach((untried,))})
    reach = tunnel.complete(answers, cast("Connection", FromHere(failure))).get(endpoint_reach.FACT)
    assert isinstance(reach, EndpointReach)
    return reach.endpoints[0]


def test_tls_through_a_tunnel_names_its_issuer(context: ssl.SSLContext) -> None:
    with serving(over_tls(context)) as port:
        found = tried(f"https://localhost:{port}")
    assert (found.outcome, found.status, found.tool, found.error) == (Outcome.REACHED, 404, "tunnel", "")
    assert "Gate CA 7" in found.certificates[0].issuer
    assert found.date == 1795499009.0
    assert found.at is None  # the server's clock was not read at that moment


def test_plain_http_and_a_proxy(context: ssl.SSLContext) -> None:
    seen: list[str] = []
    with serving(plain) as port, serving(over_tls(context)) as secure, serving(proxy(seen)) as proxy_port:
        via = f"http://127.0.0.1:{proxy_port}"
        assert tried(f"http://127.0.0.1:{port}").outcome is Outcome.REACHED
        assert tried(f"http://127.0.0.1:{port}", via).outcome is Outcome.REACHED
        found = tried(f"https://localhost:{secure}", via)
    assert (found.outcome, found.via) == (Outcome.REACHED, via)
    assert [head.split("\r\n")[0] for head in seen] == [
        f"GET http://127.0.0.1:{port}/ HTTP/1.1",
        f"CONNECT localhost:{secure} HTTP/1.1",
    ]


def test_failures_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "LIMIT", 1.0)
    with serving(silent) as mute, serving(hanging_up) as rude, serving(proxy([], refuse=True)) as refusing:
        assert tried(f"https://127.0.0.1:{mute}").outcome is Outcome.NO_ANSWER
        assert tried(f"http://127.0.0.1:{mute}").outcome is Outcome.NO_ANSWER
        assert tried(f"https://127.0.0.1:{rude}").outcome is Outcome.NO_ANSWER
        assert tried(f"https://127.0.0.1:{closed_port()}").outcome is Outcome.REFUSED
        found = tried("https://localhost:9", f"http://127.0.0.1:{refusing}")
    assert (found.outcome, found.error) == (Outcome.PROXY_FAILED, "the proxy answered: HTTP/1.1 403 Forbidden")
    assert tried("https://x", f"http://127.0.0.1:{closed_port()}").outcome is Outcome.PROXY_FAILED
    assert tried("https://x", failure=TimeoutError("no answer within 8 seconds")).outcome is Outcome.TIMED_OUT
    assert (
        tried("https://x", failure=ConnectionRefusedError("from the server: Connect failed")).outcome is Outcome.FAILED
    )


def not_tls(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    connection.recv(1000)


def test_what_speaks_no_tls_fails_in_tls() -> None:
    with serving(not_tls) as port:
        assert tried(f"https://127.0.0.1:{port}").outcome is Outcome.TLS_FAILED


@pytest.mark.parametrize(
    ("via", "failure"),
    [
        ("", PermissionError("the server does not allow tunnels")),
        ("", ConnectionLost("gone")),
        ("socks5://127.0.0.1:1080", None),
    ],
)
def test_where_no_tunnel_can_be_had_it_stays_unknown(via: str, failure: Exception | None) -> None:
    found = tried("https://localhost:9", via, failure)
    assert (found.outcome, found.tool) == (Outcome.UNKNOWN, "none")
    assert found.error.startswith(WHY + "; ")


def test_a_connection_without_tunnels_is_not_asked_for_one() -> None:
    untried = Reached("ssm", "https://127.0.0.1", Outcome.UNKNOWN, tool="none", error=WHY)
    answers = Facts({endpoint_reach.FACT.name: EndpointReach((untried,))})
    connection = FromHere(can=frozenset())
    assert tunnel.complete(answers, cast("Connection", connection)) is answers
    assert connection.opened == 0


@pytest.mark.parametrize(
    "known",
    [
        {},
        {endpoint_reach.FACT.name: Unknown("late")},
        {endpoint_reach.FACT.name: EndpointReach((Reached("ssm", "https://x", Outcome.REFUSED),))},
    ],
)
def test_no_tunnel_is_opened_for_what_the_server_could_tell(known: dict[str, Any]) -> None:
    connection, answers = FromHere(), Facts(known)
    assert tunnel.complete(answers, cast("Connection", connection)) is answers
    assert connection.opened == 0
