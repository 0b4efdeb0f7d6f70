"""Suites of many drawn cases: a few of them in every run, all of them by `pytest -m whole FILE`.

    @sizes(small=12, whole=200)
    def test_…(cases: int, tally: Tally) -> None:
        draw = tally.draw(SEED)
        for _ in range(cases):
            with tally.case():
                …

A case that fails does not keep the others from being tried; the test fails at its end. What became of them all stands
in a line at the end of the run, for small sizes as well.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

TALLY = "tally"  # of a report's properties
SMALL_LIMIT = 1800  # seconds for the test
WHOLE_LIMIT = 12 * 3600


def sizes(*, small: int, whole: int) -> pytest.MarkDecorator:
    """Run the test with `cases` = small; and with `whole` where that is asked for."""
    return pytest.mark.parametrize(
        "cases",
        [
            pytest.param(small, id="small", marks=pytest.mark.timeout(SMALL_LIMIT)),
            pytest.param(whole, id="whole", marks=[pytest.mark.whole, pytest.mark.timeout(WHOLE_LIMIT)]),
        ],
    )


@dataclass
class Tally:
    """Counts a suite's cases. `numbers` goes with the test's report as it is when the test ends."""

    numbers: dict[str, int] = field(default_factory=lambda: {"cases": 0, "failures": 0, "seed": 0})
    failures: list[str] = field(default_factory=list)

    def draw(self, seed: int) -> random.Random:
        """What the cases are drawn from."""
        self.numbers["seed"] = seed
        return random.Random(seed)  # noqa: S311 - what is tested is no secret

    @contextmanager
    def case(self) -> Iterator[None]:
        self.numbers["cases"] += 1
        try:
            yield
        except AssertionError as failure:
            self.numbers["failures"] += 1
            self.failures.append(f"case {self.numbers['cases']}: {failure}")


def line_of(report: pytest.TestReport) -> str:
    """What became of a suite, in a line; "" of any other test."""
    numbers = dict(report.user_properties).get(TALLY)
    if numbers is None:
        return ""
    counts = "{cases} cases, {failures} failures, seed {seed}".format(**numbers)
    return f"{report.nodeid}: {counts}, {report.duration / 60:.1f} minutes"
