"""Events to JSON and back."""

import json
from dataclasses import replace

from onboard.model.event_json import PART, event_from_json, in_parts
from onboard.model.events import PhaseStarted, PlanMade, PlanPart
from onboard.model.plan import Change, HostPlan, Plan


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
