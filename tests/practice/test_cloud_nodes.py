"""Managed nodes as the administrator's side sees them."""

from typing import Any

import pytest
from practice_bench import Practice
from test_cloud_activations import refused


def listed(answer: dict[str, Any]) -> list[str]:
    return [node["InstanceId"] for node in answer["InstanceInformationList"]]


def test_a_node_is_online_from_its_first_heartbeat(practice: Practice) -> None:
    code, activation_id = practice.activation(DefaultInstanceName="rack", Tags=[{"Key": "site", "Value": "B"}])
    instance_id = practice.node(code, activation_id)
    ssm = practice.client("ssm")
    (node,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert (node["PingStatus"], "ComputerName" in node) == ("ConnectionLost", False)
    practice.heartbeat(instance_id, ComputerName="web1", IPAddress="10.1.2.3", PlatformName="Debian GNU/Linux")
    (node,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert node["LastPingDateTime"].timestamp() == pytest.approx(practice.clock(), abs=0.001)
    assert node["RegistrationDate"].timestamp() == pytest.approx(practice.clock(), abs=0.001)
    del node["LastPingDateTime"], node["RegistrationDate"]
    assert node == {
        "InstanceId": instance_id,
        "PingStatus": "Online",
        "AgentVersion": "3.3.4851.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Debian GNU/Linux",
        "ActivationId": activation_id,
        "IamRole": "Nodes",
        "ResourceType": "ManagedInstance",
        "Name": "rack",
        "IPAddress": "10.1.2.3",
        "ComputerName": "web1",
        "SourceId": instance_id,
        "SourceType": "AWS::SSM::ManagedInstance",
    }
    assert ssm.describe_activations()["ActivationList"][0]["RegistrationsCount"] == 1
    tags = ssm.list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=instance_id)["TagList"]
    assert tags == [{"Key": "site", "Value": "B"}]


def test_a_silent_node_loses_its_connection_and_finds_it_again(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    token = practice.token(instance_id)
    practice.heartbeat(instance_id, token)
    ssm = practice.client("ssm")

    def status() -> str:
        return str(ssm.describe_instance_information()["InstanceInformationList"][0]["PingStatus"])

    practice.clock.advance(600)
    assert status() == "Online"
    practice.clock.advance(1)
    assert status() == "ConnectionLost"
    practice.heartbeat(instance_id, token)
    assert status() == "Online"


def test_every_filter_finds_what_it_says(practice: Practice) -> None:
    code, first_activation = practice.activation(Tags=[{"Key": "site", "Value": "A"}])
    other_code, second_activation = practice.activation(IamRole=practice.role("Others"))
    a = practice.node(code, first_activation)
    b = practice.node(other_code, second_activation)
    silent = practice.node(code, first_activation)
    practice.heartbeat(a)
    practice.heartbeat(b, PlatformType="Windows", AgentVersion="3.2.0.0")
    describe = practice.client("ssm").describe_instance_information
    expected = {
        ("InstanceIds", b): [b],
        ("AgentVersion", "3.3.4851.0"): [a],
        ("AgentVersion", "LATEST"): [a],
        ("AgentVersion", "NOT_LATEST"): [b, silent],
        ("PingStatus", "Online"): [a, b],
        ("PingStatus", "ConnectionLost"): [silent],
        ("PlatformTypes", "Windows"): [b],
        ("ActivationIds", first_activation): [a, silent],
        ("IamRole", "Others"): [b],
        ("ResourceType", "ManagedInstance"): [a, b, silent],
        ("ResourceType", "EC2Instance"): [],
        ("AssociationStatus", "Success"): [],
    }
    for (key, value), ids in expected.items():
        assert listed(describe(Filters=[{"Key": key, "Values": [value]}])) == ids, key
        assert listed(describe(InstanceInformationFilterList=[{"key": key, "valueSet": [value]}])) == ids, key
    assert listed(describe(Filters=[{"Key": "tag:site", "Values": ["A", "C"]}])) == [a, silent]
    assert listed(describe(Filters=[{"Key": "tag-key", "Values": ["site"]}])) == [a, silent]
    both = [{"Key": "PingStatus", "Values": ["Online"]}, {"Key": "PlatformTypes", "Values": ["Linux", "MacOS"]}]
    assert listed(describe(Filters=both)) == [a]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"Filters": [{"Key": "Colour", "Values": ["x"]}]}, "InvalidFilterKey"),
        ({"Filters": [{"Key": "PingStatus", "Values": ["Asleep"]}]}, "InvalidInstanceInformationFilterValue"),
        ({"Filters": [{"Key": "InstanceIds", "Values": ["server"]}]}, "InvalidInstanceInformationFilterValue"),
        (
            {"Filters": [{"Key": "tag:a", "Values": ["x"]}, {"Key": "PingStatus", "Values": ["Online"]}]},
            "InvalidFilterKey",
        ),
        ({"InstanceInformationFilterList": [{"key": "Colour", "valueSet": ["x"]}]}, "ValidationException"),
        (
            {
                "Filters": [{"Key": "PingStatus", "Values": ["Online"]}],
                "InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}],
            },
            "ValidationException",
        ),
        ({"MaxResults": 51}, "ValidationException"),
        ({"NextToken": "cHJhY3RpY2U6eA=="}, "InvalidNextToken"),
    ],
)
def test_filters_that_are_wrong_are_refused(practice: Practice, arguments: dict[str, Any], code: str) -> None:
    assert refused(practice.client("ssm").describe_instance_information, **arguments)[0] == code


