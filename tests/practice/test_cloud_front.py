"""The cloud as a whole: its faults on request, its log, what it leaves to moto, and how it starts and ends."""

import asyncio
import http.client
import json
import os
import socket
import time
import urllib.request
from typing import Any

import boto3
import botocore.exceptions
import botocore.parsers
import pytest
from practice_bench import Practice, SetClock
from test_cloud_activations import refused

from onboard.practice.calls import CallLog, is_mutating
from onboard.practice.cloud import running_cloud, start_cloud
from onboard.practice.settings import Settings, Throttle


def test_the_next_calls_of_an_operation_are_throttled(practice: Practice) -> None:
    practice.role()
    ssm = practice.client("ssm")
    practice.cloud.settings.throttles["CreateActivation"] = Throttle(next_calls=2)
    for _ in range(2):
        assert refused(ssm.create_activation, IamRole="Nodes") == ("ThrottlingException", "Rate exceeded")
    assert ssm.describe_activations()["ActivationList"] == []
    ssm.create_activation(IamRole="Nodes")
    errors = [call.error for call in practice.cloud.calls.of("CreateActivation")]
    assert errors == ["ThrottlingException", "ThrottlingException", ""]


def test_an_operation_can_have_a_rate(practice: Practice) -> None:
    ssm = practice.client("ssm")
    practice.cloud.settings.update({"throttles": {"DescribeActivations": {"per_second": 2}}})
    ssm.describe_activations()
    ssm.describe_activations()
    assert refused(ssm.describe_activations)[0] == "ThrottlingException"
    practice.clock.advance(0.5)
    ssm.describe_activations()
    assert refused(ssm.describe_activations)[0] == "ThrottlingException"
    ssm.describe_instance_information()


def test_other_services_are_throttled_in_their_own_words(practice: Practice) -> None:
    practice.cloud.settings.update({"throttles": {"*": {"next_calls": 2}}})
    assert refused(practice.client("iam").list_roles) == ("Throttling", "Rate exceeded")
    assert refused(practice.client("ssm").describe_parameters) == ("ThrottlingException", "Rate exceeded")
    practice.client("iam").list_roles()


