"""Times as people say them."""

from datetime import UTC, datetime


def when(moment: str, now: datetime | None = None) -> tuple[str, str]:
    """(relative, absolute) words, in local time, for an ISO 8601 moment: ("today 14:09", "2026-11-24 14:09")."""
    local = datetime.fromisoformat(moment).astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    absolute = f"{local:%Y-%m-%d %H:%M}"
    days = (today.date() - local.date()).days
    if days == 0:
        return f"today {local:%H:%M}", absolute
    if days == 1:
        return f"yesterday {local:%H:%M}", absolute
    if 1 < days < 7:
        return f"{local:%A}", absolute
    if local.year == today.year:
        return f"{local.day} {local:%B}", absolute
    return f"{local.day} {local:%B %Y}", absolute
