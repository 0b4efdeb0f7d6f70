"""The nearest Region: measure all of them, from this computer and from servers, and recommend one."""

import threading
import urllib.request
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any

from onboard.aws import regions as aws_regions
from onboard.aws.downloads import exempt
from onboard.aws.latency import LEAST, Measured, Progress, Proxy, Target, measure
from onboard.aws.regions import Offer
from onboard.aws.session import open_aws
from onboard.engine.command import Begun, conduct
from onboard.engine.fleet import Emit, Result, kept, work_on
from onboard.engine.latency_from_server import NotMeasured, Way, measure_from
from onboard.engine.survey import finish_with, reason_of
from onboard.engine.workbench import Tools
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.changes import RunPhase
from onboard.model.errors import AwsError, OnboardError
from onboard.model.events import (
    THIS_COMPUTER,
    Event,
    HostFinished,
    Measurement,
    Noted,
    PhaseStarted,
    Region,
    RegionsRanked,
    RegionsSampled,
)
from onboard.model.latency import FAR_MS, Latency, Ranking, combined, rank
from onboard.model.profile import Host, Profile
from onboard.model.status import HostStatus
from onboard.model.words import Text

ACCOUNT_LIMIT = 5.0  # seconds to wait for the list of Regions that the account has enabled


def regions(
    profile: Profile,
    tools: Tools,
    cancel: CancelToken,
    *,
    servers: Sequence[Host] = (),
    profile_path: str = "",
) -> Iterator[Event]:
    """Measure every Region from this computer and from `servers`, and recommend the nearest.

    Yields RegionsSampled as progress, then a Region event for each, the nearest first, and RegionsRanked. If servers
    measured, their figures decide, because their agents will make the connections. Needs no account.
    """

    def body(run: str) -> Generator[Event, None, None]:
        offers = aws_regions.offers(aws_regions.partition_of(profile))
        targets = [Target(offer.region, offer.host) for offer in offers]
        places: dict[str, Measured] = {}
        yield PhaseStarted(phase=RunPhase.REGIONS, total=1 + LEAST)
        trouble = yield from _from_here(profile, targets, places, cancel)
        if trouble and not servers:
            raise trouble
        if trouble:
            yield Noted.warning(Text("Regions could not be measured from this computer. {error}", error=trouble))
        yield from _from_servers(profile, servers, targets, places, tools, cancel)
        cancel.check()
        yield from _concluded(profile, offers, places, cancel)

    return conduct(Begun(command="regions", profile=profile, hosts=servers, path=profile_path), body, tools, cancel)


def _from_here(
    profile: Profile, targets: Sequence[Target], places: dict[str, Measured], cancel: CancelToken
) -> Generator[Event, None, OnboardError | None]:
    """Measure in a separate thread, so that a slow consumer of the events does not make an answer look late."""

    def work(here: str, emit: Emit) -> None:
        def told(progress: Progress) -> None:
            emit(_sampled(here, progress.done, progress.total, progress.latencies))

        try:
            emit(Result(here, measure(targets, cancel, proxy=proxy_of(profile, targets), told=told)))
        except Cancelled:
            pass
        except OnboardError as error:
            emit(Result(here, error))

    results: dict[str, Measured | OnboardError] = {}
    yield from kept(work_on([THIS_COMPUTER], work, concurrency=1, cancel=cancel), results)
    cancel.check()
    result = results[THIS_COMPUTER]
    if isinstance(result, OnboardError):
        return result
    places[THIS_COMPUTER] = result
    return None


def proxy_of(profile: Profile, targets: Sequence[Target]) -> Proxy | None:
    """The proxy to measure through: region.measure_through, else the agents' proxy, else this computer's."""
    hosts = [target.host for target in targets]
    url, named = profile.region.measure_through, "region.measure_through"
    if url is None and not any(exempt(host, profile.network.no_proxy) for host in hosts):
        url, named = profile.network.proxy, "network.proxy"
    if url is None and not any(urllib.request.proxy_bypass(host) for host in hosts):
        url, named = urllib.request.getproxies().get("https"), "HTTPS_PROXY"
    if not url:
        return None
    try:
        return Proxy.of(url)
    except ValueError as error:
        raise OnboardError(
            "Regions cannot be measured through this proxy",
            where=named,
            why=str(error),
            remedy="Set region.measure_through to http://HOST:PORT, or measure from one of the servers",
        ) from None