def test_nodes_come_in_pages(practice: Practice) -> None:
    code, activation_id = practice.activation(60)
    ids = [practice.node(code, activation_id) for _ in range(57)]
    ssm = practice.client("ssm")
    first = ssm.describe_instance_information()
    assert listed(first) == ids[:10]
    pages = list(ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 50}))
    assert [len(page["InstanceInformationList"]) for page in pages] == [50, 7]
    assert [instance_id for page in pages for instance_id in listed(page)] == ids


def test_a_node_gets_another_role(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    ssm = practice.client("ssm")
    call = ssm.update_managed_instance_role
    assert refused(call, InstanceId=instance_id, IamRole="Missing")[0] == "ValidationException"
    assert refused(call, InstanceId="mi-00000000000000000", IamRole="Nodes")[0] == "InvalidInstanceId"
    practice.role("Second")
    call(InstanceId=instance_id, IamRole="Second")
    assert ssm.describe_instance_information()["InstanceInformationList"][0]["IamRole"] == "Second"
    token = practice.token(instance_id)
    sts = practice.client("sts", aws_session_token="t")
    sts._request_signer._credentials.access_key = token
    arn = sts.get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::123456789012:assumed-role/Second/{instance_id}"


def test_a_deregistered_node_is_nobody(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    token = practice.token(instance_id)
    ssm = practice.client("ssm")
    ssm.deregister_managed_instance(InstanceId=instance_id)
    assert ssm.describe_instance_information()["InstanceInformationList"] == []
    code, text = refused(ssm.deregister_managed_instance, InstanceId=instance_id)
    assert (code, text) == ("InvalidInstanceId", f"Not existing InstanceId {instance_id}")
    assert refused(ssm.deregister_managed_instance, InstanceId="mi-UPPER")[0] == "ValidationException"
    assert practice.heartbeat(instance_id, token).json["__type"] == "InvalidInstanceId"
    answer = practice.operation("AmazonSSM.RequestManagedInstanceRoleToken", {}, instance_id)
    assert answer.json == {"__type": "InvalidInstanceId", "message": f"Not existing InstanceId {instance_id}"}


def test_tags_of_nodes_are_kept_here_and_other_tags_by_moto(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    ssm = practice.client("ssm")
    of_node = {"ResourceType": "ManagedInstance", "ResourceId": instance_id}
    ssm.add_tags_to_resource(**of_node, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ssm.add_tags_to_resource(**of_node, Tags=[{"Key": "b", "Value": "3"}])
    ssm.remove_tags_from_resource(**of_node, TagKeys=["a", "z"])
    assert ssm.list_tags_for_resource(**of_node)["TagList"] == [{"Key": "b", "Value": "3"}]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert refused(ssm.add_tags_to_resource, **of_node, Tags=many)[0] == "TooManyTagsError"
    unknown = {"ResourceType": "ManagedInstance", "ResourceId": "mi-00000000000000000"}
    assert refused(ssm.list_tags_for_resource, **unknown)[0] == "InvalidResourceId"
    ssm.put_parameter(Name="p", Value="v", Type="String", Tags=[{"Key": "of", "Value": "moto"}])
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="p")["TagList"]
    assert tags == [{"Key": "of", "Value": "moto"}]


def test_the_caller_may_do_everything_and_may_ask(practice: Practice) -> None:
    answer = practice.client("iam").simulate_principal_policy(
        PolicySourceArn="arn:aws:iam::123456789012:user/moto", ActionNames=["ssm:CreateActivation", "iam:PassRole"]
    )
    assert [(one["EvalActionName"], one["EvalDecision"]) for one in answer["EvaluationResults"]] == [
        ("ssm:CreateActivation", "allowed"),
        ("iam:PassRole", "allowed"),
    ]
