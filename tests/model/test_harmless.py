"""Whatever a server, AWS or a proxy wrote is harmless in every value that is shown."""

import dataclasses
import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.model import events
from onboard.model.changes import ChangeName, FailureKind, StepOutcome
from onboard.model.errors import HostUnreachable
from onboard.model.event_json import event_from_json
from onboard.model.events import (
    AwsChanged,
    FactsGathered,
    HostFinished,
    HostJudged,
    Noted,
    PlanMade,
    Recorded,
    RunFailed,
    StepFinished,
)
from onboard.model.finding import Finding, Verdict
from onboard.model.harmless import Harmless, harmless
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.state import fold
from onboard.model.status import HostStatus
from onboard.model.words import Remedy, Text, joined

TITLE = "\x1b]0;All servers online\x07"
CLEARED = "\x1b[2J\x1b[H\x9b2J"
TURNED = "\u202eenilno sevres llA\u2066\u2069\u200f"
HOSTILE = f"{TITLE}{CLEARED}{TURNED}\r\b\0\ud800 end"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain – “text” in 日本語, עברית: ✓", "plain – “text” in 日本語, עברית: ✓"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("from Windows\r\nor a progress bar\rover itself", "from Windows\nor a progress bar\nover itself"),
        ("a\u2028b\x0bc\x0cd\x85e", "a\nb\nc\nd\ne"),
        ("10\u00a0%\u202f", "10\u00a0%\u202f"),
        (TITLE, "�]0;All servers online�"),
        ("\x1b[2J", "�[2J"),
        ("\x9b2J", "�2J"),
        ("\u202etxt.exe", "�txt.exe"),
        ("\ud800", "�"),
    ],
)
def test_characters_that_do_not_print_are_replaced(said: str, shown: str) -> None:
    assert harmless(said) == shown


@given(st.text(st.characters()))
def test_nothing_but_text_blanks_and_line_ends_is_left(said: str) -> None:
    shown = harmless(said)
    assert all(one.isprintable() or one.isspace() for one in shown)
    assert not set(shown) & {"\x1b", "\x9b", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\u2028", "\u2029"}
    assert harmless(shown) == shown


def made() -> Iterator[events.Event]:
    finding = Finding.of("check", Verdict.FAIL, Text("it is {what}", what=HOSTILE), remedy=HOSTILE, evidence=HOSTILE)
    yield FactsGathered(host="a", facts={"kernel": {HOSTILE: [HOSTILE, {"x": (HOSTILE,)}]}}, unknown={"y": HOSTILE})
    yield HostJudged(host="a", status=HostStatus.BLOCKED, findings=(finding,))
    yield HostFinished.of(
        "a", HostStatus.FAILED, reason=joined(Text("a {b}", b=1), HOSTILE), remedy=Remedy(HOSTILE), evidence=HOSTILE
    )
    yield StepFinished(
        host="a", step=ChangeName.INSTALL_AGENT, outcome=StepOutcome.FAILED, detail=HOSTILE, evidence=HOSTILE
    )
    yield AwsChanged(change=ChangeName.CREATE_ROLE, subject=HOSTILE, summary=HOSTILE)
    change = Change(name=ChangeName.CONFIGURE_PROXY, summary=HOSTILE, detail={"a": HOSTILE}, before={"a": HOSTILE})
    yield PlanMade(
        plan=Plan(account="", region="", hosts=(HostPlan(host="a", changes=(change,)),), warnings=(HOSTILE,))
    )
    yield RunFailed(kind=FailureKind.AWS, what=HOSTILE, where=HOSTILE, why=HOSTILE)
    yield Noted(text=HOSTILE)


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts_in([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


@pytest.mark.parametrize("event", list(made()), ids=lambda event: type(event).__name__)
def test_an_event_is_harmless_in_whatever_form_it_is_read(event: events.Event) -> None:
    read = event_from_json(event.to_json())
    assert read is not None
    for one in (event, read, Recorded(command="apply", time="", told=event)):
        every = list(texts_in(one.to_json()))
        assert any("All servers online" in text for text in every)
        assert all(text == harmless(text) for text in every)
    assert repr(fold([event])).isprintable()


def test_an_earlier_runs_event_that_was_recorded_raw_is_harmless_too() -> None:
    told = event_from_json({"event": "noted", "text": HOSTILE, "host": HOSTILE})
    assert isinstance(told, Noted)
    assert (told.text, told.host) == (harmless(HOSTILE), harmless(HOSTILE))


def test_an_error_is_harmless_and_keeps_what_it_is_made_of() -> None:
    why = Text("It said {said}", said=HOSTILE)
    error = HostUnreachable("It failed", where=HOSTILE, why=why, remedy=Remedy(HOSTILE))
    assert str(error).isprintable() or "\n" in str(error)
    assert error.why is why
    assert str(error) == harmless(str(error))
    assert repr(error).isprintable()


def dataclasses_in(annotation: Any, seen: set[type]) -> None:
    for part in typing.get_args(annotation):
        dataclasses_in(part, seen)
    if inspect.isclass(annotation) and dataclasses.is_dataclass(annotation) and annotation not in seen:
        seen.add(annotation)
        for hint in typing.get_type_hints(annotation).values():
            dataclasses_in(hint, seen)


def test_every_value_that_an_event_can_hold_is_made_harmless() -> None:
    seen: set[type] = set()
    for kind in vars(events).values():
        dataclasses_in(kind, seen)
    assert len(seen) > 30
    assert [kind.__name__ for kind in seen if not issubclass(kind, Harmless)] == []
