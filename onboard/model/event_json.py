"""Reads events from JSON, for a process that receives another process's lines."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from onboard.model import events
from onboard.model.events import Event, PlanMade, PlanPart, Recorded, name_of

PART = 500  # servers of a plan in one line: to read thousands at once takes a tenth of a second


def in_parts(event: Event) -> Iterator[Event]:
    """A long plan as PlanParts and a PlanMade with the rest, for a reader that has other things to do meanwhile."""
    if isinstance(event, Recorded):
        for part in in_parts(event.told):
            yield replace(event, told=part)
        return
    if isinstance(event, PlanMade):
        hosts = event.plan.hosts
        while len(hosts) > PART:
            yield PlanPart(hosts=hosts[:PART])
            hosts = hosts[PART:]
        event = PlanMade(plan=replace(event.plan, hosts=hosts))
    yield event


@cache
def _readers() -> dict[str, TypeAdapter[Any]]:
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return {name_of(kind): TypeAdapter(kind) for kind in kinds if kind not in (Event, Recorded)}


def event_from_json(line: Mapping[str, Any]) -> Event | None:
    """The event of a JSON object; None for a kind, or a shape, that this version does not know."""
    if line.get("event") == name_of(Recorded):
        told = event_from_json(line["told"])
        return Recorded(command=line["command"], time=line["time"], told=told) if told else None
    reader = _readers().get(str(line.get("event")))
    if reader is None:
        return None
    fields = {key: value for key, value in line.items() if key not in ("event", "v", "id")}
    try:
        event: Event = reader.validate_python(fields)
    except ValidationError:
        return None
    return event
