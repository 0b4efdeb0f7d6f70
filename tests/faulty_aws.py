"""A practice cloud behind a line that fails: requests of the operator are answered as a fault says, all others pass.

with faulty(cloud) as line:
    monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
    line.next("CreateActivation", Fault.LOST)
"""

import http.client
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

OPERATOR = "AKIAPRACTICE"  # how the operator's access key begins; agents sign with others


class Fault(StrEnum):
    LOST = "lost"  # carried out, and the connection ends without an answer
    RESET = "reset"  # not carried out, and the connection is reset
    LOST_500 = "500"  # the statuses: carried out, and something in between answers with the status
    LOST_502 = "502"
    LOST_503 = "503"
    HTML = "html"  # a proxy's page with status 200, as the next four: not carried out
    EMPTY = "empty"
    BRACES = "{}"
    LIST = "[]"
    NULL = "null"
    BYTES = "bytes"
    THROTTLED = "throttled"
    EXPIRED = "expired"
    SILENT = "silent"  # carried out, and answered SILENCE after it came
    HELD = "held"  # not carried out, and no answer while the operator waits for one
    HELD_ANSWER = "held answer"  # carried out, and no answer


SILENCE = 12.0  # seconds
CARRIED_OUT = frozenset({Fault.LOST, Fault.LOST_500, Fault.LOST_502, Fault.LOST_503, Fault.SILENT, Fault.HELD_ANSWER})
Call = tuple[str, int]  # an operation, and which of its calls, counted from 0
_BODIES = {
    Fault.HTML: b"<!doctype html>\n<html><body>Please log in</body></html>",
    Fault.EMPTY: b"",
    Fault.BRACES: b"{}",
    Fault.LIST: b"[]",
    Fault.NULL: b"null",
    Fault.BYTES: b"\x00\xff\xfe\x1b]0;title\x07",
}
_REFUSALS = {
    Fault.THROTTLED: (b'{"__type": "ThrottlingException", "message": "Rate exceeded"}', "Throttling"),
    Fault.EXPIRED: (b'{"__type": "ExpiredTokenException", "message": "The security token is expired"}', "ExpiredToken"),
}
_XML = "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>refused</Message></Error></ErrorResponse>"


class Line:
    """A fault is used once, unless `always` holds it.

    seen      the operator's calls in order
    held      set once a call is held
    given_up  calls whose answers the operator did not wait for until their silence ended
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.url = ""
        self.seen: list[str] = []
        self.held = threading.Event()
        self.given_up: list[str] = []
        self.always: dict[str, Fault] = {}
        self._next: dict[str, list[Fault]] = {}
        self._at: dict[Call, Fault] = {}
        self._lock = threading.Lock()

    def next(self, operation: str, *faults: Fault) -> None:
        """What the next calls of an operation get."""
        self._next.setdefault(operation, []).extend(faults)

    def at(self, operation: str, number: int, fault: Fault) -> None:
        """What the call of an operation with this number gets, counted from 0."""
        self._at[operation, number] = fault

    def calls(self) -> list[Call]:
        """The operator's calls so far, for `at` in a line of another run."""
        count = Counter[str]()
        found: list[Call] = []
        for operation in self.seen:
            found.append((operation, count[operation]))
            count[operation] += 1
        return found

    def take(self, operation: str) -> Fault | None:
        with self._lock:
            number = self.seen.count(operation)
            self.seen.append(operation)
            if (operation, number) in self._at:
                return self._at.pop((operation, number))
            if self._next.get(operation):
                return self._next[operation].pop(0)
        return self.always.get(operation) or self.always.get("*")


@contextmanager
def faulty(target: str) -> Iterator[Line]:
    """A line to the cloud at this URL."""
    line = Line(target)

    class Handler(_Handler):
        pass

    Handler.line = line
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        line.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield line
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    line: Line
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = _operation(self.headers.get("X-Amz-Target", ""), body, self.path)
        came = time.monotonic()
        fault = self.line.take(operation) if OPERATOR in self.headers.get("Authorization", "") else None
        answer = None
        if fault is None or fault in CARRIED_OUT:
            answer = self._forward(body)
        if fault in (Fault.HELD, Fault.HELD_ANSWER):
            self.line.held.set()
            self._hangs_up_within(None)
        elif fault is Fault.SILENT and self._hangs_up_within(came + SILENCE - time.monotonic()):
            self.line.given_up.append(operation)
        elif fault in (None, Fault.SILENT):
            assert answer is not None
            self._answer(*answer)
        elif fault in (Fault.LOST, Fault.RESET):
            self._break(reset=fault is Fault.RESET)
        elif fault in _BODIES:
            self._answer(200, [("Content-Type", "text/html")], _BODIES[fault])
        elif fault in _REFUSALS:
            refusal, code = _REFUSALS[fault]
            xml = not self.headers.get("X-Amz-Target")
            self._answer(400, [], _XML.format(code=code).encode() if xml else refusal)
        else:
            self._answer(int(fault), [("Content-Type", "text/html")], b"<html><body>Bad Gateway</body></html>")

    do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815 - names of BaseHTTPRequestHandler

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        host, port = self.line.target.hostname or "", self.line.target.port
        connection = http.client.HTTPConnection(host, port, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")  # so that no thread is left waiting for another request
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hangs_up_within(self, seconds: float | None) -> bool:
        """Wait for that. The other side sends nothing else before it is answered."""
        return bool(select.select([self.connection], [], [], seconds and max(0.0, seconds))[0])

    def _break(self, *, reset: bool) -> None:
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
        self.connection.close()

    def handle(self) -> None:
        with suppress(ConnectionError):  # the operator was killed, or did not wait for the answer
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        pass


def _operation(target: str, body: bytes, path: str) -> str:
    """Its name, from the header of the JSON protocol, the body of the query protocol, or the path of REST."""
    last = path.partition("?")[0].rpartition("/")[2]
    return target.partition(".")[2] or parse_qs(body.decode("latin-1")).get("Action", [last[:1].upper() + last[1:]])[0]
