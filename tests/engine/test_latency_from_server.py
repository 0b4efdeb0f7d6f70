"""Measuring from a server: the script under every shell, directly and through a proxy, and what becomes of refusals."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from posix_shells import SHELLS, shell, tools

from onboard.aws.latency import LEAST, Target
from onboard.engine.latency_from_server import NotMeasured, Way, compose, measure_from, parse
from onboard.hosts.connection import Capability, ScriptResult
from onboard.model.cancel import CancelToken
from onboard.model.latency import Latency
from onboard.model.profile import Host
from onboard.scripts.posix import POSIX


@contextlib.contextmanager
def listening(answer: bytes = b"") -> Iterator[tuple[int, list[str]]]:
    """A port, and the first lines that it was sent; `answer` is its reply to each."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as client:
                        seen.append(client.recv(4096).decode() if answer else "")
                        if answer:
                            client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], seen
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def comes_to(seen: Sequence[str], count: int) -> bool:
    """Whether `seen` grows to `count`: who connects goes on before the listener has accepted."""
    deadline = time.monotonic() + 5
    while len(seen) < count and time.monotonic() < deadline:
        time.sleep(0.005)
    return len(seen) == count


def printed(script: str, shell_name: str = "dash", path: str = os.environ["PATH"]) -> str:
    environment = {"PATH": path, "LC_ALL": "C"}
    done = subprocess.run(shell(shell_name), input=script, capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("shell_name", SHELLS)
def test_the_script_measures_and_drops_the_first(shell_name: str) -> None:
    with listening() as (port, seen):
        targets = [Target("eu-central-1", "127.0.0.1", port), Target("eu-west-1", "no.such.invalid", 443)]
        found = parse(printed(compose(POSIX, targets, Way()), shell_name), targets)
        assert comes_to(seen, 1 + LEAST)
    assert found.via == "direct"
    assert (found.latencies["eu-central-1"].samples, found.latencies["eu-central-1"].lost) == (LEAST, 0)
    assert found.latencies["eu-west-1"].tried == 0
    assert "the server cannot resolve no.such.invalid" in found.latencies["eu-west-1"].error


def test_a_closed_port_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    targets = [Target("a", "127.0.0.1", port)]
    assert parse(printed(compose(POSIX, targets, Way())), targets).latencies["a"] == Latency(
        lost=LEAST, error="Connection refused"
    )


def test_through_the_agents_proxy_connect_is_measured_except_for_what_is_exempt() -> None:
    yes = b"HTTP/1.1 200 Yes\r\nVia: 1.1 of-the-test\r\n\r\n"
    with listening(yes) as (port, seen):
        targets = [Target("a", "ssm.a.example", 443)]
        found = parse(printed(compose(POSIX, targets, Way(f"http://user:it's@127.0.0.1:{port}"))), targets)
        assert found.via == f"proxy 127.0.0.1:{port} (1.1 of-the-test)"
        assert found.latencies["a"].samples == LEAST
        assert comes_to(seen, 1 + LEAST)
        assert seen[0].startswith("CONNECT ssm.a.example:443 HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic dXNlcjppdCdz\r\n" in seen[0]
        for no_proxy in ([".example"], ["::1", "*"]):
            exempt = parse(printed(compose(POSIX, targets, Way(f"http://127.0.0.1:{port}", no_proxy))), targets)
            assert exempt.via == "direct"
            assert exempt.latencies["a"].tried == 0
        assert len(seen) == 1 + LEAST


def test_a_proxy_that_refuses_is_quoted() -> None:
    with listening(b"HTTP/1.1 403 Not you\r\n\r\n") as (port, _):
        targets = [Target("a", "ssm.a.example", 443)]
        found = parse(printed(compose(POSIX, targets, Way(f"http://127.0.0.1:{port}"))), targets).latencies["a"]
    assert (found.samples, found.lost, found.error) == (0, LEAST, "the proxy answered: 403 Not you")


FAR = 0.05


class Server:
    """A connection to a server without Python. Its tunnels take FAR seconds, and fail with `error` if any."""

    host = Host(name="web1")
    can: frozenset[Capability] = frozenset(Capability)

    def __init__(self, error: OSError | None) -> None:
        self._error = error
        self.opened: list[tuple[str, int]] = []

    def run_script(self, script: str, **_: object) -> ScriptResult:
        return ScriptResult(0, b"python no\n", b"")

    def open_tunnel(self, address: str, port: int, *, timeout: float) -> socket.socket:
        self.opened.append((address, port))
        threading.Event().wait(FAR)
        if port == 1:
            raise self._error or ConnectionRefusedError("refused")
        return socket.create_connection((address, port), timeout)


def test_without_python_the_script_says_so(tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", "python")
    assert printed(compose(POSIX, [Target("a", "127.0.0.1", 1)], Way()), path=path) == "python no\n"


def through(server: Server, targets: Sequence[Target], told: list[int]) -> dict[str, Latency]:
    hear = lambda done, total, latencies: told.append(done)  # noqa: E731
    return dict(measure_from(server, targets, Way(), CancelToken(), hear).latencies)  # type: ignore[arg-type]


def test_tunnels_are_sampled_as_often_and_the_way_to_the_server_too() -> None:
    server = Server(None)
    told: list[int] = []
    with listening() as (port, seen):
        found = through(server, [Target("a", "127.0.0.1", port)], told)
        assert comes_to(seen, 1 + LEAST)
    assert found["a"].samples == LEAST
    assert server.opened.count(("127.0.0.1", 1)) == 1 + LEAST
    assert told[-1] == LEAST
    assert 0 <= (found["a"].median_ms or 0) < FAR * 1000 / 2  # the way to the server is not in it


def test_a_server_that_allows_no_tunnels_cannot_measure() -> None:
    with pytest.raises(NotMeasured, match="does not allow tunnels"):
        through(Server(PermissionError("prohibited")), [Target("a", "127.0.0.1", 1)], [])


def test_a_connection_without_tunnels_is_not_asked_for_one() -> None:
    server = Server(None)
    server.can = frozenset()
    with pytest.raises(NotMeasured, match="this kind of connection has no tunnels"):
        through(server, [Target("a", "127.0.0.1", 1)], [])
    assert server.opened == []


def test_words_that_are_no_figures_are_noise() -> None:
    said = "motd\nsample a 1.5\nsample b 2\nsample a soon\nlost a why\nvia direct\nfinished\n"
    found = parse(said, [Target("a", "a.example")])
    assert found.latencies == {"a": Latency.of([1.5], 1, "why")}


def test_the_script_runs_on_this_python_without_a_word_of_warning() -> None:
    script = compose(POSIX, [Target("a", "127.0.0.1", 1)], Way())
    program = script.partition("-c '\n")[2].rpartition("\n'")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"ONBOARD_TARGETS": "a 127.0.0.1 1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("via direct\nfinished\n")