def test_boto3_tries_a_throttled_call_again(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in practice.cloud.environment("eu-central-1").items():
        monkeypatch.setenv(name, value)
    practice.cloud.settings.throttles["DescribeActivations"] = Throttle(next_calls=1)
    assert boto3.client("ssm").describe_activations()["ActivationList"] == []
    assert len(practice.cloud.calls.of("DescribeActivations")) == 2


def test_an_answer_can_be_lost_after_the_call_was_carried_out(practice: Practice) -> None:
    practice.role()
    ssm = practice.client("ssm")
    practice.cloud.settings.update({"faults": {"CreateActivation": {"kind": "lost", "calls": 1}}})
    with pytest.raises(botocore.exceptions.HTTPClientError):
        ssm.create_activation(IamRole="Nodes")
    assert len(ssm.describe_activations()["ActivationList"]) == 1
    ssm.create_activation(IamRole="Nodes")
    assert len(ssm.describe_activations()["ActivationList"]) == 2


def test_a_proxys_page_comes_instead_of_an_answer(practice: Practice) -> None:
    practice.cloud.settings.update({"faults": {"*": {"kind": "page", "calls": 1}}})
    ssm, iam = practice.client("ssm"), practice.client("iam")
    with pytest.raises(botocore.parsers.ResponseParserError):
        iam.list_roles()
    assert "ActivationList" not in ssm.describe_activations(), "botocore finds nothing wrong, and nothing in it"
    assert (iam.list_roles()["Roles"], ssm.describe_activations()["ActivationList"]) == ([], [])
    assert practice.cloud.calls.mutating() == []


def test_credentials_can_expire_after_a_call(practice: Practice) -> None:
    practice.cloud.settings.update({"faults": {"*": {"kind": "expired", "after": "CreateActivation"}}})
    ssm, iam = practice.client("ssm"), practice.client("iam")
    code, activation = practice.activation()
    assert refused(ssm.describe_activations)[0] == "ExpiredTokenException"
    assert refused(iam.list_roles)[0] == "ExpiredToken"
    assert practice.register(code, activation).status == 200, "an agent has credentials of its own"
    practice.cloud.settings.update({"faults": {"*": None}})
    ssm.describe_activations()


def test_settings_are_read_and_changed_over_http(practice: Practice) -> None:
    wanted = {
        "role_delay_s": 3,
        "heartbeat_limit_s": 7.5,
        "clock_offset_s": 60,
        "break_download_after": 5,
        "throttles": {"SendCommand": {"next_calls": 1}},
    }
    answer = practice.request("POST", "/practice/settings", wanted)
    assert answer.status == 200
    shown = practice.request("GET", "/practice/settings").json
    assert shown == answer.json
    assert {key: shown[key] for key in wanted if key != "throttles"} == {
        key: value for key, value in wanted.items() if key != "throttles"
    }
    assert shown["throttles"] == {"SendCommand": {"next_calls": 1, "per_second": None}}
    settings = practice.cloud.settings
    assert (settings.role_delay_s, settings.now()) == (3, practice.clock() + 60)
    practice.request("POST", "/practice/settings", {"throttles": {"SendCommand": None}, "break_download_after": None})
    assert (settings.throttles, settings.break_download_after) == ({}, None)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"role_delay_s": "long"}, "'role_delay_s' must be a number, not 'long'"),
        ({"role_delay_s": True}, "'role_delay_s' must be a number, not True"),
        ({"standard_tier_nodes": 1.5}, "'standard_tier_nodes' must be a number, not 1.5"),
        ({"clock": 5}, "unknown setting 'clock'"),
        ({"throttles": 5}, "'throttles' must be an object"),
        ({"throttles": {"X": {"often": 1}}}, "throttle of 'X' takes next_calls and per_second"),
        ({"faults": 5}, "'faults' must be an object"),
        ({"faults": {"X": {"kind": "odd"}}}, "fault of 'X' takes kind (lost, page, expired), calls and after"),
        ({"faults": {"X": {"kind": "lost", "calls": "all"}}}, "'calls' must be a number, not 'all'"),
        ([], "settings must be an object"),
    ],
)
def test_settings_that_are_wrong_change_nothing(practice: Practice, changes: Any, text: str) -> None:
    before = practice.cloud.settings.as_json()
    if isinstance(changes, dict):
        changes = {"heartbeat_limit_s": 1, **changes}
    answer = practice.request("POST", "/practice/settings", changes)
    assert (answer.status, answer.json) == (400, {"error": text})
    assert practice.cloud.settings.as_json() == before


def test_the_log_is_read_over_http_from_any_call_on(practice: Practice) -> None:
    ssm = practice.client("ssm")
    ssm.describe_activations()
    practice.role()
    calls = practice.request("GET", "/practice/calls").json["calls"]
    assert [call["operation"] for call in calls] == ["DescribeActivations", "CreateRole", "AttachRolePolicy"]
    assert calls[0] == {
        "number": 1,
        "time": practice.clock(),
        "service": "ssm",
        "operation": "DescribeActivations",
        "account": "123456789012",
        "region": "eu-central-1",
        "caller": "AKIATESTTESTTESTTEST",
        "instance_id": "",
        "status": 200,
        "error": "",
        "mutating": False,
    }
    assert [call["mutating"] for call in calls] == [False, True, True]
    later = practice.request("GET", "/practice/calls?after=2").json["calls"]
    assert [call["number"] for call in later] == [3]
    assert practice.request("GET", "/practice/calls?after=x").status == 400
    assert practice.request("GET", "/practice/nothing").status == 404


