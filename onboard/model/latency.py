"""Latencies as values, and what may be concluded from them: which Region is nearest, and when that cannot be said.

No distribution is assumed. What a connection takes is skewed, with rare long times: the median stands for it, the
interquartile range for its spread, and order statistics give an interval that holds the true median with at least
95 % confidence. (H. A. David, Order Statistics, section 7.1.)
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from statistics import fmean, median, quantiles

CONFIDENCE = 0.95
USUAL_LOSS = 0.01  # of connects, on a line that is well
SURPRISE = 0.005  # a loss that a line like the others' shows this seldom is the Region's own
FAR_MS = 30.0  # a chosen Region that is this much farther than the nearest deserves a word
DEAD = 0.5  # a Region that loses more says nothing about the line


@dataclass(frozen=True, slots=True)
class Latency:
    """What connecting to one place took, in milliseconds. All None when nothing answered.

    `samples` connects answered and `lost` did not; `error` says why the last of those did not. `spread_ms` is the
    interquartile range; `low_ms` and `high_ms` bound the median.
    """

    median_ms: float | None = None
    spread_ms: float | None = None
    low_ms: float | None = None
    high_ms: float | None = None
    samples: int = 0
    lost: int = 0
    error: str = ""

    @classmethod
    def of(cls, times: Iterable[float], lost: int = 0, error: str = "") -> "Latency":
        """From times in milliseconds."""
        ordered = sorted(times)
        if not ordered:
            return cls(lost=lost, error=error)
        low, high = _bounds(ordered)
        return cls(median(ordered), _spread(ordered), low, high, len(ordered), lost, error)

    @property
    def tried(self) -> int:
        return self.samples + self.lost

    def overlaps(self, other: "Latency") -> bool:
        """Whether their medians cannot be distinguished."""
        if None in (self.low_ms, self.high_ms, other.low_ms, other.high_ms):
            return False
        return bool(self.low_ms <= other.high_ms and other.low_ms <= self.high_ms)  # type: ignore[operator]


def _spread(ordered: Sequence[float]) -> float:
    if len(ordered) < 2:
        return 0.0
    first, _, third = quantiles(ordered, n=4, method="inclusive")
    return third - first


def _bounds(ordered: Sequence[float]) -> tuple[float, float]:
    rank = _rank(len(ordered))
    return ordered[rank - 1], ordered[-rank]


@cache
def _rank(count: int) -> int:
    """The r for which the r-th smallest and the r-th largest of `count` samples bound the median. 1 when too few."""
    rank, outside = 1, 1 / 2**count
    while rank < count // 2:
        outside += comb(count, rank) / 2**count
        if 1 - 2 * outside < CONFIDENCE:
            break
        rank += 1
    return rank


def combined(latencies: Sequence[Latency]) -> Latency:
    """One latency for several places that measured the same Region: the mean of their medians and of their bounds."""
    answered = [latency for latency in latencies if latency.median_ms is not None]
    error = next((latency.error for latency in latencies if latency.error), "")
    lost = sum(latency.lost for latency in latencies)
    if not answered or len(answered) < len(latencies):  # not reached from one of them: no place for all
        return Latency(samples=sum(latency.samples for latency in latencies), lost=lost, error=error)
    return Latency(
        median_ms=fmean(latency.median_ms or 0.0 for latency in answered),
        spread_ms=fmean(latency.spread_ms or 0.0 for latency in answered),
        low_ms=fmean(latency.low_ms or 0.0 for latency in answered),
        high_ms=fmean(latency.high_ms or 0.0 for latency in answered),
        samples=sum(latency.samples for latency in answered),
        lost=lost,
        error=error,
    )


@dataclass(frozen=True, slots=True)
class Ranking:
    """`order`: nearest first, then lossy ones, then those that did not answer.

    `nearest` is None when nothing did. `ties` are those whose medians cannot be distinguished from the nearest one's.
    """

    order: tuple[str, ...]
    nearest: str | None
    ties: tuple[str, ...]
    lossy: frozenset[str]


def rank(latencies: Mapping[str, Latency], *, closed: Collection[str] = ()) -> Ranking:
    """Order places by nearness. Those in `closed` are ordered as all, and never called nearest or a tie."""
    lossy = frozenset(name for name in latencies if _is_lossy(name, latencies))

    def key(name: str) -> tuple[bool, bool, float, str]:
        found = latencies[name].median_ms
        return found is None, name in lossy, found if found is not None else 0.0, name

    order = tuple(sorted(latencies, key=key))
    open_to = [name for name in order if latencies[name].median_ms is not None and name not in closed]
    if not open_to:
        return Ranking(order, None, (), lossy)
    nearest = open_to[0]
    ties = tuple(
        name
        for name in open_to[1:]
        if (name in lossy) == (nearest in lossy) and latencies[name].overlaps(latencies[nearest])
    )
    return Ranking(order, nearest, ties, lossy)


def undecided(latencies: Mapping[str, Latency]) -> frozenset[str]:
    """The places of which more samples are needed to say which is nearest; none when that is certain.

    Those that tie for it, and those that would be nearer were it not for their losses.
    """
    ranking = rank(latencies)
    if ranking.nearest is None:
        return frozenset()
    best = latencies[ranking.nearest]
    near = frozenset(
        name
        for name, latency in latencies.items()
        if latency.low_ms is not None and best.high_ms is not None and latency.low_ms <= best.high_ms
    )
    return near if len(near) > 1 or best.lost else frozenset()


def _is_lossy(name: str, latencies: Mapping[str, Latency]) -> bool:
    """Whether it loses more than the line does: a loss that is everywhere is no Region's own."""
    own = latencies[name]
    if not own.lost:
        return False
    others = [
        latency
        for other, latency in latencies.items()
        if other != name and latency.tried and latency.lost / latency.tried < DEAD
    ]
    tried = sum(latency.tried for latency in others)
    usual = max(USUAL_LOSS, sum(latency.lost for latency in others) / tried if tried else 0.0)
    # The chance of this many losses or more, were each connect lost as often as elsewhere.
    fewer = sum(comb(own.tried, lost) * usual**lost * (1 - usual) ** (own.tried - lost) for lost in range(own.lost))
    return 1 - fewer < SURPRISE
