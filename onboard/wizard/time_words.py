"""Times relative to now, as people say them. The GUI has the words."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Day(StrEnum):
    """How to name a day."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEKDAY = "weekday"  # one of the six days before today
    THIS_YEAR = "this year"  # day and month
    OTHER = "other"  # day, month and year


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in local time (`local`), and how to name its day."""

    local: datetime
    day: Day


def moment(text: str, now: datetime | None = None) -> Moment:
    """Parse `text` (ISO 8601). Raises ValueError if it is malformed."""
    local = datetime.fromisoformat(text).astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    return Moment(local, _day(local, today))


def _day(local: datetime, today: datetime) -> Day:
    days = (today.date() - local.date()).days
    if days == 0:
        return Day.TODAY
    if days == 1:
        return Day.YESTERDAY
    if 1 < days < 7:
        return Day.WEEKDAY
    return Day.THIS_YEAR if local.year == today.year else Day.OTHER
