"""The sentences about a measurement of Regions."""

from collections.abc import Iterator, Sequence
from math import inf

from onboard.gui.text import plural, say, tr
from onboard.model.events import THIS_COMPUTER, Measurement, Region
from onboard.model.latency import Latency, rank
from onboard.model.profile import MeasuredSection
from onboard.model.state import State
from onboard.wizard.regions import farther, known, short_name
from onboard.wizard.view import View

NAMED = 2  # servers whose figures are listed one by one


def medians(view: View) -> str:
    """Return the distances of the recommended Region by origin: "3.8 ms from here, 4.4 ms from srv-db-01"."""
    evidence, found = known(view), _recommended(view.state("regions"))
    if found is None:
        return _ms_from(evidence.medians.get(evidence.recommended or ""), evidence.origin) if evidence else ""
    answered = [one for one in found.measured if one.median_ms is not None]
    here = [_ms_from(one.median_ms, one.origin) for one in answered if one.origin == THIS_COMPUTER]
    servers = [one for one in answered if one.origin != THIS_COMPUTER]
    if len(servers) <= NAMED:
        return ", ".join([*here, *(_ms_from(one.median_ms, one.origin) for one in servers)])
    times = [one.median_ms or 0.0 for one in servers]
    told = plural(
        "{low:.1f} to {high} from {n} server",
        "{low:.1f} to {high} from {n} servers",
        len(servers),
        low=min(times),
        high=ms_text(max(times)),
    )
    return ", ".join([*here, told])


def reasons(view: View) -> str:
    """Return why this Region is recommended: ties, nearer Regions that were ruled out, how it was measured."""
    state, evidence = view.state("regions"), known(view)
    if evidence is None:
        return ""
    found = _recommended(state)
    said = _reasons(state, found) if found is not None else _kept_reasons(evidence)
    return " ".join([*said, *_ways(view, evidence)])


def _reasons(state: State, best: Region) -> Iterator[str]:
    regions = list(state.regions.values())
    yield from _disagreement(state, best)
    tied = [short_name(region.region) for region in regions if region.tied]
    if tied:
        yield tr(
            "A tie with {places}: the intervals overlap, so decide on other grounds.",
            places=", ".join(tied),
        )
    else:
        yield from _no_tie(regions)
    for region in regions:
        if region.median_ms is None or best.median_ms is None or region.median_ms >= best.median_ms:
            continue
        place, ms = short_name(region.region), ms_text(region.median_ms)
        if region.enabled is False:
            yield tr("{place} is nearer ({ms}), but not enabled in this account.", place=place, ms=ms)
        elif region.lossy:
            tried = region.samples + region.lost
            yield tr(
                "{place} would be nearer ({ms}), but {lost} of {tried} connections were lost.",
                place=place,
                ms=ms,
                lost=region.lost,
                tried=tried,
            )
    yield _counts([region for region in regions if region.samples or region.lost])


def _no_tie(regions: Sequence[Region]) -> Iterator[str]:
    others = (one for one in regions if not one.recommended and one.enabled is not False and not one.lossy)
    following = next((one for one in others if one.median_ms is not None), None)
    if following is not None:
        yield tr(
            "Next is {place}, {ms}: the two intervals do not overlap, so this is not a tie.",
            place=short_name(following.region),
            ms=ms_text(following.median_ms),
        )


def _kept_reasons(evidence: MeasuredSection) -> Iterator[str]:
    if evidence.ties:
        yield tr("A tie with {places}.", places=", ".join(map(short_name, evidence.ties)))
    yield plural("{n} Region answered.", "{n} Regions answered.", len(evidence.medians))


