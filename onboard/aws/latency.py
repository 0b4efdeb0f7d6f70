"""How long connecting to endpoints takes: a TCP connect, or HTTP CONNECT through a proxy.

What makes the figures comparable:

* Names are resolved first, so that no sample includes a name server's time.
* The first sample of each target is dropped: it includes looking up routes, neighbours and a proxy's names.
* Targets take turns in rounds, in a different order each time, so that a burst of noise affects all of them.
* Connects start GAP seconds apart. The work that this computer does for one connect (0.1 ms) then rarely overlaps with
  another, and one thread with one selector timestamps each answer as soon as it arrives.
* A connect without an answer within LIMIT is lost. A lost SYN is first retransmitted after one second (RFC 6298,
  section 2.1), so a retransmission is never taken for a slow answer.
* Rounds overlap: the next one does not wait for the farthest target. After LEAST samples of each, only targets that
  could still be the nearest are measured further, up to MOST.
"""

import base64
import contextlib
import errno
import os
import random
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import unquote, urlsplit

from onboard.model.cancel import CancelToken
from onboard.model.errors import AwsError
from onboard.model.http_connect import authority, connect_request, is_open, status_of
from onboard.model.latency import Latency, undecided
from onboard.model.secret import Secret
from onboard.resolver import Answer, look_up, reason

LEAST = 10  # samples of each target
MORE = (5, 5, 10)  # further rounds while it is not certain which target is nearest
MOST = LEAST + sum(MORE)
LIMIT = 1.0  # seconds for one connect
GAP = 0.006  # seconds between two starts
ROUND = 0.05  # seconds that a round takes at least
IN_FLIGHT = 128  # simultaneous connects: fewer than the open files that macOS allows
TICK = 0.02  # seconds between checks of the cancel token
NAMES_LIMIT = 5.0  # seconds for all names together
LONGEST_HEAD = 16384  # bytes of a proxy's answer

_UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS)})
_Address = tuple[int, Any]  # family, what connect() takes


@dataclass(frozen=True, slots=True)
class Target:
    """`name` identifies the result."""

    name: str
    host: str
    port: int = 443


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `authorization`: the value of the Proxy-Authorization header."""

    host: str
    port: int
    authorization: Secret | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> "Proxy":
        """From http://[USER:PASSWORD@]HOST[:PORT]. ValueError for any other URL, without repeating it."""
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            port = parts.port or 80
        except ValueError:
            raise ValueError("its URL or its port is wrong") from None
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("only proxies reached by http:// can be measured through")
        secret = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            secret = Secret("Basic " + base64.b64encode(pair.encode()).decode())
        return cls(parts.hostname, port, secret)

    def __str__(self) -> str:
        return f"proxy {authority(self.host, self.port)}"

    def request(self, target: Target) -> bytes:
        return connect_request(target.host, target.port, self.authorization)


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of at least `total` rounds, and the results so far."""

    done: int
    total: int
    latencies: Mapping[str, Latency]


@dataclass(frozen=True, slots=True)
class Measured:
    """`via`: the way that was measured, direct or through a proxy (with the name that the proxy gives itself)."""

    latencies: Mapping[str, Latency]
    via: str


def measure(
    targets: Sequence[Target],
    cancel: CancelToken,
    *,
    proxy: Proxy | None = None,
    told: Callable[[Progress], None] = lambda _: None,
) -> Measured:
    """Measure all targets. `told` is called after each round; it must be quick, since it runs between samples.

    A target whose name is unknown or that never answers gets a Latency with an error and no figures. Raises AwsError
    when the proxy cannot be reached; Cancelled as soon as the token says stop.
    """
    wanted = [target.host for target in targets] if proxy is None else [proxy.host]
    addresses = resolve(wanted, cancel)
    if proxy is not None and isinstance(address := addresses[proxy.host], str):
        raise _proxy_failed(proxy, address)
    known, unknown = [], {}
    for target in targets:
        found = addresses[target.host if proxy is None else proxy.host]
        if isinstance(found, str):
            unknown[target.name] = Latency(error=f"the name {target.host} is not known here ({found})")
        else:
            port = target.port if proxy is None else proxy.port
            known.append(_Subject(target, (found[0], (found[1][0], port, *found[1][2:]))))
    with contextlib.closing(_Race(known, proxy, cancel)) as race:
        race.told = lambda done: told(Progress(done, max(1 + LEAST, done), {**_latencies(known), **unknown}))
        _decide(race)
        if proxy is not None and race.proxy_error and not any(subject.times for subject in known):
            raise _proxy_failed(proxy, race.proxy_error)
        via = "direct" if proxy is None else f"{proxy} ({race.proxy_name})" if race.proxy_name else str(proxy)
        return Measured({**_latencies(known), **unknown}, via)


def _decide(race: "_Race") -> None:
    """Take samples until it is certain which subject is nearest, or until there are MOST of them."""
    race.run(race.subjects, 1 + LEAST)
    for rounds in MORE:
        near = undecided(_latencies(race.subjects))
        if not near:
            break
        race.run([subject for subject in race.subjects if subject.target.name in near], rounds)


def resolve(hosts: Iterable[str], cancel: CancelToken, seconds: float = NAMES_LIMIT) -> Mapping[str, _Address | str]:
    """Each host's first address, in the order the system prefers, or why there is none. Raises Cancelled."""
    wanted = dict.fromkeys(hosts)
    answers: SimpleQueue[tuple[str, _Address | str]] = SimpleQueue()
    for host in wanted:
        look_up(host, None, lambda name, answer: answers.put((name, _first(answer))))
    found: dict[str, _Address | str] = {}
    deadline = time.monotonic() + seconds
    while len(found) < len(wanted) and time.monotonic() < deadline:
        cancel.check()
        with contextlib.suppress(Empty):
            host, answer = answers.get(timeout=TICK)
            found[host] = answer
    return {host: found.get(host, "the name servers do not answer") for host in wanted}