def _from_servers(
    profile: Profile,
    servers: Sequence[Host],
    targets: Sequence[Target],
    places: dict[str, Measured],
    tools: Tools,
    cancel: CancelToken,
) -> Generator[Event, None, None]:
    way = Way(profile.network.proxy or "", profile.network.no_proxy)

    def work(host: Host, emit: Emit) -> None:
        def told(done: int, total: int, latencies: Mapping[str, Latency]) -> None:
            emit(_sampled(host.name, done, total, latencies))

        try:
            cancel.check()
            connection = tools.connector.connect(host, cancel)
            try:
                emit(Result(host.name, measure_from(connection, targets, way, cancel, told)))
            finally:
                connection.close()
        except Cancelled:
            return
        except NotMeasured as error:
            emit(HostFinished.of(host.name, HostStatus.FAILED, reason=reason_of(error), remedy=error.remedy))
        except Exception as error:  # noqa: BLE001 - one server's defect must not stop the others
            emit(finish_with(host, error))
        else:
            emit(HostFinished(host=host.name, status=HostStatus.READY))

    if servers:
        yield PhaseStarted(phase=RunPhase.REGIONS_FROM_SERVERS, total=len(servers))
        yield from kept(work_on(servers, work, concurrency=profile.run.concurrency, cancel=cancel), places)


def _sampled(origin: str, done: int, total: int, latencies: Mapping[str, Latency]) -> RegionsSampled:
    medians = {name: round(found.median_ms, 2) for name, found in latencies.items() if found.median_ms is not None}
    return RegionsSampled(origin=origin, done=done, total=total, medians=medians)


@dataclass(frozen=True, slots=True)
class _Decision:
    """The figures that decide, where they are from, and the ranking."""

    origin: str
    via: str
    latencies: Mapping[str, Latency]
    ranking: Ranking


def _concluded(
    profile: Profile, offers: Sequence[Offer], places: Mapping[str, Measured], cancel: CancelToken
) -> Generator[Event, None, None]:
    measured = datetime.now(UTC).isoformat(timespec="seconds")
    answered = {name: place for name, place in places.items() if _has_answers(place)}
    enabled = _enabled(profile, offers[-1].region, cancel) if answered else None
    closed = {region for region, is_enabled in (enabled or {}).items() if not is_enabled}
    decision = _decided(answered or places, closed)
    for region in decision.ranking.order:
        offer = next(offer for offer in offers if offer.region == region)
        yield _region(offer, decision, places, enabled)
    yield RegionsRanked(
        origin=decision.origin,
        via=decision.via,
        measured=measured,
        order=decision.ranking.order,
        recommended=decision.ranking.nearest,
        ties=decision.ranking.ties,
        why=tuple(_reasons(profile, offers, decision, answered, closed)),
    )
    if not answered:
        raise _nothing_answered(decision.latencies)
    unknown = [region for region, found in decision.latencies.items() if not found.tried]
    if unknown:
        yield Noted.warning(
            Text(
                "{regions} not measured: {error} ({names})",
                regions=_counted(len(unknown)),
                error=decision.latencies[unknown[0]].error,
                names=", ".join(unknown),
            )
        )
    if decision.ranking.nearest is None:
        raise OnboardError(
            "No Region that is enabled in this account answered",
            remedy="Enable one under Account in the AWS console, or allow connections to it",
        )


def _has_answers(place: Measured) -> bool:
    return any(found.samples for found in place.latencies.values())


def _decided(places: Mapping[str, Measured], closed: set[str]) -> _Decision:
    """Decide by the servers' figures if there are any, else by this computer's."""
    servers = {name: place for name, place in places.items() if name != THIS_COMPUTER}
    deciding = servers or dict(places)
    names = [name for place in deciding.values() for name in place.latencies]
    latencies = {
        region: combined([place.latencies[region] for place in deciding.values()]) for region in dict.fromkeys(names)
    }
    via = ", ".join(dict.fromkeys(place.via for place in deciding.values()))
    return _Decision(", ".join(deciding), via, latencies, rank(latencies, closed=closed))


def _region(
    offer: Offer, decision: _Decision, places: Mapping[str, Measured], enabled: Mapping[str, bool] | None
) -> Region:
    own = [
        Measurement(origin=origin, via=place.via, **_figures(place.latencies[offer.region]))
        for origin, place in places.items()
    ]
    ranking = decision.ranking
    return Region(
        region=offer.region,
        long_name=offer.long_name,
        origin=decision.origin,
        via=decision.via,
        enabled=enabled.get(offer.region) if enabled else None,
        recommended=offer.region == ranking.nearest,
        tied=offer.region in ranking.ties,
        lossy=offer.region in ranking.lossy,
        measured=tuple(own),
        **_figures(decision.latencies[offer.region]),
    )