def _disagreement(state: State, best: Region) -> Iterator[str]:
    """Say so when this computer's figures differ from the servers' figures, which decide."""
    if best.origin == THIS_COMPUTER:
        return
    here = {
        region.region: _latency(one)
        for region in state.regions.values()
        for one in region.measured
        if one.origin == THIS_COMPUTER
    }
    closed = [region.region for region in state.regions.values() if region.enabled is False]
    own = rank(here, closed=closed)
    if own.nearest is None or best.region in (own.nearest, *own.ties) or state.regions[own.nearest].tied:
        return
    yield tr(
        "From here, {place} is nearest ({ms}). The servers' figures decide, because their agents connect to AWS.",
        place=short_name(own.nearest),
        ms=ms_text(here[own.nearest].median_ms),
    )


def _latency(one: Measurement) -> Latency:
    return Latency(one.median_ms, one.spread_ms, one.low_ms, one.high_ms, one.samples, one.lost)


def _counts(tried: Sequence[Region]) -> str:
    """Return how many Regions were measured, how often, and how many connections were lost."""
    samples = sorted(region.samples for region in tried if region.samples)
    least, most = (samples[0], samples[-1]) if samples else (0, 0)
    each = str(least) if least == most else tr("{least} to {most}", least=least, most=most)
    lost = sum(region.lost for region in tried)
    if lost:
        return plural(
            "{n} Region, {each} samples, {lost} lost.",
            "{n} Regions, {each} samples each, {lost} lost.",
            len(tried),
            each=each,
            lost=lost,
        )
    return plural(
        "{n} Region, {each} samples, none lost.", "{n} Regions, {each} samples each, none lost.", len(tried), each=each
    )


def _ways(view: View, evidence: MeasuredSection) -> Iterator[str]:
    if view.practice:
        yield tr("The distances are simulated: this is practice.")
    elif evidence.via not in ("", "direct"):
        yield tr("Measured through: {via}.", via=evidence.via)
    regions = view.state("regions").regions.values()
    if regions and all(region.enabled is None for region in regions):
        yield tr("Onboard does not know which Regions are enabled in this account.")


def warnings(view: View) -> str:
    """Return what speaks against the Region in use."""
    chosen, evidence, more = view.draft.region.name, known(view), farther(view)
    said = []
    if chosen and evidence and more == inf:
        said.append(tr("{place} is in use but did not answer.", place=short_name(chosen)))
    elif chosen and evidence and evidence.recommended and more:
        said.append(
            tr(
                "{place} is in use: each connection takes {ms:.0f} ms longer than to {nearest}.",
                place=short_name(chosen),
                ms=more,
                nearest=short_name(evidence.recommended),
            )
        )
    region = view.state("regions").regions.get(chosen or "")
    if chosen and region is not None and region.enabled is False:
        said.append(
            tr(
                "{place} is not enabled in this account: enable it under Account in the AWS console.",
                place=short_name(chosen),
            )
        )
    return " ".join(said)


def troubles(view: View) -> tuple[str, str]:
    """Return (title, details) of a measurement that partly failed; "" if all of it worked."""
    state = view.state("regions")
    failed = [host for host in state.hosts.values() if host.finished and host.reason]
    lines = [say(note.sentence) for note in state.notes if note.level == "warning"]
    lines += [" ".join(filter(None, (f"{host.name}: {host.reason}.", host.remedy))) for host in failed]
    if not lines:
        return "", ""
    if not failed:
        return tr("Not everything could be measured"), "\n".join(lines)
    what = plural("{n} server did not measure", "{n} servers did not measure", len(failed))
    return what, "\n".join(lines)


def _recommended(state: State) -> Region | None:
    ranking = state.ranking
    return state.regions.get(ranking.recommended) if ranking and ranking.recommended else None


def _ms_from(median: float | None, origin: str) -> str:
    ms = ms_text(median)
    return tr("{ms} from here", ms=ms) if origin == THIS_COMPUTER else tr("{ms} from {origin}", ms=ms, origin=origin)


def ms_text(milliseconds: float | None) -> str:
    """Return the figure and its unit, joined by a non-breaking space."""
    return tr("no answer") if milliseconds is None else tr("{n:.1f}\xa0ms", n=milliseconds)
