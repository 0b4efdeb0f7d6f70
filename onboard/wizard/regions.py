"""Regions as the wizard needs them: where they are, what was measured last, and what is stored when one is chosen."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from onboard.model.latency import FAR_MS
from onboard.model.profile import Host, MeasuredSection, Profile, Protocol
from onboard.model.region_evidence import with_evidence
from onboard.resources import text
from onboard.wizard.servers import Identity, identity_of
from onboard.wizard.view import View

COMMERCIAL = "aws"
NEAR_MS, MIDDLE_MS = 30.0, 150.0


@dataclass(frozen=True, slots=True)
class Place:
    """A Region on the map. `name` is AWS's name, `place` a short one; latitude and longitude are in degrees."""

    region: str
    partition: str
    name: str
    place: str
    latitude: float
    longitude: float


class Nearness(StrEnum):
    """How far away a Region is, roughly."""

    NEAR = "near"  # under NEAR_MS
    MIDDLE = "middle"  # under MIDDLE_MS
    FAR = "far"
    SILENT = "silent"  # it was measured and did not answer
    UNKNOWN = "unknown"


def nearness_of(median_ms: float) -> Nearness:
    return Nearness.NEAR if median_ms < NEAR_MS else Nearness.MIDDLE if median_ms < MIDDLE_MS else Nearness.FAR


@cache
def places() -> Mapping[str, Place]:
    """Every Region on the map, of all partitions."""
    rows = csv.DictReader(text("map/regions.csv").splitlines())
    return {
        row["region"]: Place(
            row["region"], row["partition"], row["name"], row["place"], float(row["lat"]), float(row["lon"])
        )
        for row in rows
    }


def places_offered(view: View) -> tuple[Place, ...]:
    """The Regions of one partition, by name: that of the chosen Region, else of the account, else commercial."""
    account = view.state("account").account
    chosen = places().get(view.draft.region.name or "")
    partition = chosen.partition if chosen else account.partition if account else COMMERCIAL
    return tuple(sorted((place for place in places().values() if place.partition == partition), key=_name))


def _name(place: Place) -> str:
    return place.name


def short_name(region: str) -> str:
    """The place that a Region is known by; its id if it is not on the map."""
    found = places().get(region)
    return found.place if found else region


def is_measuring(view: View) -> bool:
    """Whether a measurement is running or queued."""
    state = view.states.get("regions")
    return state is not None and not state.finished and state.failure is None


def known(view: View) -> MeasuredSection | None:
    """The last measurement that led to a recommendation: from this session, else from the profile."""
    return with_evidence(view.draft, view.state("regions")).region.measured


def farther(view: View) -> float | None:
    """By how many ms the chosen Region is farther than the nearest; None if unknown or too little to mention.

    A Region that did not answer while the nearest did is infinitely far away.
    """
    found, chosen = known(view), view.draft.region.name
    if found is None or found.recommended is None or not chosen or chosen in (found.recommended, *found.ties):
        return None
    if chosen not in found.medians:
        return float("inf")
    more = found.medians[chosen] - found.medians[found.recommended]
    return more if more >= FAR_MS else None


def with_region(view: View, region: str) -> Profile:
    """The draft with a Region chosen and the evidence for or against it."""
    section = view.draft.region.model_copy(update={"name": region})
    return with_evidence(view.draft.model_copy(update={"region": section}), view.state("regions"))


def able_to_measure(view: View) -> tuple[Host, ...]:
    """Servers that can measure: reached by SSH, and not known to be unreachable or unapproved."""
    trust = view.state("trust").hosts
    well = (Identity.TRUSTED, Identity.UNSEEN)
    return tuple(
        host for host in view.draft.hosts if host.protocol is Protocol.SSH and identity_of(trust.get(host.name)) in well
    )


def measured_from(view: View) -> tuple[str, ...]:
    """The servers that measured last, if they are still in the draft."""
    state, found = view.state("regions"), known(view)
    names = set(state.hosts) or set(found.origin.split(", ") if found else ())
    return tuple(host.name for host in view.draft.hosts if host.name in names) if names else ()


def one_of_each_kind(hosts: tuple[Host, ...], count: int) -> tuple[str, ...]:
    """Up to `count` servers, no two with the same tags: equal tags usually mean the same site."""
    kinds: dict[frozenset[tuple[str, str]], str] = {}
    for host in hosts:
        kinds.setdefault(frozenset(host.tags.items()), host.name)
    return tuple(kinds.values())[:count]
