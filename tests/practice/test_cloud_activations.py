"""Activations, and the tier of nodes: what AWS would answer."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from practice_bench import Practice

TIER = "/ssm/managed-instance/activation-tier"


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """The error code and text a call is refused with."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error.get("Message", "")


def test_the_code_is_shown_once(practice: Practice) -> None:
    code, activation_id = practice.activation(5, Description="racks 1 to 5", DefaultInstanceName="rack")
    assert re.fullmatch(r"[A-Za-z0-9+/]{20}", code)
    answer = practice.client("ssm").describe_activations()
    assert code not in repr(answer)
    (described,) = answer["ActivationList"]
    created = described.pop("CreatedDate")
    assert described.pop("ExpirationDate") - created == timedelta(days=1)
    assert described == {
        "ActivationId": activation_id,
        "Description": "racks 1 to 5",
        "DefaultInstanceName": "rack",
        "IamRole": "Nodes",
        "RegistrationLimit": 5,
        "RegistrationsCount": 0,
        "Expired": False,
        "Tags": [],
    }
    assert code not in repr(practice.cloud.calls.after())


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"RegistrationLimit": 1001},
            (
                "1 validation error detected: Value '1001' at 'registrationLimit' failed to satisfy constraint: "
                "Member must have value less than or equal to 1000"
            ),
        ),
        (
            {"IamRole": "r" * 65},
            (
                f"1 validation error detected: Value '{'r' * 65}' at 'iamRole' failed to satisfy constraint: "
                "Member must have length less than or equal to 64"
            ),
        ),
        (
            {"Tags": [{"Key": "a", "Value": "b"}, {"Key": "no?", "Value": "x" * 257}]},
            (
                "2 validation errors detected: Value 'no?' at 'tags.2.member.key' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$; "
                f"Value '{'x' * 257}' at 'tags.2.member.value' failed to satisfy constraint: "
                "Member must have length less than or equal to 256"
            ),
        ),
    ],
)
def test_limits_are_those_of_the_service_model(practice: Practice, changed: dict[str, Any], text: str) -> None:
    call = practice.client("ssm").create_activation
    assert refused(call, **{"IamRole": "Nodes", **changed}) == ("ValidationException", text)


def test_names_may_have_letters_of_every_script(practice: Practice) -> None:
    practice.activation(DefaultInstanceName="Straße 東京 7", Tags=[{"Key": "Größe", "Value": "٣"}])


def test_what_is_missing_is_named_before_it_is_looked_for(practice: Practice) -> None:
    answer = practice.operation("AmazonSSM.CreateActivation", {}, "AKIATESTTESTTESTTEST")
    assert answer.status == 400
    assert answer.json == {
        "__type": "ValidationException",
        "message": "1 validation error detected: Value null at 'iamRole' failed to satisfy constraint: "
        "Member must not be null",
    }


