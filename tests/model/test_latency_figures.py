"""What may be concluded from latencies: medians, their intervals, ties, losses, and when more samples are needed."""

import random
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from onboard.model.latency import Latency, combined, rank, undecided


def around(centre: float, *, lost: int = 0, count: int = 10) -> Latency:
    """Samples evenly within 1 ms of `centre`."""
    return Latency.of([centre - 1 + 2 * i / (count - 1) for i in range(count)], lost)


def test_ten_samples_are_bounded_by_the_second_and_the_ninth() -> None:
    found = Latency.of([10, 1, 9, 2, 8, 3, 7, 4, 6, 5])
    assert (found.median_ms, found.low_ms, found.high_ms, found.samples) == (5.5, 2, 9, 10)
    assert found.spread_ms == 4.5
    assert Latency.of([7.0]) == Latency(7.0, 0.0, 7.0, 7.0, 1)
    assert Latency.of([], 3, "why").median_ms is None


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    dice = random.Random(1)  # noqa: S311 - the same numbers each time
    truth = 0.6931471805599453  # of the exponential distribution, which is as skewed as real latencies
    for count in (10, 15, 20, 30):
        drawn = [Latency.of(dice.expovariate(1) for _ in range(count)) for _ in range(2000)]
        held = sum(found.low_ms <= truth <= found.high_ms for found in drawn if found.low_ms and found.high_ms)
        assert held / 2000 > 0.94, count


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=40))
def test_figures_are_in_order(times: list[float]) -> None:
    found = Latency.of(times)
    assert found.median_ms == median(times)
    assert min(times) <= (found.low_ms or 0) <= (found.median_ms or 0) <= (found.high_ms or 0) <= max(times)


def test_the_nearest_is_first_and_what_overlaps_it_is_a_tie() -> None:
    ranking = rank({"far": around(90), "b": around(11), "a": around(10), "c": around(15), "dead": Latency(lost=10)})
    assert ranking.order == ("a", "b", "c", "far", "dead")
    assert ranking.nearest == "a"
    assert ranking.ties == ("b",)


def test_one_that_loses_more_than_the_line_does_is_not_nearest() -> None:
    places = {"near": around(5, lost=3), "far": around(50), **{f"r{i}": around(100 + i) for i in range(8)}}
    ranking = rank(places)
    assert ranking.lossy == {"near"}
    assert ranking.nearest == "far"
    assert ranking.order[-1] == "near"


def test_on_a_line_that_loses_everywhere_the_nearest_is_still_nearest() -> None:
    places = {"near": around(5, lost=3), **{f"r{i}": around(50 + i, lost=1 + i % 3) for i in range(10)}}
    assert rank(places).nearest == "near"
    assert not rank(places).lossy


def test_a_closed_region_keeps_its_place_but_is_not_recommended() -> None:
    ranking = rank({"a": around(10), "b": around(20)}, closed={"a"})
    assert ranking.order == ("a", "b")
    assert (ranking.nearest, ranking.ties) == ("b", ())
    assert rank({"a": around(10)}, closed={"a"}).nearest is None


def test_more_samples_are_wanted_of_those_that_could_be_nearest() -> None:
    assert undecided({"a": around(10), "b": around(20)}) == frozenset()
    assert undecided({"a": around(10), "b": around(11), "c": around(30)}) == {"a", "b"}
    assert undecided({"a": around(10, lost=1), "b": around(20)}) == {"a"}
    lossy = {"a": around(5, lost=4), "b": around(20), **{f"r{i}": around(100) for i in range(8)}}
    assert undecided(lossy) == {"a", "b"}
    assert undecided({"a": Latency(lost=10)}) == frozenset()


def test_several_places_are_one_by_the_mean_of_their_medians() -> None:
    both = combined([around(10), around(20, lost=2)])
    assert (both.median_ms, both.low_ms, both.samples, both.lost) == (
        15,
        (around(10).low_ms + around(20).low_ms) / 2,
        20,
        2,
    )
    assert combined([around(10), Latency(lost=10, error="silence")]) == Latency(samples=10, lost=10, error="silence")