def _figures(latency: Latency) -> dict[str, Any]:
    """Its fields, rounded to a thousandth of a millisecond; more digits would mean nothing."""
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(latency).items()}


def _reasons(
    profile: Profile,
    offers: Sequence[Offer],
    decision: _Decision,
    answered: Mapping[str, Measured],
    closed: set[str],
) -> Iterator[str]:
    """Sentences for people, without a full stop."""
    ranking, latencies = decision.ranking, decision.latencies
    best = ranking.nearest
    if best is None:
        return
    names = {offer.region: f"{offer.long_name}, {offer.region}" for offer in offers}
    found = latencies[best]
    yield (
        f"{names[best]} is nearest from {decision.origin}: {_ms(found.median_ms)} "
        f"(the median lies between {_ms(found.low_ms)} and {_ms(found.high_ms)} with 95 % confidence)"
    )
    if ranking.ties:
        yield f"It is a tie with {_listed(ranking.ties)}: their intervals overlap, so choose by other criteria"
    for region in ranking.order:
        other = latencies[region].median_ms
        if other is None or found.median_ms is None or other >= found.median_ms:
            continue
        if region in closed:
            yield f"{region} is nearer ({_ms(other)}), but it is not enabled in this account"
        elif region in ranking.lossy:
            lost = f"{latencies[region].lost} of {latencies[region].tried} connects were lost"
            yield f"{region} would be nearer ({_ms(other)}), but {lost}"
    yield from _disagreement(decision, answered, closed)
    chosen = profile.region.name
    if chosen is not None and chosen in latencies and chosen != best and chosen not in ranking.ties:
        yield from _chosen_is_far(chosen, latencies[chosen], found)


def _disagreement(decision: _Decision, answered: Mapping[str, Measured], closed: set[str]) -> Iterator[str]:
    """A sentence for when the servers decided, and this computer's figures disagree."""
    here = answered.get(THIS_COMPUTER)
    best = decision.ranking.nearest
    if here is None or decision.origin == THIS_COMPUTER or best is None:
        return
    own = rank(here.latencies, closed=closed)
    if own.nearest is None or best in (own.nearest, *own.ties) or own.nearest in decision.ranking.ties:
        return
    yield (
        f"From this computer {own.nearest} is nearest ({_ms(here.latencies[own.nearest].median_ms)}; {best}: "
        f"{_ms(here.latencies[best].median_ms)}). The servers decide, because their agents connect to AWS"
    )


def _chosen_is_far(chosen: str, there: Latency, best: Latency) -> Iterator[str]:
    if there.median_ms is None or best.median_ms is None:
        yield f"The profile's Region {chosen} did not answer"
    elif there.median_ms - best.median_ms >= FAR_MS:
        yield f"The profile's Region {chosen} is {_ms(there.median_ms - best.median_ms)} farther"


def _ms(value: float | None) -> str:
    return "no answer" if value is None else f"{value:.1f} ms"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(number: int) -> str:
    return "1 Region was" if number == 1 else f"{number} Regions were"


def _nothing_answered(latencies: Mapping[str, Latency]) -> AwsError:
    errors = [found.error for found in latencies.values() if found.error]
    return AwsError(
        "No Region could be reached",
        where="port 443 of Systems Manager's endpoints",
        why=max(errors, key=errors.count) if errors else "",
        remedy="Check that this computer is online; behind a proxy, set HTTPS_PROXY or region.measure_through; "
        "or measure from one of the servers",
    )


def _enabled(profile: Profile, region: str, cancel: CancelToken) -> Mapping[str, bool] | None:
    """Which Regions the account may use, or None if AWS does not answer soon. Asked after the measurement, so as not
    to disturb it.

    `region` is used if the profile sets none; any Region gives the same answer.
    """
    answers: SimpleQueue[Mapping[str, bool] | None] = SimpleQueue()

    def ask() -> None:
        try:
            section = profile.region.model_copy(update={"name": profile.region.name or region})
            aws = open_aws(profile.model_copy(update={"region": section}))
            try:
                answers.put(aws_regions.enabled(aws) if aws.session.get_credentials() else None)
            finally:
                aws.close()
        except Exception:  # noqa: BLE001 - whatever keeps the account from saying so: it is not known
            answers.put(None)

    threading.Thread(target=ask, name="enabled Regions", daemon=True).start()
    waited = 0.0
    while waited < ACCOUNT_LIMIT:
        cancel.check()
        try:
            return answers.get(timeout=0.1)
        except Empty:
            waited += 0.1
    return None
