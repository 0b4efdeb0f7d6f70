"""Measuring itself, against real sockets on loopback: what is counted, lost, dropped, and when it stops."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from onboard.aws import latency
from onboard.aws.latency import LEAST, MOST, Progress, Proxy, Target, measure, resolve
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import AwsError

pytestmark = pytest.mark.measures


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket, str], None] | None = None) -> Iterator[tuple[int, list[str]]]:
    """A listener that answers in threads; (its port, the first lines it was sent)."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        threads: list[threading.Thread] = []

        def one(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError):
                client.settimeout(5)
                line = client.recv(4096).decode().partition("\r\n")[0] if answer else ""
                seen.append(line)
                if answer:
                    answer(client, line)
                    client.recv(1)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client = server.accept()[0]
                    threads.append(threading.Thread(target=one, args=(client,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server.getsockname()[1], seen
        finally:
            server.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for thread in threads:
                thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def far(*names: str, port: int) -> list[Target]:
    return [Target(name, "127.0.0.1", port) for name in names]


def proxy_by(delays_ms: dict[str, float], said: str = "200 Yes") -> Callable[[socket.socket, str], None]:
    def answer(client: socket.socket, line: str) -> None:
        threading.Event().wait(delays_ms[line.split()[1].partition(":")[0]] / 1000)
        client.sendall(f"HTTP/1.1 {said}\r\nVia: 1.1 of-the-test\r\n\r\n".encode())

    return answer


def test_each_is_sampled_ten_times_besides_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Progress] = []
    monkeypatch.setattr(latency, "undecided", lambda latencies: frozenset())
    with serving() as (port, seen):
        found = measure(far("a", "b", port=port), CancelToken(), told=heard.append)
        deadline = time.monotonic() + 5
        while len(seen) < 2 * (1 + LEAST) and time.monotonic() < deadline:
            time.sleep(0.005)  # who connects goes on before the listener has accepted
    assert {name: (one.samples, one.lost) for name, one in found.latencies.items()} == {"a": (10, 0), "b": (10, 0)}
    assert found.via == "direct"
    assert len(seen) == 2 * (1 + LEAST)
    assert [progress.done for progress in heard] == sorted(progress.done for progress in heard)
    assert heard[-1].done == heard[-1].total == 1 + LEAST


def test_what_cannot_be_told_apart_is_sampled_more_and_then_left() -> None:
    with serving() as (port, _):
        found = measure([*far("a", "b", port=port), *far("gone", port=closed_port())], CancelToken())
    assert found.latencies["a"].samples == found.latencies["b"].samples == MOST
    assert found.latencies["gone"].lost == LEAST


def test_a_closed_port_is_lost_and_says_why() -> None:
    found = measure(far("gone", port=closed_port()), CancelToken()).latencies["gone"]
    assert (found.samples, found.lost, found.error) == (0, LEAST, "Connection refused")
    assert found.median_ms is None


def test_silence_is_lost_after_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "LIMIT", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        clients = [socket.socket() for _ in range(4)]  # fill the queue: from then on the kernel drops what comes
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        found = measure(far("silent", port=port), CancelToken()).latencies["silent"]
        for client in clients:
            client.close()
    assert (found.samples, found.lost) == (0, LEAST)
    assert found.error.startswith("no answer within")


def test_names_are_resolved_before_and_an_unknown_one_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    real = socket.getaddrinfo

    def look_up(host: str, *args: object, **settings: object) -> object:
        asked[host] += 1
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real("127.0.0.1", *args, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with serving() as (port, _):
        targets = [Target("a", "ssm.a.example", port), Target("b", "ssm.b.invalid", port)]
        found = measure(targets, CancelToken()).latencies
    assert asked == {"ssm.a.example": 1, "ssm.b.invalid": 1}
    assert found["a"].samples >= LEAST
    assert found["b"].tried == 0
    assert found["b"].error == "the name ssm.b.invalid is not known here (Name or service not known)"


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    late = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(10) and late)
    began = time.monotonic()
    try:
        assert resolve(["a.example"], CancelToken(), seconds=0.2) == {"a.example": "the name servers do not answer"}
        assert time.monotonic() - began < 2
    finally:
        let_go.set()


def test_rounds_visit_all_in_changing_order(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    start = latency._Race._start
    monkeypatch.setattr(
        latency._Race, "_start", lambda race, subject: (order.append(subject.target.name), start(race, subject))[1]
    )
    monkeypatch.setattr(latency, "undecided", lambda latencies: frozenset())
    names = "abcdef"
    with serving() as (port, _):
        measure(far(*names, port=port), CancelToken())
    rounds = ["".join(order[at : at + 6]) for at in range(0, len(order), 6)]
    assert len(rounds) == 1 + LEAST
    assert all(sorted(one) == list(names) for one in rounds)
    assert len(set(rounds)) > 1


def test_through_a_proxy_the_time_to_its_answer_counts() -> None:
    with serving(proxy_by({"near.example": 10, "far.example": 60})) as (port, seen):
        targets = [Target("far", "far.example"), Target("near", "near.example")]
        found = measure(targets, CancelToken(), proxy=Proxy.of(f"http://user:se%20cret@127.0.0.1:{port}"))
    assert found.via == f"proxy 127.0.0.1:{port} (1.1 of-the-test)"
    assert seen[0].startswith("CONNECT ")
    assert 10 <= (found.latencies["near"].median_ms or 0) < 60 <= (found.latencies["far"].median_ms or 0)


def test_the_way_to_the_proxy_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = latency._Race._ask

    def after_a_long_way(race: latency._Race, connect: latency._Connect) -> None:
        connect.began -= 1  # second
        ask(race, connect)

    monkeypatch.setattr(latency._Race, "_ask", after_a_long_way)
    with serving(proxy_by({"a.example": 0})) as (port, _):
        found = measure([Target("a", "a.example")], CancelToken(), proxy=Proxy.of(f"http://127.0.0.1:{port}"))
    assert (found.latencies["a"].median_ms or 0) < 500


def test_a_proxy_that_refuses_says_why_and_its_password_stands_nowhere() -> None:
    proxy_refuses = proxy_by({"a.example": 0}, "407 Log in first")
    with serving(proxy_refuses) as (port, _):
        proxy = Proxy.of(f"http://user:se%20cret@127.0.0.1:{port}")
        with pytest.raises(AwsError) as caught:
            measure([Target("a", "a.example")], CancelToken(), proxy=proxy)
    assert "407 Log in first" in str(caught.value)
    assert "se cret" not in str(caught.value) + repr(proxy)
    assert proxy.request(Target("a", "a.example")).endswith(b"Proxy-Authorization: Basic dXNlcjpzZSBjcmV0\r\n\r\n")


@pytest.mark.parametrize("url", ["https://proxy:3128", "socks5://proxy:1080", "http://:80"])
def test_other_proxies_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="only proxies reached by http") as caught:
        Proxy.of(url)
    assert "proxy:" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://bob:can/ary@proxy:3128", "http://bob:c[anary@proxy:3128"])
def test_a_malformed_proxys_password_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="its URL or its port is wrong") as caught:
        Proxy.of(url)
    assert caught.value.__cause__ is None


def test_stopping_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = CancelToken()
    opened: list[socket.socket] = []
    new = socket.socket

    def remembered(*args: object) -> socket.socket:
        opened.append(new(*args))  # type: ignore[arg-type]
        return opened[-1]

    monkeypatch.setattr(latency.socket, "socket", remembered)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        began = time.monotonic()
        with pytest.raises(Cancelled):
            measure(
                far("a", "b", port=server.getsockname()[1]),
                cancel,
                told=lambda progress: cancel.stop() if progress.done == 3 else None,
            )
    assert time.monotonic() - began < 1
    assert opened
    assert all(sock.fileno() == -1 for sock in opened)
