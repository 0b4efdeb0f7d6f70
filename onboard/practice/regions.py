"""The practice's Regions: all of them, with simulated distances that take real time.

A listener on loopback cannot be far away, because the kernel completes the handshake before the listener learns of it.
So the practice is a proxy, as many data centres have in front of AWS. It answers CONNECT to a Region's endpoint after
the time of a round trip to it, and then sends nothing more. Its `Via` says that the distances are simulated; the
measurement shows that text, and knows nothing else about the practice.

The practice servers are at a different place. One that is asked to measure waits for each distance too, and reports
the time that it waited.
"""

import asyncio
import csv
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import asin, cos, radians, sin, sqrt

from onboard.resources import text
from onboard.scripts.posix import POSIX

ADDRESS = "127.0.0.1"
VIA = "1.1 onboard-practice (simulated distances)"
ROUNDS = 11  # as in region_latency.sh
LONGEST_HEAD = 8192
HEAD_LIMIT = 10.0  # seconds

EARTH_KM = 6371.0
KM_PER_MS = 100.0  # round trip, in optical fibre
DETOUR = 1.4  # length of cables, compared to the shortest way
LAST_MILE_MS = 1.2
UNEVEN = 0.04  # by which part of the distance connects differ at most


@dataclass(frozen=True, slots=True)
class Site:
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


COMPUTER = Site(52.5, 13.4)  # Berlin
SERVERS = Site(50.9, 7.0)  # Cologne


@cache
def region_sites() -> Mapping[str, Site]:
    """Where each Region is, of every partition."""
    rows = csv.DictReader(text("map/regions.csv").splitlines())
    return {row["region"]: Site(float(row["lat"]), float(row["lon"])) for row in rows}


def round_trip_ms(here: Site, there: Site) -> float:
    """How long the round trip takes along a usual cable, without noise."""
    up, across = radians(there.latitude - here.latitude), radians(there.longitude - here.longitude)
    half = sin(up / 2) ** 2 + cos(radians(here.latitude)) * cos(radians(there.latitude)) * sin(across / 2) ** 2
    return LAST_MILE_MS + 2 * EARTH_KM * asin(sqrt(half)) * DETOUR / KM_PER_MS


async def travel(here: Site, region: str) -> None:
    """Wait for one round trip, with noise. KeyError for a Region without a place on the map."""
    longer = 1 + random.uniform(0, UNEVEN)  # noqa: S311 - noise, not a secret
    await asyncio.sleep(round_trip_ms(here, region_sites()[region]) * longer / 1000)


@dataclass(slots=True, eq=False)
class DistanceProxy:
    """The proxy. Its methods belong to the event loop that it was started in."""

    site: Site = COMPUTER
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """RuntimeError before it is started."""
        if self._server is None:
            raise RuntimeError("the proxy is not started")
        return f"http://{ADDRESS}:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen on a port that the operating system chooses. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, ADDRESS, 0, backlog=256, limit=LONGEST_HEAD)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(HEAD_LIMIT):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await self._answer(head.decode("latin-1").partition("\r\n")[0]))
            await writer.drain()
            await reader.read(1)  # there is no endpoint behind it, so any data ends the tunnel
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, line: str) -> bytes:
        found = re.fullmatch(r"CONNECT ssm\.([a-z0-9-]+)\.[a-z.0-9-]+:443 HTTP/1\.[01]", line)
        if found is None or found[1] not in region_sites():
            return f"HTTP/1.1 502 Practice has Regions' endpoints only\r\nVia: {VIA}\r\n\r\n".encode()
        await travel(self.site, found[1])
        return f"HTTP/1.1 200 Connection established\r\nVia: {VIA}\r\n\r\n".encode()


def asked(script: str) -> tuple[str, ...]:
    """The Regions that a script wants measured; empty if it wants something else."""
    if POSIX.title(script) != "region_latency":
        return ()
    return tuple(line.split()[0] for line in POSIX.variables(script)["ONBOARD_TARGETS"].splitlines())


async def measured_by_server(script: str) -> bytes:
    """What region_latency.sh prints on a practice server, with real waiting for each sample."""
    known, lines = [], []
    for region in asked(script):
        if region in region_sites():
            known.append(region)
        else:
            lines.append(f"unknown {region} it is on no map of practice")
    for number in range(ROUNDS):
        taken = await asyncio.gather(*(_timed(region) for region in known))
        if number:
            lines += [f"sample {region} {sample:.3f}" for region, sample in zip(known, taken, strict=True)]
    return "\n".join([*lines, f"via direct ({VIA.partition(' ')[2]})", "finished", ""]).encode()


async def _timed(region: str) -> float:
    began = time.perf_counter()
    await travel(SERVERS, region)
    return (time.perf_counter() - began) * 1000
