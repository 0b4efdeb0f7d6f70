"""Events to JSON and back."""

import json
from dataclasses import replace

import pytest

from onboard.model.event_json import PART, event_from_json, in_parts
from onboard.model.events import (
    AwsChanged,
    FactsGathered,
    HostJudged,
    Noted,
    PhaseStarted,
    PlanMade,
    PlanPart,
    Recorded,
    RoleShown,
)
from onboard.model.finding import Finding, Verdict
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.status import HostStatus
from onboard.model.words import Text, phrasings_of, texts_of


def plan(count: int) -> Plan:
    changes = (Change(name="install_agent", summary="Install it", detail={"version": "1"}),)
    return Plan(account="1", region="r", hosts=tuple(HostPlan(host=f"srv-{n}", changes=changes) for n in range(count)))


def test_a_long_plan_is_told_in_parts() -> None:
    whole = plan(2 * PART + 1)
    *parts, last = (event_from_json(json.loads(json.dumps(part.to_json()))) for part in in_parts(PlanMade(plan=whole)))
    hosts: tuple[HostPlan, ...] = ()
    for part in parts:
        assert isinstance(part, PlanPart)
        assert len(part.hosts) == PART
        hosts += part.hosts
    assert isinstance(last, PlanMade)
    assert replace(last.plan, hosts=hosts + last.plan.hosts) == whole


def test_what_is_short_is_told_as_it_is() -> None:
    for event in (PlanMade(plan=plan(PART)), PhaseStarted(phase="facts", total=3)):
        assert list(in_parts(event)) == [event]


def test_a_line_tells_of_the_event_and_of_one_inside_it() -> None:
    finding = Finding(check="clock_in_sync", status=Verdict.PASS, summary="the clock is right")
    judged = HostJudged(host="srv-1", status=HostStatus.READY, findings=(finding,))
    line = Recorded(command="check", time="2026-11-29T12:00:00.000+00:00", told=judged).to_line(id=7)
    assert line.startswith('{"id": 7, "event": "recorded", "v": 1, "command": "check", ')
    told = json.loads(line)["told"]
    assert list(told) == ["event", "v", "host", "status", "findings"]
    assert (told["event"], told["status"]) == ("host_judged", "ready")
    assert told["findings"][0]["status"] == "pass"
    assert event_from_json(told) == judged


def test_a_note_keeps_its_template() -> None:
    note = Noted.warning(Text("Activation {id} could not be deleted", id="a-1"))
    line = json.loads(json.dumps(note.to_json()))
    assert (line["text"], line["level"]) == ("Activation a-1 could not be deleted", "warning")
    read = event_from_json(line)
    assert isinstance(read, Noted)
    assert (read.sentence.template, read.sentence.values) == ("Activation {id} could not be deleted", {"id": "a-1"})


def test_a_note_of_the_version_before_is_its_own_template() -> None:
    read = event_from_json({"event": "noted", "v": 1, "text": "{braces} stay", "host": "", "level": "info"})
    assert isinstance(read, Noted)
    assert (read.sentence, read.sentence.template) == ("{braces} stay", "{braces} stay")


def test_what_json_has_no_type_for_is_a_defect() -> None:
    with pytest.raises(TypeError, match="set"):
        FactsGathered(host="srv-1", facts={"ports": {22}}).to_line()


def test_a_change_in_aws_keeps_its_template() -> None:
    changed = AwsChanged.of("delete_role", "R", Text("Role {role} was deleted.", role="R"))
    line = json.loads(json.dumps(changed.to_json()))
    assert line["summary"] == "Role R was deleted."
    read = event_from_json(line)
    assert isinstance(read, AwsChanged)
    assert read == changed
    assert (read.sentence.template, read.sentence.values) == ("Role {role} was deleted.", {"role": "R"})
    del line["wording"]
    earlier = event_from_json(line)
    assert isinstance(earlier, AwsChanged)
    assert (earlier.sentence, earlier.sentence.template) == ("Role R was deleted.", "Role R was deleted.")


def test_sentences_of_a_role_keep_their_templates() -> None:
    warnings = (Text("Role {role} lacks a policy", role="R"), Text("It is old"))
    shown = RoleShown(
        name="R",
        exists=True,
        trust="",
        policies=(),
        changes=(),
        warnings=tuple(map(str, warnings)),
        phrasings=phrasings_of(warnings),
    )
    read = event_from_json(json.loads(json.dumps(shown.to_json())))
    assert isinstance(read, RoleShown)
    assert read.warnings == ("Role R lacks a policy", "It is old")
    texts = texts_of(read.warnings, read.phrasings)
    assert [(text, text.template) for text in texts] == [(text, text.template) for text in warnings]
