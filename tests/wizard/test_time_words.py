"""A day is named by its distance from today."""

from datetime import UTC, datetime, timedelta

import pytest

from onboard.wizard.time_words import Day, moment

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "day"),
    [
        (0, Day.TODAY),
        (1, Day.YESTERDAY),
        (2, Day.WEEKDAY),
        (6, Day.WEEKDAY),
        (7, Day.THIS_YEAR),
        (327, Day.THIS_YEAR),
        (328, Day.OTHER),
        (-1, Day.THIS_YEAR),
    ],
)
def test_a_day_is_called_by_how_long_ago_it_was(days: int, day: Day) -> None:
    then = NOW - timedelta(days=days)
    found = moment(then.isoformat(), NOW)
    assert found.day is day
    assert found.local == then
