"""The agent's protocol on the wire, request by request as an unmodified amazon-ssm-agent 3.3 makes them."""

import hashlib
import json
import re
import threading
import time
from typing import Any

import pytest
from practice_bench import Practice, wait_until
from test_cloud_commands import ECHO

from onboard.practice.agent import new_public_key

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_the_whole_conversation(practice: Practice) -> None:
    code, activation_id = practice.activation()
    registered = practice.operation(
        "AmazonSSM.RegisterManagedInstance",
        {
            "ActivationCode": code,
            "ActivationId": activation_id,
            "Fingerprint": "a6cbb2d4-8a2c-4d4b-8b0a-6a0e0f5d3f6e",
            "PublicKey": new_public_key(),
            "PublicKeyType": "Rsa",
        },
    )
    assert registered.status == 200
    instance_id = registered.json["InstanceId"]
    assert re.fullmatch(r"mi-[0-9a-f]{17}", instance_id)

    body = {"Fingerprint": "a6cbb2d4-8a2c-4d4b-8b0a-6a0e0f5d3f6e"}
    token = practice.operation("AmazonSSM.RequestManagedInstanceRoleToken", body, instance_id, chunked=True)
    assert token.status == 200
    assert token.json.keys() == {
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "TokenExpirationDate",
        "UpdateKeyPair",
    }
    assert token.json["TokenExpirationDate"] == practice.clock() + 3600
    assert token.json["UpdateKeyPair"] is False
    key = token.json["AccessKeyId"]

    first = {
        "AgentName": "amazon-ssm-agent",
        "AgentVersion": "3.3.4851.0",
        "InstanceId": instance_id,
        "PlatformType": "Linux",
    }
    second = {
        **first,
        "AgentStatus": "Active",
        "ComputerName": "web1",
        "IPAddress": "10.0.0.5",
        "PlatformName": "Debian GNU/Linux",
        "PlatformVersion": "12",
    }
    for body in (first, second):
        answer = practice.operation("AmazonSSM.UpdateInstanceInformation", body, key)
        assert (answer.status, answer.json) == (200, {})
    body = {"InstanceId": instance_id, "MaxResults": 20}
    assert practice.operation("AmazonSSM.ListInstanceAssociations", body, key).status == 200

    poll = {"Destination": instance_id, "MessagesRequestId": "b9ff4bd5-6d0a-4f5c-8fd1-f0f0bd3f9d5e"}
    target = "EC2WindowsMessageDeliveryService.GetMessages"
    empty = practice.operation(target, poll, key)
    assert empty.json == {**poll, "Messages": []}
    assert practice.operation(target, {"Destination": instance_id}, key).json["MessagesRequestId"]

    ssm = practice.client("ssm")
    command_id = ssm.send_command(**ECHO, InstanceIds=[instance_id])["Command"]["CommandId"]
    assert re.fullmatch(UUID, command_id)
    (message,) = practice.operation(target, poll, key).json["Messages"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["CreatedDate"])
    assert message["Destination"] == instance_id
    assert message["PayloadDigest"] == hashlib.sha256(message["Payload"].encode()).hexdigest()
    payload = json.loads(message["Payload"])
    assert payload.keys() == {
        "Parameters",
        "DocumentContent",
        "CommandId",
        "DocumentName",
        "CloudWatchLogGroupName",
        "CloudWatchOutputEnabled",
        "OutputS3BucketName",
        "OutputS3KeyPrefix",
    }
    assert payload["DocumentContent"].keys() == {"schemaVersion", "description", "parameters", "mainSteps"}
    assert payload["DocumentContent"]["schemaVersion"] == "2.2"

    def reply(status: str, steps: dict[str, Any]) -> None:
        text = json.dumps({"documentStatus": status, "runtimeStatus": steps})
        sent = practice.deliver("SendReply", key, MessageId=message["MessageId"], ReplyId="r", Payload=text)
        assert (sent.status, sent.json) == (200, {})

    step = {
        "status": "Success",
        "code": 0,
        "standardOutput": "one\ntwo\n",
        "standardError": "",
        "startDateTime": "2026-11-23T21:50:49.000Z",
        "endDateTime": "2026-11-23T21:50:50.000Z",
    }
    reply("InProgress", {})
    acknowledged = practice.deliver("AcknowledgeMessage", key, MessageId=message["MessageId"])
    assert (acknowledged.status, acknowledged.json) == (200, {})
    reply("InProgress", {"run": step})
    assert ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)["Status"] == "InProgress"
    reply("Success", {"run": step})
    answer = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
    assert (answer["Status"], answer["StandardOutputContent"]) == ("Success", "one\ntwo\n")