def _first(answer: Answer) -> _Address | str:
    if not isinstance(answer, list):
        return reason(answer)
    family, _, _, _, address = answer[0]
    return family, address


@dataclass(slots=True, eq=False)
class _Subject:
    """A target being measured. `warm`: its first connect, which does not count, was started."""

    target: Target
    address: _Address
    warm: bool = False
    times: list[float] = field(default_factory=list)  # milliseconds
    lost: int = 0
    error: str = ""


def _latencies(subjects: Iterable[_Subject]) -> dict[str, Latency]:
    return {subject.target.name: Latency.of(subject.times, subject.lost, subject.error) for subject in subjects}


@dataclass(slots=True, eq=False)
class _Connect:
    """One connect in progress. Through a proxy, its time starts with the request, once the proxy is connected."""

    subject: _Subject
    sock: socket.socket
    counts: bool
    began: float
    deadline: float
    request: bytes = b""
    received: bytes = b""
    ended: bool = False


class _Race:
    """Connects to all subjects in turn, in one thread."""

    def __init__(self, subjects: Sequence[_Subject], proxy: Proxy | None, cancel: CancelToken) -> None:
        self.subjects = subjects
        self.told: Callable[[int], None] = lambda _: None
        """Called with the number of rounds started so far."""
        self.proxy_name = ""
        self.proxy_error = ""
        self._rounds = 0
        self._proxy = proxy
        self._cancel = cancel
        self._selector = selectors.DefaultSelector()
        self._under_way: deque[_Connect] = deque()  # ordered by deadline; some may have ended
        self._open = 0  # how many of them have not ended
        self._random = random.Random()  # noqa: S311 - an order, not a secret

    def close(self) -> None:
        """Close the connects in progress."""
        for connect in self._under_way:
            self._hang_up(connect)
        self._under_way.clear()
        self._selector.close()

    def run(self, subjects: Sequence[_Subject], rounds: int) -> None:
        """Take `rounds` samples of each subject, and wait for all of them to end."""
        starts = self._timetable(subjects, rounds)
        while starts or self._under_way:
            self._cancel.check()
            now = time.perf_counter()
            if starts and starts[0][0] <= now and self._open < IN_FLIGHT:
                _, number, subject = starts.popleft()
                self._start(subject)
                if number > self._rounds:
                    self._rounds = number
                    self.told(number)
                continue
            self._wait(starts[0][0] - now if starts else TICK)
            self._give_up()
        self.told(self._rounds)

    def _timetable(self, subjects: Sequence[_Subject], rounds: int) -> deque[tuple[float, int, _Subject]]:
        """(time, number of the round, subject), ordered by time; each start is up to half a gap late."""
        gap = max(GAP, ROUND / max(1, len(subjects)))
        begin = time.perf_counter()
        starts: deque[tuple[float, int, _Subject]] = deque()
        for number in range(self._rounds + 1, self._rounds + 1 + rounds):
            for subject in self._random.sample(subjects, len(subjects)):
                starts.append((begin + len(starts) * gap + self._random.uniform(0, gap / 2), number, subject))
        return starts

    def _start(self, subject: _Subject) -> None:
        family, address = subject.address
        counts, subject.warm = subject.warm, True
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        request = self._proxy.request(subject.target) if self._proxy else b""
        began = time.perf_counter()
        code = sock.connect_ex(address)
        connect = _Connect(subject, sock, counts, began, began + LIMIT, request)
        self._open += 1
        if code not in _UNDER_WAY:
            self._lose(connect, os.strerror(code))
            return
        self._selector.register(sock, selectors.EVENT_WRITE, connect)
        self._under_way.append(connect)

    def _wait(self, seconds: float) -> None:
        """Handle the answers that arrive within `seconds`, or within one TICK if that is shorter."""
        ready = self._selector.select(max(0.0, min(seconds, TICK)))
        now = time.perf_counter()
        for key, mask in ready:
            connect: _Connect = key.data
            if mask & selectors.EVENT_READ:
                self._read(connect, now)
            elif code := connect.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._lose(connect, os.strerror(code))
            elif connect.request:
                self._ask(connect)
            else:
                self._answered(connect, now)

    def _ask(self, connect: _Connect) -> None:
        """The proxy is connected: send the request and start the time."""
        self._selector.modify(connect.sock, selectors.EVENT_READ, connect)
        connect.began = time.perf_counter()
        try:
            connect.sock.send(connect.request)
        except OSError as error:
            self._lose(connect, error.strerror or str(error))

    def _read(self, connect: _Connect, now: float) -> None:
        try:
            more = connect.sock.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(connect, f"the proxy hung up ({error.strerror})")
            return
        connect.received += more
        if more and b"\r\n\r\n" not in connect.received and len(connect.received) < LONGEST_HEAD:
            return
        head = connect.received.decode("latin-1")
        if is_open(head):
            self.proxy_name = self.proxy_name or _name_of_proxy(head)
            self._answered(connect, now)
        else:
            self._lose(connect, f"the proxy answered: {status_of(head)}")

    def _answered(self, connect: _Connect, now: float) -> None:
        if connect.counts:
            connect.subject.times.append((now - connect.began) * 1000)
        self._hang_up(connect)

    def _lose(self, connect: _Connect, error: str) -> None:
        if self._proxy is not None:
            self.proxy_error = error
        if connect.counts:
            connect.subject.lost += 1
        connect.subject.error = error
        self._hang_up(connect)

    def _give_up(self) -> None:
        """Drop the connects that have ended, and count those that took too long as lost."""
        now = time.perf_counter()
        while self._under_way and (self._under_way[0].ended or self._under_way[0].deadline <= now):
            connect = self._under_way.popleft()
            if not connect.ended:
                self._lose(connect, f"no answer within {LIMIT:.0f} second")

    def _hang_up(self, connect: _Connect) -> None:
        if connect.ended:
            return
        connect.ended = True
        self._open -= 1
        with contextlib.suppress(KeyError):  # it was refused at once and never registered
            self._selector.unregister(connect.sock)
        connect.sock.close()


def _name_of_proxy(head: str) -> str:
    """The proxy's own name, from the headers of its answer: Via (RFC 9110, section 7.6.3), else Proxy-Agent."""
    for wanted in ("via", "proxy-agent"):
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            if name.strip().lower() == wanted and value.isprintable():
                return value.strip()[:80]
    return ""


def _proxy_failed(proxy: Proxy, why: str) -> AwsError:
    return AwsError(
        "Regions could not be measured through the proxy",
        where=str(proxy),
        why=why,
        remedy="Correct network.proxy, or set region.measure_through; or measure from a server with --from",
    )