def test_a_wrong_type_is_a_serialization_error(practice: Practice) -> None:
    body = {"IamRole": "Nodes", "RegistrationLimit": "ten"}
    answer = practice.operation("AmazonSSM.CreateActivation", body, "AKIATESTTESTTESTTEST")
    assert (answer.status, answer.json["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(("days", "accepted"), [(-0.01, False), (0.01, True), (29.99, True), (30.01, False)])
def test_expiry_is_in_the_next_30_days(practice: Practice, days: float, accepted: bool) -> None:
    practice.role()
    call = practice.client("ssm").create_activation
    moment = datetime.fromtimestamp(practice.clock(), UTC) + timedelta(days=days)
    if accepted:
        call(IamRole="Nodes", ExpirationDate=moment)
    else:
        assert refused(call, IamRole="Nodes", ExpirationDate=moment)[0] == "InvalidParameters"


def test_reserved_and_repeated_tags_are_refused(practice: Practice) -> None:
    practice.role()
    call = practice.client("ssm").create_activation
    assert refused(call, IamRole="Nodes", Tags=[{"Key": "aws:x", "Value": ""}])[0] == "InvalidParameters"
    twice = [{"Key": "x", "Value": "1"}, {"Key": "x", "Value": "2"}]
    assert refused(call, IamRole="Nodes", Tags=twice)[0] == "InvalidParameters"


def test_an_arn_as_role_is_an_internal_failure(practice: Practice) -> None:
    practice.role()
    call = practice.client("ssm").create_activation
    assert refused(call, IamRole="arn:aws:iam::123456789012:role/Nodes")[0] == "InternalFailure"


def nonexistent(name: str) -> tuple[str, str]:
    text = "Nonexistent role or missing ssm service principal in trust policy: "
    return "ValidationException", f"{text}arn:aws:iam::123456789012:role/{name}"


def test_a_role_must_exist_trust_the_service_and_be_named_with_its_path(practice: Practice) -> None:
    call = practice.client("ssm").create_activation
    assert refused(call, IamRole="Nodes") == nonexistent("Nodes")
    ec2 = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
    practice.role("ForInstances", ec2)
    assert refused(call, IamRole="ForInstances") == nonexistent("ForInstances")
    practice.role("Deep", path="/service-role/")
    assert refused(call, IamRole="Deep") == nonexistent("Deep")
    assert call(IamRole="service-role/Deep")["ActivationId"]


def test_a_new_role_is_not_seen_for_a_while(practice: Practice) -> None:
    # Longer than any pause of this machine between the clock's start and the role's creation, which moto dates itself.
    practice.cloud.settings.role_delay_s = 7200
    practice.role()
    practice.clock.advance(3600)
    call = practice.client("ssm").create_activation
    assert refused(call, IamRole="Nodes") == nonexistent("Nodes")
    practice.clock.advance(7200)
    assert call(IamRole="Nodes")["ActivationId"]


def test_activations_are_found_by_filter_and_page(practice: Practice) -> None:
    practice.role()
    ssm = practice.client("ssm")
    names = [f"group-{number % 2}" for number in range(7)]
    made = [ssm.create_activation(IamRole="Nodes", DefaultInstanceName=name)["ActivationId"] for name in names]
    first = ssm.describe_activations(MaxResults=3)
    assert [item["ActivationId"] for item in first["ActivationList"]] == made[:3]
    paged = ssm.get_paginator("describe_activations").paginate(PaginationConfig={"PageSize": 3})
    assert [item["ActivationId"] for page in paged for item in page["ActivationList"]] == made
    filters = [
        {"FilterKey": "DefaultInstanceName", "FilterValues": ["group-1"]},
        {"FilterKey": "ActivationIds", "FilterValues": made[:4]},
    ]
    found = ssm.describe_activations(Filters=filters)["ActivationList"]
    assert [item["ActivationId"] for item in found] == [made[1], made[3]]
    by_role = [{"FilterKey": "IamRole", "FilterValues": ["Other"]}]
    assert ssm.describe_activations(Filters=by_role)["ActivationList"] == []
    assert refused(ssm.describe_activations, Filters=[{"FilterKey": "IamRole"}])[0] == "InvalidFilter"
    assert refused(ssm.describe_activations, NextToken="no token")[0] == "InvalidNextToken"
    code, text = refused(ssm.describe_activations, Filters=[{"FilterKey": "Color", "FilterValues": ["x"]}])
    assert code == "ValidationException"
    assert "'filters.1.member.filterKey'" in text
    assert "enum value set: [ActivationIds, DefaultInstanceName, IamRole]" in text


def test_a_deleted_activation_is_gone_and_its_nodes_stay(practice: Practice) -> None:
    code, activation_id = practice.activation()
    instance_id = practice.node(code, activation_id)
    ssm = practice.client("ssm")
    ssm.delete_activation(ActivationId=activation_id)
    assert ssm.describe_activations()["ActivationList"] == []
    assert refused(ssm.delete_activation, ActivationId=activation_id)[0] == "InvalidActivationId"
    (node,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert node["InstanceId"] == instance_id
    assert practice.register(code, activation_id).json["__type"] == "InvalidActivation"


def test_accounts_and_regions_are_apart(practice: Practice) -> None:
    practice.activation()
    assert practice.client("ssm", "us-east-1").describe_activations()["ActivationList"] == []
    other = practice.client("ssm")

    def name_account(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = "210987654321"

    other.meta.events.register("before-sign.ssm", name_account)
    assert other.describe_activations()["ActivationList"] == []
    assert practice.cloud.calls.of("DescribeActivations")[-1].account == "210987654321"
    assert len(practice.client("ssm").describe_activations()["ActivationList"]) == 1


def test_a_region_that_does_not_exist_is_refused(practice: Practice) -> None:
    ssm = practice.client("ssm", "mars-north-1")
    assert refused(ssm.describe_activations)[0] == "UnrecognizedClientException"


def test_the_tier_can_be_read_changed_and_reset(practice: Practice) -> None:
    ssm = practice.client("ssm")
    setting = ssm.get_service_setting(SettingId=TIER)["ServiceSetting"]
    assert (setting["SettingValue"], setting["Status"]) == ("standard", "Default")
    arn = setting["ARN"]
    assert arn == f"arn:aws:ssm:eu-central-1:123456789012:servicesetting{TIER}"
    ssm.update_service_setting(SettingId=arn, SettingValue="advanced")
    setting = ssm.get_service_setting(SettingId=TIER)["ServiceSetting"]
    assert (setting["SettingValue"], setting["Status"]) == ("advanced", "Customized")
    assert refused(ssm.update_service_setting, SettingId=TIER, SettingValue="golden")[0] == "ValidationException"
    assert ssm.reset_service_setting(SettingId=TIER)["ServiceSetting"]["SettingValue"] == "standard"
    assert refused(ssm.get_service_setting, SettingId="/ssm/other")[0] == "ServiceSettingNotFound"


def test_the_standard_tier_has_its_limit(practice: Practice) -> None:
    practice.cloud.settings.standard_tier_nodes = 2
    code, activation_id = practice.activation()
    for _ in range(2):
        practice.node(code, activation_id)
    assert practice.register(code, activation_id).json["__type"] == "RegistrationLimitExceeded"
    ssm = practice.client("ssm")
    ssm.update_service_setting(SettingId=TIER, SettingValue="advanced")
    practice.node(code, activation_id)
    assert refused(ssm.reset_service_setting, SettingId=TIER)[0] == "ValidationException"
    assert practice.cloud.settings.as_json()["standard_tier_nodes"] == 2