def test_a_waiting_poll_is_answered_as_soon_as_there_is_a_command(practice: Practice) -> None:
    practice.cloud.settings.poll_hold_s = 20
    instance_id = practice.node(*practice.activation())
    token = practice.token(instance_id)
    practice.heartbeat(instance_id, token)
    answers: list[list[dict[str, Any]]] = []
    polling = threading.Thread(target=lambda: answers.append(practice.messages(instance_id, token)))
    begun = time.monotonic()
    polling.start()
    practice.client("ssm").send_command(**ECHO, InstanceIds=[instance_id])
    polling.join()
    assert time.monotonic() - begun < 10
    assert len(answers[0]) == 1


def test_a_poll_that_was_given_up_takes_no_message(practice: Practice) -> None:
    practice.cloud.settings.poll_hold_s = 20
    instance_id = practice.node(*practice.activation())
    token = practice.token(instance_id)
    practice.heartbeat(instance_id, token)
    given_up = practice.open_poll(instance_id, token)
    given_up.close()
    wait_until(lambda: practice.polls() == 0)
    practice.client("ssm").send_command(**ECHO, InstanceIds=[instance_id])
    assert len(practice.messages(instance_id, token)) == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ActivationCode": "wrong"}, "InvalidActivation"),
        ({"ActivationId": "00000000-0000-0000-0000-000000000000"}, "InvalidActivation"),
        ({"PublicKey": "AAAA"}, "InvalidPublicKey"),
        ({"PublicKey": "no base64"}, "InvalidPublicKey"),
        ({"PublicKey": None}, "InvalidPublicKey"),
        ({"PublicKeyType": "Dsa"}, "InvalidPublicKey"),
    ],
)
def test_a_registration_that_is_wrong_is_refused(practice: Practice, changed: dict[str, Any], code: str) -> None:
    right_code, activation_id = practice.activation()
    body = {
        "ActivationCode": right_code,
        "ActivationId": activation_id,
        "Fingerprint": "f",
        "PublicKey": new_public_key(),
        "PublicKeyType": "Rsa",
    }
    answer = practice.operation("AmazonSSM.RegisterManagedInstance", {**body, **changed})
    assert (answer.status, answer.json["__type"]) == (400, code)
    assert practice.client("ssm").describe_activations()["ActivationList"][0]["RegistrationsCount"] == 0


def test_the_limit_the_expiry_and_a_known_key_refuse_a_registration(practice: Practice) -> None:
    code, activation_id = practice.activation(2)
    key = new_public_key()
    assert practice.register(code, activation_id, key).status == 200
    assert practice.register(code, activation_id, key).json["__type"] == "InstanceAlreadyRegistered"
    assert practice.register(code, activation_id).status == 200
    assert practice.register(code, activation_id).json["__type"] == "RegistrationLimitExceeded"
    code, activation_id = practice.activation()
    practice.clock.advance(24 * 3600)
    assert practice.register(code, activation_id).json["__type"] == "ActivationExpired"
    expired = practice.client("ssm").describe_activations()["ActivationList"]
    assert [item["Expired"] for item in expired] == [True, True]


