"""Downloads from a server that misbehaves."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from onboard.aws import downloads
from onboard.aws.downloads import Downloads
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import OnboardError

DATA = bytes(range(256)) * 1000
HALF = 16 * downloads.PIECE
TAG = {"ETag": '"one"', "Content-Length": str(len(DATA))}


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Server:
    """Gives its `answers` one after the other, the last again and again, and keeps what it was asked."""

    url: str
    answers: list[Answer]
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server("", [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            state.asked.append(dict(self.headers))
            self.send_response(answer.status)
            for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        state.url = f"http://127.0.0.1:{running.server_port}/file"
        try:
            yield state
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def fetch(waits: list[float]) -> Downloads:
    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    return Downloads(CancelToken(), wait=wait)


def test_a_break_is_taken_up_where_it_was(fetch: Downloads, server: Server, tmp_path: Path) -> None:
    rest = {"Content-Range": f"bytes {HALF}-{len(DATA) - 1}/{len(DATA)}"}
    server.answers = [Answer(200, TAG, DATA[:HALF]), Answer(206, rest, DATA[HALF:])]
    assert fetch.file(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == DATA
    assert (server.asked[1]["Range"], server.asked[1]["If-Range"]) == (f"bytes={HALF}-", '"one"')
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_break_is_taken_up_by_the_next_call(fetch: Downloads, server: Server, tmp_path: Path) -> None:
    server.answers = [Answer(200, TAG, DATA[:HALF]), Answer(503)]
    with pytest.raises(OnboardError, match="503"):
        fetch.file(server.url, tmp_path / "x")
    assert not (tmp_path / "x").exists()
    rest = {"Content-Range": f"bytes {HALF}-{len(DATA) - 1}/{len(DATA)}"}
    server.answers = [Answer(206, rest, DATA[HALF:])]
    assert fetch.file(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == DATA


@pytest.mark.parametrize("tag", [{}, {"ETag": 'W/"weak"'}])
def test_what_the_server_cannot_name_is_begun_again(
    fetch: Downloads, server: Server, tmp_path: Path, tag: dict[str, str]
) -> None:
    server.answers = [Answer(200, {"Content-Length": str(len(DATA)), **tag}, DATA[:HALF]), Answer(200, {}, DATA)]
    assert fetch.file(server.url, tmp_path / "x")
    assert "Range" not in server.asked[1]
    assert (tmp_path / "x").read_bytes() == DATA


def test_a_file_that_changed_meanwhile_is_begun_again(fetch: Downloads, server: Server, tmp_path: Path) -> None:
    server.answers = [Answer(200, TAG, DATA[:HALF]), Answer(200, {"ETag": '"two"'}, b"new")]
    assert fetch.file(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"new"


@pytest.mark.parametrize(
    "wrong", [Answer(416), Answer(206, {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}, DATA)]
)
def test_a_wrong_part_is_thrown_away(fetch: Downloads, server: Server, tmp_path: Path, wrong: Answer) -> None:
    server.answers = [Answer(200, TAG, DATA[:HALF]), wrong, Answer(200, TAG, DATA)]
    assert fetch.file(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == DATA


def test_it_gives_up_after_a_while(fetch: Downloads, server: Server, waits: list[float], tmp_path: Path) -> None:
    server.answers = [Answer(503)]
    with pytest.raises(OnboardError) as caught:
        fetch.file(server.url, tmp_path / "x")
    assert caught.value.where == server.url
    assert waits == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_not_there(fetch: Downloads, server: Server, tmp_path: Path, status: int) -> None:
    server.answers = [Answer(status, {}, b"<Error/>")]
    assert fetch.small(server.url) is None
    assert not fetch.file(server.url, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [302, 400, 401, 407])
def test_other_answers_are_told_at_once(
    fetch: Downloads, server: Server, waits: list[float], tmp_path: Path, status: int
) -> None:
    server.answers = [Answer(status, {"Location": "http://example.com/"})]
    with pytest.raises(OnboardError, match=str(status)):
        fetch.file(server.url, tmp_path / "x")
    assert waits == []


def test_a_small_file_is_small(fetch: Downloads, server: Server) -> None:
    server.answers = [Answer(200, {}, b"x" * 100)]
    assert fetch.small(server.url, limit=100) == b"x" * 100
    with pytest.raises(OnboardError, match="longer than 99"):
        fetch.small(server.url, limit=99)


def test_a_huge_file_is_refused(
    fetch: Downloads, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "LARGEST_FILE", 1000)
    server.answers = [Answer(200, {}, DATA)]
    with pytest.raises(OnboardError, match="larger than"):
        fetch.file(server.url, tmp_path / "x")


def test_the_time_limit(server: Server, tmp_path: Path) -> None:
    times = iter([0.0, 1e9])
    fetch = Downloads(CancelToken(), clock=lambda: next(times, 1e9))
    server.answers = [Answer(200, {}, DATA)]
    with pytest.raises(OnboardError, match="30 minutes"):
        fetch.file(server.url, tmp_path / "x")


def test_a_folder_that_cannot_be_written(fetch: Downloads, server: Server, tmp_path: Path) -> None:
    server.answers = [Answer(200, {}, DATA)]
    (tmp_path / "x.part").mkdir()
    with pytest.raises(OnboardError) as caught:
        fetch.file(server.url, tmp_path / "x")
    assert "space and the permissions" in caught.value.remedy


def test_stopping_while_it_waits(server: Server, tmp_path: Path) -> None:
    cancel = CancelToken()

    def wait(seconds: float) -> bool:
        cancel.stop_now()
        return True

    server.answers = [Answer(503)]
    with pytest.raises(Cancelled):
        Downloads(cancel, wait=wait).file(server.url, tmp_path / "x")
    assert len(server.asked) == 1


def test_nobody_answers(fetch: Downloads, tmp_path: Path) -> None:
    with pytest.raises(OnboardError, match="could not be made"):
        fetch.file("http://127.0.0.1:9/x", tmp_path / "x")


def test_no_password_in_errors(fetch: Downloads, tmp_path: Path) -> None:
    with pytest.raises(OnboardError) as caught:
        fetch.file("http://me:canary-31@127.0.0.1:9/x", tmp_path / "x")
    assert "canary-31" not in str(caught.value)


PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("environment", "no_proxy", "url", "used"),
    [
        ({}, (), "https://mirror.example.com/", True),
        ({}, ("example.com",), "https://mirror.example.com/", False),
        ({}, (".example.com",), "https://mirror.example.com/", False),
        ({}, ("*.example.com",), "https://mirror.example.com/", False),
        ({}, ("::1", "*"), "https://mirror.example.com/", False),
        ({}, ("::1", "."), "https://mirror.example.com/", True),
        ({}, ("ample.com",), "https://mirror.example.com/", True),
        ({"NO_PROXY": "mirror.example.com"}, (), "https://mirror.example.com/", False),
        ({"HTTPS_PROXY": "http://own:1"}, (), "https://mirror.example.com/", False),
    ],
)
def test_this_computers_proxy_goes_before_the_profiles(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], no_proxy: tuple[str, ...], url: str, used: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    asked: list[dict[str, str]] = []
    intercept_requests(monkeypatch, asked.append)
    with pytest.raises(OnboardError):
        Downloads(CancelToken(), PROXY, no_proxy, wait=lambda seconds: False).small(url)
    own = environment.get("HTTPS_PROXY")
    assert asked[0].get("https") == (PROXY if used else own)


def intercept_requests(monkeypatch: pytest.MonkeyPatch, seen: Callable[[dict[str, str]], None]) -> None:
    """Nothing is sent: each request ends in a broken connection, its proxies told to `seen`."""
    import requests

    def send(self: object, request: object, **options: object) -> requests.Response:
        proxies = options["proxies"]
        assert isinstance(proxies, dict)
        seen(dict(proxies))
        raise requests.exceptions.ConnectionError

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
