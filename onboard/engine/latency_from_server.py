"""The measurement of `onboard.aws.latency`, made from a server: with its Python, else through SSH tunnels.

With Python it takes one round trip, and the server measures the times itself. Through a tunnel, the time from
requesting a channel until it is open is the round trip to the server plus the connect from there. The round trip is
measured in the same rounds, with channels to a port on the server that nothing listens on, and its median is
subtracted. Names are then resolved here, so that no sample includes the server's name servers.
"""

import contextlib
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

from onboard.aws.latency import LEAST, LIMIT, Measured, Proxy, Target, resolve
from onboard.hosts.connection import Capability, Connection
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostError
from onboard.model.family import family_of
from onboard.model.http_connect import is_open, status_of
from onboard.model.latency import Latency
from onboard.model.words import Text
from onboard.scripts.catalog import DIALECTS
from onboard.scripts.dialect import Dialect

SCRIPT_LIMIT = 60.0  # seconds
TUNNELS = 12  # channels being opened at the same time
CLOSED_PORT = 1  # tcpmux, which is not in use

Hear = Callable[[int, int, Mapping[str, Latency]], None]


class NotMeasured(HostError):
    """This server cannot measure."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a server reaches AWS: the profile's `proxy` and `no_proxy` for its agent."""

    proxy: str = ""
    no_proxy: Sequence[str] = ()


def measure_from(
    connection: Connection, targets: Sequence[Target], way: Way, cancel: CancelToken, told: Hear
) -> Measured:
    """Measure all targets from the server. `told` is called with (round, rounds, latencies so far), if these are known.

    Raises NotMeasured if neither way works; ConnectionLost, Cancelled.
    """
    dialect = DIALECTS[family_of(connection.host)]
    result = connection.run_script(compose(dialect, targets, way), timeout=SCRIPT_LIMIT)
    said = result.stdout.decode("utf-8", "replace")
    if result.exit_code == 0 and "\nfinished\n" in f"\n{said}":
        return parse(said, targets)
    if Capability.TUNNEL not in connection.can:
        raise NotMeasured(
            "The server cannot measure",
            where=connection.host.name,
            why="It has no Python, and this kind of connection has no tunnels",
            remedy="Measure from a different server",
        )
    return _by_tunnel(connection, targets, way, cancel, told)


def compose(dialect: Dialect, targets: Sequence[Target], way: Way) -> str:
    """The script that measures with Python."""
    lines = "\n".join(f"{target.name} {target.host} {target.port}" for target in targets)
    variables = {"ONBOARD_TARGETS": lines, "ONBOARD_PROXY": way.proxy, "ONBOARD_NO_PROXY": ",".join(way.no_proxy)}
    return dialect.compose("region_latency", variables)


def parse(said: str, targets: Sequence[Target]) -> Measured:
    """Read what the script printed."""
    names = [target.name for target in targets]
    times: dict[str, list[float]] = {name: [] for name in names}
    lost = dict.fromkeys(names, 0)
    errors = dict.fromkeys(names, "")
    hosts = {target.name: target.host for target in targets}
    via = "direct"
    for found in re.finditer(r"^(sample|lost|unknown) (\S+) (.*)$|^via (.*)$", said, re.MULTILINE):
        kind, name, words, way = found.groups()
        if way is not None:
            via = way
        elif name not in times:
            continue
        elif kind == "sample":
            with contextlib.suppress(ValueError):
                times[name].append(float(words))
        elif kind == "lost":
            lost[name] += 1
            errors[name] = words
        else:
            errors[name] = f"the server cannot resolve {hosts[name]} ({words})"
    return Measured({name: Latency.of(times[name], lost[name], errors[name]) for name in names}, via)