def test_a_token_needs_a_known_node_its_fingerprint_and_its_region(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    target = "AmazonSSM.RequestManagedInstanceRoleToken"
    stranger = "mi-00000000000000000"
    assert practice.operation(target, {}, stranger).json["message"] == f"Not existing InstanceId {stranger}"
    assert practice.operation(target, {}, instance_id, "us-east-1").json["__type"] == "InvalidInstanceId"
    wrong = practice.operation(target, {"Fingerprint": "other"}, instance_id)
    assert wrong.json["__type"] == "MachineFingerprintDoesNotMatch"


def test_tokens_end_and_serve_their_own_node_only(practice: Practice) -> None:
    activation = practice.activation()
    one, two = practice.node(*activation), practice.node(*activation)
    token = practice.token(one)
    assert practice.heartbeat(two, token).json["__type"] == "AccessDeniedException"
    assert practice.heartbeat(one, "ASIANOBODYNOBODYNOBO").json["__type"] == "UnrecognizedClientException"
    practice.clock.advance(3600)
    assert practice.heartbeat(one, token).json["__type"] == "ExpiredTokenException"


def test_the_key_can_be_replaced(practice: Practice) -> None:
    code, activation_id = practice.activation()
    old, new = new_public_key(), new_public_key()
    instance_id = practice.register(code, activation_id, old).json["InstanceId"]
    body = {"NewPublicKey": new, "NewPublicKeyType": "Rsa"}
    target = "AmazonSSM.UpdateManagedInstancePublicKey"
    assert practice.operation(target, body, instance_id).status == 200
    assert practice.register(code, activation_id, new).json["__type"] == "InstanceAlreadyRegistered"
    assert practice.register(code, activation_id, old).status == 200


def test_a_role_without_its_policy_denies_the_agent(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    token = practice.token(instance_id)
    policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    practice.client("iam").detach_role_policy(RoleName="Nodes", PolicyArn=policy)
    answer = practice.heartbeat(instance_id, token)
    assert answer.json["__type"] == "AccessDeniedException"
    assert "is not authorized to perform: ssm:UpdateInstanceInformation" in answer.json["message"]
    allowed = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ssm:Update*", "Resource": "*"}}
    practice.client("iam").put_role_policy(RoleName="Nodes", PolicyName="p", PolicyDocument=json.dumps(allowed))
    assert practice.heartbeat(instance_id, token).status == 200
    poll = practice.deliver("GetMessages", token, Destination=instance_id)
    assert poll.json["__type"] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, 200),
        ({"StringEquals": {"AWS:SourceAccount": ["1", "123456789012"]}}, 200),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:ssm:eu-central-1:123456789012:*"}}, 200),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ssm:*:123456789012:*"}}, 200),
        ({"StringEquals": {"aws:SourceAccount": "210987654321"}}, 400),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:ssm:us-east-1:123456789012:*"}}, 400),
        ({"Bool": {"aws:SecureTransport": "true"}}, 400),
    ],
)
def test_the_trust_policys_conditions_count_when_the_role_is_used(
    practice: Practice, condition: dict[str, Any], status: int
) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ssm.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": condition,
            }
        ],
    }
    instance_id = practice.node(*practice.activation(IamRole=practice.role("Guarded", trust)))
    answer = practice.operation("AmazonSSM.RequestManagedInstanceRoleToken", {}, instance_id)
    assert answer.status == status
    if status == 400:
        assert answer.json["__type"] == "AccessDeniedException"


def test_the_newer_channel_is_refused_so_that_agents_fall_back(practice: Practice) -> None:
    answer = practice.request("POST", "/v1/control-channel/mi-0123456789abcdef0", {"ClientId": "x"})
    assert (answer.status, answer.json["__type"]) == (403, "AccessDeniedException")


@pytest.mark.parametrize(
    ("target", "body", "credential", "code"),
    [
        ("AmazonSSM.CreateActivation", {"IamRole": "x"}, "", "MissingAuthenticationTokenException"),
        ("AmazonSSM.UpdateInstanceInformation", {}, "", "MissingAuthenticationTokenException"),
        ("AmazonSSM.RegisterManagedInstance", b"{", "", "SerializationException"),
        ("AmazonSSM.RegisterManagedInstance", [], "", "SerializationException"),
        ("EC2WindowsMessageDeliveryService.Sing", {}, "AKIA", "UnknownOperationException"),
    ],
)
def test_requests_without_sense_are_refused(
    practice: Practice, target: str, body: Any, credential: str, code: str
) -> None:
    answer = practice.operation(target, body, credential)
    assert (answer.status, answer.json["__type"]) == (400, code)


def test_a_reply_without_sense_is_refused(practice: Practice) -> None:
    instance_id = practice.node(*practice.activation())
    token = practice.token(instance_id)
    practice.heartbeat(instance_id, token)
    command_id = practice.client("ssm").send_command(**ECHO, InstanceIds=[instance_id])["Command"]["CommandId"]
    message_id = f"aws.ssm.{command_id}.{instance_id}"
    answer = practice.deliver("SendReply", token, MessageId=message_id, ReplyId="r", Payload="{")
    assert answer.json["__type"] == "ValidationException"
    assert practice.deliver("SendReply", token, MessageId="aws.ssm.x.y", ReplyId="r", Payload="{").status == 200