def test_the_log_names_the_node_and_tells_change_from_routine(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    token = practice.token(instance_id)
    practice.heartbeat(instance_id, token)
    practice.messages(instance_id, token)
    practice.client("ssm").deregister_managed_instance(InstanceId=instance_id)
    about = [call for call in practice.cloud.calls.after() if call.instance_id == instance_id]
    assert [(call.operation, call.mutating) for call in about] == [
        ("RegisterManagedInstance", True),
        ("RequestManagedInstanceRoleToken", False),
        ("UpdateInstanceInformation", False),
        ("GetMessages", False),
        ("DeregisterManagedInstance", True),
    ]
    assert about[0].region == "eu-central-1"
    mark = practice.cloud.calls.count
    refused(practice.client("ssm").deregister_managed_instance, InstanceId=instance_id)
    assert practice.cloud.calls.mutating(mark) == []


@pytest.mark.parametrize(
    ("operation", "mutating"),
    [("GetObject", False), ("ListRoles", False), ("AssumeRole", False), ("SendCommand", True), ("PutObject", True)],
)
def test_names_tell_what_changes(operation: str, mutating: bool) -> None:
    assert is_mutating(operation) is mutating


def test_the_log_keeps_counting_when_it_drops_the_oldest() -> None:
    log = CallLog()
    common = {"service": "ssm", "operation": "x", "account": "", "region": "", "caller": ""}
    for number in range(200_010):
        log.record(time=number, status=200, **common)
    assert log.count == 200_010
    assert [call.number for call in log.after(200_008)] == [200_009, 200_010]
    assert log.after(0)[0].number == 11
    assert log.after(200_010) == []


def test_moto_answers_the_rest(practice: Practice) -> None:
    identity = practice.client("sts").get_caller_identity()
    assert identity["Account"] == practice.cloud.account == "123456789012"
    s3 = practice.client("s3")
    s3.create_bucket(Bucket="output", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="output", Key="a b/ü.txt", Body=b"x" * 70_000, ContentEncoding="gzip")
    assert s3.get_object(Bucket="output", Key="a b/ü.txt")["Body"].read() == b"x" * 70_000
    assert s3.head_object(Bucket="output", Key="a b/ü.txt")["ContentLength"] == 70_000
    assert s3.list_objects_v2(Bucket="output")["Contents"][0]["Key"] == "a b/ü.txt"
    assert refused(s3.head_bucket, Bucket="missing")[0] == "404"
    calls = practice.cloud.calls.after()
    assert {call.operation: call.mutating for call in calls}["PUT /output"] is True
    assert calls[-1].error == "404"


def test_awss_managed_policies_are_there(practice: Practice) -> None:
    iam = practice.client("iam")
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
    names = {policy["PolicyName"] for page in pages for policy in page["Policies"]}
    assert {"AmazonSSMManagedInstanceCore", "AmazonSSMDirectoryServiceAccess", "CloudWatchAgentServerPolicy"} < names
    china = practice.client("iam", "cn-north-1")
    china.create_role(RoleName="R", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    china.attach_role_policy(RoleName="R", PolicyArn="arn:aws-cn:iam::aws:policy/AmazonSSMManagedInstanceCore")


def test_an_endpoint_can_be_probed_without_credentials(practice: Practice) -> None:
    answer = practice.request("GET", "/")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/xml; charset=utf-8")
    assert "date" in answer.headers
    assert practice.request("GET", "/ping").body == b"healthy"
    assert practice.cloud.calls.after() == []


def test_a_users_broken_aws_configuration_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no such profile")
    with running_cloud() as cloud:
        assert os.environ["AWS_PROFILE"] == "no such profile"
        with urllib.request.urlopen(f"{cloud.endpoint_url}/ping") as answer:  # noqa: S310
            assert answer.status == 200


def test_a_process_has_one_cloud_at_a_time(practice: Practice) -> None:
    with pytest.raises(RuntimeError, match="one practice cloud runs"), running_cloud():
        pass
    with pytest.raises(RuntimeError, match="one practice cloud runs"):
        asyncio.run(start_cloud())


def test_a_second_cloud_after_the_first_knows_nothing_of_it() -> None:
    def describe(cloud: Any) -> list[Any]:
        client = boto3.client(
            "ssm",
            region_name="us-east-1",
            endpoint_url=cloud.endpoint_url,
            aws_access_key_id="AKIA",
            aws_secret_access_key="x",
        )
        client.put_parameter(Name="p", Value="v", Type="String")
        return list(client.describe_parameters()["Parameters"])

    with running_cloud() as first:
        key = first.signing_key
        assert len(describe(first)) == 1
    with running_cloud() as second:
        assert second.signing_key != key
        assert len(describe(second)) == 1


def test_it_ends_at_once_while_polls_are_open() -> None:
    with running_cloud(Settings(poll_hold_s=600)) as cloud:
        practice = Practice(cloud, SetClock())
        instance_id = practice.node(*practice.activation())
        connection = practice.open_poll(instance_id, practice.token(instance_id))
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=r"(?i)address already in use"), running_cloud(port=port):
            pass
    with running_cloud(Settings()) as cloud:
        assert cloud.endpoint_url.startswith("http://127.0.0.1:")
