"""Events of the engine for a measurement of all Regions from a data centre near Frankfurt."""

from collections.abc import Collection, Iterator, Mapping

from onboard.model import events
from onboard.model.events import THIS_COMPUTER, Measurement
from onboard.model.latency import Latency, combined, rank
from onboard.practice.regions import Site, region_sites, round_trip_ms
from onboard.wizard.regions import places

HERE = Site(50.1, 8.9)
MEASURED = "2026-11-24T13:02:00+00:00"
CLOSED = ("eu-central-2", "eu-south-1", "eu-south-2", "ap-east-1", "me-south-1", "af-south-1")
COMMERCIAL = tuple(region for region, place in places().items() if place.partition == "aws")


def latency(median: float, samples: int = 12, lost: int = 0) -> Latency:
    """A measurement with a spread typical of the distance."""
    spread = 0.3 + median * 0.02
    return Latency(median, spread, median - spread / 2, median + spread / 2, samples, lost)


def distances(site: Site = HERE, extra: float = 2.6) -> dict[str, Latency]:
    return {region: latency(extra + round_trip_ms(site, region_sites()[region])) for region in COMMERCIAL}


def began(servers: Collection[str] = ()) -> Iterator[events.Event]:
    yield events.RunStarted(run="r1", command="regions", profile="", hosts=tuple(servers), started=MEASURED)
    yield events.PhaseStarted(phase="regions", total=11)


def sampled(found: Mapping[str, Latency], done: int, origin: str = THIS_COMPUTER) -> events.RegionsSampled:
    medians = {region: one.median_ms for region, one in found.items() if one.median_ms is not None}
    return events.RegionsSampled(origin=origin, done=done, total=11, medians=medians)


def measured(
    places: Mapping[str, Mapping[str, Latency]],
    *,
    closed: Collection[str] | None = CLOSED,
    via: str = "direct",
    more: tuple[events.Event, ...] = (),
) -> tuple[events.Event, ...]:
    """A whole run. `places`: origin → what it measured; `closed`: not enabled, None if the account is unknown."""
    servers = {origin: found for origin, found in places.items() if origin != THIS_COMPUTER}
    deciding = servers or places
    decided = {
        region: combined([found[region] for found in deciding.values()]) for region in next(iter(deciding.values()))
    }
    ranking = rank(decided, closed=closed or ())
    origin = ", ".join(deciding)
    regions = [
        events.Region(
            region=region,
            long_name=_name(region),
            origin=origin,
            via=via,
            enabled=None if closed is None else region not in closed,
            recommended=region == ranking.nearest,
            tied=region in ranking.ties,
            lossy=region in ranking.lossy,
            measured=tuple(_measurement(at, via, found[region]) for at, found in places.items()),
            **_figures(decided[region]),
        )
        for region in ranking.order
    ]
    ranked = events.RegionsRanked(
        origin=origin,
        via=via,
        measured=MEASURED,
        order=ranking.order,
        recommended=ranking.nearest,
        ties=ranking.ties,
        why=(),
    )
    return (*began(servers), *regions, ranked, *more, events.RunFinished(run="r1", hosts={}))


def unreachable() -> tuple[events.Event, ...]:
    """This computer is offline."""
    silent = Latency(lost=0, error="the name is not known here (Temporary failure in name resolution)")
    failure = events.RunFailed(
        kind="aws",
        what="No Region could be reached",
        where="port 443 of Systems Manager's endpoints",
        why="the name ssm.eu-central-1.amazonaws.com is not known here (Temporary failure in name resolution)",
        remedy="Check that this computer is online; behind a proxy, set HTTPS_PROXY or region.measure_through; "
        "or measure from one of the servers",
    )
    return measured({THIS_COMPUTER: dict.fromkeys(COMMERCIAL, silent)}, closed=None, more=(failure,))


def _name(region: str) -> str:
    return places()[region].name


def _measurement(origin: str, via: str, found: Latency) -> Measurement:
    return Measurement(origin=origin, via=via, **_figures(found))


def _figures(found: Latency) -> dict[str, object]:
    return {name: getattr(found, name) for name in Latency.__slots__}
