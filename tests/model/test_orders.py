"""What the window says to the engine child arrives as it was given, and what is no order is refused by name."""

import json
from dataclasses import dataclass

import pytest

from onboard.model import orders
from onboard.model.changes import ChangeName
from onboard.model.orders import CONTROLS, ORDERS, Control, NotAnOrder, Order, Ordered, SecretAnswer, from_json
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.profile import Credential, CredentialKind, Host, Profile

PLAN = Plan(
    account="1",
    region="eu-west-1",
    hosts=(HostPlan(host="a", changes=(Change(name=ChangeName.START_AGENT, summary="Start"),)),),
)
GIVEN = (
    orders.Account(),
    orders.Preview(),
    orders.Regions(servers=("a", "b")),
    orders.Trust(approve={"a": "SHA256:x"}, known_hosts="/k"),
    orders.Probe(host="a"),
    orders.Check(only=("os_supported",)),
    orders.Plan(),
    orders.Apply(plan=PLAN),
    orders.Apply(resume="r"),
    orders.Undo(run="r"),
    orders.UndoPreview(run="r"),
    orders.Runs(),
    orders.ShowRun(run="r"),
    orders.Report(run="r", format="html", file="/r.html"),
)
HELD = (
    orders.Stop(number=7),
    orders.StopNow(number=7),
    orders.Pause(number=7),
    orders.GoOn(number=7),
    SecretAnswer(name="linux", value="s3cret", keep=True),
    SecretAnswer(name="linux", value=None),
)


@pytest.mark.parametrize("order", GIVEN, ids=lambda order: type(order).__name__)
def test_an_order_arrives_as_it_was_given(order: Order) -> None:
    credential = Credential(kind=CredentialKind.SSH_PASSWORD, username="Łukasz")
    profile = Profile(name="Lab", hosts=(Host(name="a", address="10.0.0.1"),), credentials={"linux": credential})
    given = Ordered(number=7, order=order, profile=profile, path="/p.toml")
    assert "\n" not in given.to_json()
    assert from_json(given.to_json()) == given


@pytest.mark.parametrize("control", HELD, ids=lambda control: type(control).__name__)
def test_a_control_arrives_as_it_was_given(control: Control) -> None:
    assert from_json(control.to_json()) == control


def test_every_kind_is_tried_here() -> None:
    assert {type(order) for order in GIVEN} == set(ORDERS.values())
    assert {type(control) for control in HELD} == set(CONTROLS.values())


@dataclass
class Wrong:
    line: str
    number: int | None
    said: str


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong("no JSON", None, "not a JSON object"),
        Wrong("[1]", None, "not a JSON object"),
        Wrong('{"id": 7, "do": "reboot"}', 7, "no command reboot"),
        Wrong('{"id": 7}', 7, "no command"),
        Wrong('{"do": "check"}', None, "check: An order has no id"),
        Wrong('{"id": "7", "do": "check"}', None, "check: An order has no id"),
        Wrong('{"id": 7, "do": "undo"}', 7, "undo: An order cannot be read. run: Field required"),
        Wrong('{"id": 7, "do": "check", "profile": {"hosts": 1}}', 7, "check: An order cannot be read. hosts"),
        Wrong('{"id": 7, "do": "apply", "plan": {"account": "1"}}', 7, "plan.region: Field required"),
        Wrong('{"do": "stop"}', None, "stop: An order cannot be read. number: Field required"),
    ],
    ids=lambda wrong: wrong.line,
)
def test_what_cannot_be_read_is_refused_by_name(wrong: Wrong) -> None:
    with pytest.raises(NotAnOrder) as refused:
        from_json(wrong.line)
    assert refused.value.number == wrong.number
    assert wrong.said in str(refused.value)


def test_a_secret_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(NotAnOrder) as refused:
        from_json(json.dumps({"do": "secret", "name": "linux", "value": ["s3cret"]}))
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert "s3cret" not in repr(SecretAnswer(name="linux", value="s3cret"))
