"""Events out of their JSON again, for whoever reads another process's lines."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from onboard.model import events
from onboard.model.events import Event, name_of


@cache
def _readers() -> dict[str, TypeAdapter[Any]]:
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return {name_of(kind): TypeAdapter(kind) for kind in kinds if kind is not Event}


def event_from_json(line: Mapping[str, Any]) -> Event | None:
    """The event of a JSON object; None for a kind, or a shape, that this version does not know."""
    reader = _readers().get(str(line.get("event")))
    if reader is None:
        return None
    fields = {key: value for key, value in line.items() if key not in ("event", "v", "id")}
    try:
        event: Event = reader.validate_python(fields)
    except ValidationError:
        return None
    return event
