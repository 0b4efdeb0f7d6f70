"""What answers in place of AWS is never taken for AWS, and no call that may have been carried out is sent again."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import OperationModel, Shape
from faulty_aws import Fault, Line, faulty

import onboard.aws
from onboard.aws.answers import ONCE
from onboard.aws.changes.activations import (
    ActivationWish,
    NewActivation,
    delete_activation,
    find_activations,
)
from onboard.aws.changes.role import ensure_role, plan_role
from onboard.aws.commands import invocations, send_script
from onboard.aws.failures import asking
from onboard.aws.headroom import headroom
from onboard.aws.identity import Identity, identify
from onboard.aws.instances import deregister, nodes
from onboard.aws.permissions import missing_permissions
from onboard.aws.regions import enabled
from onboard.aws.roles import find_role
from onboard.aws.session import Aws, open_aws
from onboard.model.cancel import CancelToken
from onboard.model.errors import AwsError
from onboard.model.profile import Profile, RoleSection

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud

NODE = "mi-" + "0" * 17
WHO = Identity(account="123456789012", arn="arn:aws:iam::123456789012:user/me", partition="aws")
WISH = ActivationWish(role="OnboardSSMServiceRole", name="web", size=3, expires_in_hours=4, tags={}, run="r-1")
FOREIGN = (Fault.HTML, Fault.EMPTY, Fault.BRACES, Fault.LIST, Fault.NULL, Fault.BYTES)
CALLS: dict[str, Callable[[Aws], object]] = {
    "GetCallerIdentity": identify,
    "GetRole": lambda aws: find_role(aws, "r"),
    "DescribeActivations": lambda aws: find_activations(aws, name="web", run="r-1"),
    "DeleteActivation": lambda aws: delete_activation(aws, "0" * 36),
    "DescribeInstanceInformation": lambda aws: nodes(aws, [NODE]),
    "DeregisterManagedInstance": lambda aws: deregister(aws, NODE),
    "SendCommand": lambda aws: list(send_script(aws, [NODE], "x", document="d", comment="c")),
    "ListCommandInvocations": lambda aws: invocations(aws, ["0" * 36]),
    "GetServiceSetting": lambda aws: headroom(aws, WHO, 1),
}
# As in aws.ssm.send_command(…), aws.client("ec2").describe_regions(…), aws.iam.get_paginator("list_role_policies")
_CALL = re.compile(r"""aws\.(?:client\("([\w-]+)"\)|(\w+))\.(?:get_paginator\("(\w+)"\)|(\w+)\()""")


def calls_in_the_code() -> dict[str, OperationModel]:
    """Operation → its model, of every call of a client that the program makes."""
    session = botocore.session.Session()
    found = {}
    for file in Path(onboard.aws.__file__).parent.parent.rglob("*.py"):
        for named, service, paginated, called in _CALL.findall(file.read_text(encoding="utf-8")):
            service = named or service
            if service not in ("session", "region", "partition") and "practice" not in file.parts:
                model = session.get_service_model(service)
                names = {xform_name(name): name for name in model.operation_names}
                operation = names[paginated or called]
                found[operation] = model.operation_model(operation)
    return found


def least(shape: Shape | None) -> Any:
    """The smallest value that boto3 sends for a parameter."""
    match shape.type_name if shape else "":
        case "structure":
            assert shape is not None
            return {name: least(shape.members[name]) for name in shape.required_members}  # type: ignore[attr-defined]
        case "list":
            return [least(shape.member)]  # type: ignore[union-attr]
        case "string":
            assert shape is not None
            return next(iter(shape.metadata.get("enum", ())), "x" * max(shape.metadata.get("min", 0), 1))
        case kind:
            return {"": {}, "integer": 1, "boolean": True}[kind]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.aws.answers.random.random", lambda: 0.0)


@pytest.fixture
def line(cloud: "Cloud", monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    with faulty(cloud.endpoint_url) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL", opened.url)
        yield opened


@pytest.fixture
def aws(line: Line) -> Iterator[Aws]:
    opened = open_aws(Profile())
    yield opened
    opened.close()


def test_what_is_not_aws_is_told_whatever_it_answers(line: Line, aws: Aws) -> None:
    for operation, call in CALLS.items():
        for fault in FOREIGN:
            line.always, line.seen[:] = {operation: fault}, []
            with pytest.raises(AwsError, match="did not come from AWS") as caught:
                call(aws)
            assert caught.value.exit_code == 3
            assert caught.value.unanswered
            assert line.seen.count(operation) == (1 if operation in ONCE else 3), (operation, fault)


def test_no_call_of_the_program_takes_anything_else_for_aws(line: Line, aws: Aws) -> None:
    found = calls_in_the_code()
    assert {*CALLS, *ONCE, "ListRegions", "DescribeRegions", "SimulatePrincipalPolicy"} <= found.keys()
    for operation, model in found.items():
        service = model.service_model.service_name
        call = getattr(aws.client(service), xform_name(operation))
        for fault in FOREIGN:
            line.always, line.seen[:] = {operation: fault}, []
            with pytest.raises(AwsError, match="did not come from AWS") as caught, asking(f"{service}:{operation}"):
                call(**least(model.input_shape))
            assert caught.value.exit_code == 3
            assert caught.value.unanswered
            assert line.seen.count(operation) == (1 if operation in ONCE else 3), (operation, fault)


def test_regions_and_permissions_are_not_known_where_something_else_answers(line: Line, aws: Aws) -> None:
    for fault in FOREIGN:
        line.always = dict.fromkeys(("DescribeRegions", "ListRegions", "SimulatePrincipalPolicy"), fault)
        assert enabled(aws) is None
        found = missing_permissions(aws, WHO, Profile())
        assert not found.missing
        assert "did not come from AWS" in found.unknown


def test_one_foreign_answer_does_no_harm(line: Line, aws: Aws) -> None:
    for fault in FOREIGN:
        line.next("GetCallerIdentity", fault)
        line.next("DescribeActivations", fault)
        assert identify(aws).account == WHO.account
        assert find_activations(aws, name="web", run="r-1") == ()


def test_an_answer_that_lacks_a_part_is_not_aws() -> None:
    for error in (KeyError("CommandId"), TypeError(), AttributeError(), ValueError(), IndexError()):
        with pytest.raises(AwsError, match="did not come from AWS"), asking("ssm:SendCommand"):
            raise error


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.RESET, Fault.LOST_502, Fault.HTML, Fault.BRACES])
def test_a_lost_activation_is_deleted_and_another_one_made(line: Line, aws: Aws, fault: Fault) -> None:
    ensure_role(aws, WHO, plan_role(aws, WHO, RoleSection()))
    line.next("CreateActivation", fault)
    ours = set[str]()
    earlier = NewActivation(WISH, ours).make(aws, CancelToken())
    line.seen.clear()
    line.next("CreateActivation", fault)
    made = NewActivation(WISH, ours).make(aws, CancelToken())
    assert line.seen.count("CreateActivation") == 2
    left = {state.id for state in find_activations(aws, name="web", run="r-1")}
    assert {earlier.kept["id"], made.kept["id"]} == left, "only those whose codes are known"


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LOST_502, Fault.RESET])
def test_a_command_is_sent_once(line: Line, aws: Aws, fault: Fault) -> None:
    line.always = {"SendCommand": fault}
    with pytest.raises(AwsError) as caught:
        list(send_script(aws, [NODE], "x", document="d", comment="c"))
    assert caught.value.unanswered
    assert line.seen == ["SendCommand"]


def test_a_role_whose_creation_was_not_answered_is_known_as_created(line: Line, aws: Aws) -> None:
    line.next("CreateRole", Fault.LOST)
    undo = ensure_role(aws, WHO, plan_role(aws, WHO, RoleSection()))
    assert undo["delete"] == "role"


def test_an_aws_that_never_answers_has_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.aws.answers.READ_TIMEOUT", 0.2)
    monkeypatch.setattr("onboard.aws.answers.LIMIT", 0.1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def accept() -> None:
            while True:
                try:
                    asked.append(silent.accept())
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        with pytest.raises(AwsError, match="cannot be reached"):
            identify(open_aws(Profile.model_validate({"region": {"name": "eu-central-1"}})))
        assert len(asked) == 1, "the limit was over when the first request had no answer"
        silent.shutdown(socket.SHUT_RDWR)
    for connection, _ in asked:
        connection.close()