@dataclass(slots=True, eq=False)
class _Channels:
    """Samples of one target, through tunnels."""

    times: list[float] = field(default_factory=list)  # milliseconds
    lost: int = 0
    error: str = ""

    def latency(self, less_ms: float) -> Latency:
        """The latency, less the round trip. A sample over LIMIT counts as lost, as in onboard.aws.latency."""
        times = [max(0.0, sample - less_ms) for sample in self.times]
        answered = [sample for sample in times if sample < LIMIT * 1000]
        lost = self.lost + len(times) - len(answered)
        return Latency.of(answered, lost, self.error or ("no answer within 1 second" if lost else ""))


def _by_tunnel(
    connection: Connection, targets: Sequence[Target], way: Way, cancel: CancelToken, told: Hear
) -> Measured:
    proxy = Proxy.of(way.proxy) if way.proxy else None
    resolved = resolve((target.host for target in targets), cancel) if proxy is None else {}
    server = _Channels()
    channels = {target.name: _Channels() for target in targets}
    prohibited = threading.Event()

    def sample(target: Target | None, counts: bool) -> None:
        if cancel.stopping or prohibited.is_set():
            return
        one = server if target is None else channels[target.name]
        try:
            if target is None:
                taken = _round_trip(connection)
            else:
                # A name that this computer cannot resolve may be known to the server.
                found = resolved.get(target.host, "")
                taken = _time(connection, target, target.host if isinstance(found, str) else found[1][0], proxy)
        except PermissionError:
            prohibited.set()
        except (OSError, EOFError) as error:
            one.lost += counts
            one.error = getattr(error, "strerror", None) or str(error) or type(error).__name__
        else:
            if counts:
                one.times.append(taken)

    order = random.Random()  # noqa: S311 - an order, not a secret
    with ThreadPoolExecutor(TUNNELS, thread_name_prefix="tunnel") as pool:
        for number in range(1 + LEAST):
            cancel.check()
            places: list[Target | None] = [None, *targets]
            for _ in pool.map(sample, order.sample(places, len(places)), [number > 0] * len(places)):
                pass
            if prohibited.is_set():
                raise NotMeasured(
                    "The server cannot measure",
                    where=connection.host.name,
                    why="It has no Python, and its SSH server does not allow tunnels",
                    remedy="Allow TCP forwarding for this account, or measure from a different server",
                )
            if server.times:
                told(number, LEAST, _without(median(server.times), channels))
    cancel.check()
    if not server.times:
        raise NotMeasured(
            "The server cannot measure",
            where=connection.host.name,
            why=Text("The round trip to the server itself could not be measured ({reason})", reason=server.error),
            remedy="Measure from a different server",
        )
    names = f", through {proxy}" if proxy else ""
    return Measured(_without(median(server.times), channels), f"tunnel{names}")


def _without(round_trip: float, channels: Mapping[str, _Channels]) -> dict[str, Latency]:
    return {name: one.latency(round_trip) for name, one in channels.items()}


def _round_trip(connection: Connection) -> float:
    """Milliseconds to the server and back, by a channel that the server itself refuses."""
    began = time.perf_counter()
    try:
        channel = connection.open_tunnel("127.0.0.1", CLOSED_PORT, timeout=LIMIT * 2)
    except ConnectionRefusedError:
        return (time.perf_counter() - began) * 1000
    channel.close()
    raise OSError("something listens on the server's port 1")


def _time(connection: Connection, target: Target, address: str, proxy: Proxy | None) -> float:
    """Milliseconds until the channel is open; through a proxy, until it has answered CONNECT. Raises OSError."""
    began = time.perf_counter()
    if proxy is None:
        connection.open_tunnel(address, target.port, timeout=LIMIT * 2).close()
        return (time.perf_counter() - began) * 1000
    with contextlib.closing(connection.open_tunnel(proxy.host, proxy.port, timeout=LIMIT * 2)) as channel:
        channel.settimeout(LIMIT * 2)
        began = time.perf_counter()
        channel.sendall(proxy.request(target))
        head = channel.recv(4096).decode("latin-1")
        taken = (time.perf_counter() - began) * 1000
    if not is_open(head):
        raise OSError(f"the proxy answered: {status_of(head)}")
    return taken
