"""The practice's Regions are as far as the map says, by waiting."""

import asyncio
import time

import pytest

from onboard.practice import regions
from onboard.practice.regions import COMPUTER, VIA, DistanceProxy, Site, region_sites, round_trip_ms

pytestmark = pytest.mark.measures


def test_distances_grow_with_the_way_around_the_world() -> None:
    frankfurt, sydney = region_sites()["eu-central-1"], region_sites()["ap-southeast-2"]
    assert round_trip_ms(frankfurt, frankfurt) == regions.LAST_MILE_MS
    assert 5 < round_trip_ms(COMPUTER, frankfurt) < 10
    assert 200 < round_trip_ms(COMPUTER, sydney) < 280
    across = round_trip_ms(Site(0, 179), Site(0, -179)) - regions.LAST_MILE_MS  # the date line is no wall
    assert across == pytest.approx(222.4 * regions.DETOUR / regions.KM_PER_MS, rel=0.01)


async def asked(proxy: DistanceProxy, line: str) -> tuple[str, float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
    began = time.perf_counter()
    writer.write(f"{line}\r\nHost: x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    taken = time.perf_counter() - began
    writer.close()
    await writer.wait_closed()
    return head, taken * 1000


def test_the_proxy_answers_for_regions_alone_after_their_distance() -> None:
    async def talk() -> None:
        proxy = DistanceProxy()
        await proxy.start()
        try:
            head, taken = await asked(proxy, "CONNECT ssm.us-east-1.amazonaws.com:443 HTTP/1.1")
            assert head.startswith("HTTP/1.1 200 ")
            assert f"Via: {VIA}\r\n" in head
            assert taken >= round_trip_ms(COMPUTER, region_sites()["us-east-1"])
            for line in (
                "CONNECT ssm.eu-nowhere-1.amazonaws.com:443 HTTP/1.1",
                "CONNECT example.com:443 HTTP/1.1",
                "GET / HTTP/1.1",
            ):
                assert (await asked(proxy, line))[0].startswith("HTTP/1.1 502 ")
        finally:
            await proxy.stop()

    asyncio.run(talk())


def test_it_ends_with_connections_open() -> None:
    async def talk() -> None:
        proxy = DistanceProxy()
        await proxy.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        await asyncio.sleep(0)
        await asyncio.wait_for(proxy.stop(), 5)
        assert await reader.read() == b""
        writer.close()

    asyncio.run(talk())
