"""Run Command from the administrator's side; the agent's side is played by hand."""

import json
from typing import Any

import pytest
from practice_bench import Practice
from test_cloud_activations import refused

ECHO = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["echo one", "echo two"]}}


class Online:
    """A node that has reported, and its token."""

    def __init__(self, practice: Practice, activation: tuple[str, str] | None = None, **reported: str) -> None:
        self.practice = practice
        self.id = practice.node(*(activation or practice.activation()))
        self.token = practice.token(self.id)
        practice.heartbeat(self.id, self.token, **reported)

    def reply(self, message_id: str, status: str, step: dict[str, Any] | None = None) -> None:
        payload = {"documentStatus": status, "runtimeStatus": {"run": step} if step else {}}
        self.practice.deliver("SendReply", self.token, MessageId=message_id, ReplyId="r-1", Payload=json.dumps(payload))

    def messages(self) -> list[dict[str, Any]]:
        return self.practice.messages(self.id, self.token)


def invocation(practice: Practice, command_id: str, instance_id: str) -> dict[str, Any]:
    answer = practice.client("ssm").get_command_invocation(CommandId=command_id, InstanceId=instance_id)
    return {key: answer[key] for key in ("Status", "StatusDetails", "ResponseCode", "StandardOutputContent")}


def test_a_command_goes_to_the_node_and_its_answer_comes_back(practice: Practice) -> None:
    node = Online(practice, ComputerName="web1")
    ssm = practice.client("ssm")
    command = ssm.send_command(**ECHO, InstanceIds=[node.id], Comment="why", TimeoutSeconds=60)["Command"]
    command_id = command["CommandId"]
    assert (command["Status"], command["TargetCount"], command["DocumentName"]) == ("Pending", 1, "AWS-RunShellScript")
    assert invocation(practice, command_id, node.id) == {
        "Status": "Pending", "StatusDetails": "Pending", "ResponseCode": -1, "StandardOutputContent": "",
    }  # fmt: skip
    (message,) = node.messages()
    payload = json.loads(message["Payload"])
    assert message["MessageId"] == f"aws.ssm.{command_id}.{node.id}"
    assert message["Topic"] == f"aws.ssm.sendCommand.eu.central.1.1.{node.id}"
    assert payload["Parameters"] == {"commands": ["echo one", "echo two"]}
    assert payload["CommandId"] == command_id
    (step,) = payload["DocumentContent"]["mainSteps"]
    assert step["action"] == "aws:runShellScript"
    assert step["inputs"]["runCommand"] == ["echo one", "echo two"]
    node.reply(message["MessageId"], "InProgress")
    practice.deliver("AcknowledgeMessage", node.token, MessageId=message["MessageId"])
    assert invocation(practice, command_id, node.id)["Status"] == "InProgress"
    assert ssm.list_commands(CommandId=command_id)["Commands"][0]["Status"] == "InProgress"
    practice.clock.advance(1.5)
    result = {"status": "Failed", "code": 3, "standardOutput": "one\ntwo\n", "standardError": "oops\n"}
    node.reply(message["MessageId"], "Failed", result)
    answer = ssm.get_command_invocation(CommandId=command_id, InstanceId=node.id, PluginName="aws:runShellScript")
    assert (answer["Status"], answer["ResponseCode"], answer["Comment"]) == ("Failed", 3, "why")
    assert (answer["StandardOutputContent"], answer["StandardErrorContent"]) == ("one\ntwo\n", "oops\n")
    assert answer["ExecutionElapsedTime"] == "PT1.500S"
    (listed,) = ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"]
    assert (listed["InstanceName"], listed["Status"]) == ("web1", "Failed")
    assert listed["CommandPlugins"][0]["Output"] == "one\ntwo\n\n----------ERROR-------\noops\n"
    (listed,) = ssm.list_command_invocations(CommandId=command_id)["CommandInvocations"]
    assert listed["CommandPlugins"] == []
    (described,) = ssm.list_commands()["Commands"]
    assert (described["Status"], described["CompletedCount"], described["ErrorCount"]) == ("Failed", 1, 1)
    node.reply(message["MessageId"], "Success", {"status": "Success", "code": 0})
    assert invocation(practice, command_id, node.id)["Status"] == "Failed"


def test_output_is_cut_as_aws_cuts_it(practice: Practice) -> None:
    node = Online(practice)
    ssm = practice.client("ssm")
    command_id = ssm.send_command(**ECHO, InstanceIds=[node.id])["Command"]["CommandId"]
    result = {"status": "Success", "code": 0, "standardOutput": "o" * 30_000, "standardError": "e" * 30_000}
    node.reply(f"aws.ssm.{command_id}.{node.id}", "Success", result)
    answer = ssm.get_command_invocation(CommandId=command_id, InstanceId=node.id)
    assert (len(answer["StandardOutputContent"]), len(answer["StandardErrorContent"])) == (24_000, 8_000)
    (listed,) = ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"]
    assert len(listed["CommandPlugins"][0]["Output"]) == 2_500


def test_a_message_comes_again_until_it_is_acknowledged(practice: Practice) -> None:
    node = Online(practice)
    practice.client("ssm").send_command(**ECHO, InstanceIds=[node.id])
    (message,) = node.messages()
    assert node.messages() == []
    practice.clock.advance(30)
    assert node.messages() == [message]
    practice.clock.advance(30)
    practice.deliver("AcknowledgeMessage", node.token, MessageId=message["MessageId"])
    assert node.messages() == []


@pytest.mark.parametrize(("operation", "status"), [("FailMessage", "Failed"), ("DeleteMessage", "Pending")])
def test_messages_can_be_failed_and_deleted(practice: Practice, operation: str, status: str) -> None:
    node = Online(practice)
    command_id = practice.client("ssm").send_command(**ECHO, InstanceIds=[node.id])["Command"]["CommandId"]
    more = {"FailureType": "InternalHandlerException"} if operation == "FailMessage" else {}
    practice.deliver(operation, node.token, MessageId=f"aws.ssm.{command_id}.{node.id}", **more)
    assert node.messages() == []
    assert invocation(practice, command_id, node.id)["Status"] == status


def test_targets_choose_by_tag_and_id(practice: Practice) -> None:
    activation = practice.activation(Tags=[{"Key": "site", "Value": "A"}])
    a, b = Online(practice, activation), Online(practice, activation)
    other = Online(practice)
    send = practice.client("ssm").send_command
    by_tag = send(**ECHO, Targets=[{"Key": "tag:site", "Values": ["A"]}])["Command"]
    assert by_tag["TargetCount"] == 2
    assert (len(a.messages()), len(b.messages()), len(other.messages())) == (1, 1, 0)
    both = [{"Key": "tag:site", "Values": ["A"]}, {"Key": "InstanceIds", "Values": [b.id, other.id]}]
    assert send(**ECHO, Targets=both)["Command"]["TargetCount"] == 1
    none = send(**ECHO, Targets=[{"Key": "tag:site", "Values": ["Z"]}])["Command"]
    assert (none["Status"], none["StatusDetails"]) == ("Success", "NoInstancesInTag")
    assert refused(send, **ECHO, Targets=[{"Key": "resource-groups:Name", "Values": ["g"]}])[0] == "InvalidParameters"


def test_requests_that_are_wrong_are_refused(practice: Practice) -> None:
    node = Online(practice)
    windows = Online(practice, PlatformType="Windows")
    send = practice.client("ssm").send_command
    missing = "mi-00000000000000000"
    code, text = refused(send, **ECHO, InstanceIds=[node.id, missing])
    assert (code, text) == (
        "InvalidInstanceId",
        f"Instances [[{missing}]] not in a valid state for account 123456789012",
    )
    code, text = refused(send, **ECHO, InstanceIds=[f"mi-{number:017x}" for number in range(51)])
    assert code == "ValidationException"
    assert text.endswith(
        "at 'instanceIds' failed to satisfy constraint: Member must have length less than or equal to 50"
    )
    assert refused(send, **ECHO, InstanceIds=[node.id, node.id])[0] == "DuplicateInstanceId"
    assert refused(send, **ECHO)[0] == "ValidationException"
    assert refused(send, **ECHO, InstanceIds=[node.id], TimeoutSeconds=10)[0] == "ValidationException"
    assert refused(send, **ECHO, InstanceIds=[windows.id])[0] == "UnsupportedPlatformType"
    assert refused(send, DocumentName="AWS-Nothing", InstanceIds=[node.id])[0] == "InvalidDocument"
    for parameters in ({}, {"commands": ["x"], "colour": ["red"]}, {"commands": ["x"], "executionTimeout": ["0"]}):
        shell = {"DocumentName": "AWS-RunShellScript", "Parameters": parameters}
        assert refused(send, **shell, InstanceIds=[node.id])[0] == "InvalidParameters"
    power = {"DocumentName": "AWS-RunPowerShellScript", "Parameters": {"commands": ["Get-Date"]}}
    send(**power, InstanceIds=[windows.id, node.id])
    (message,) = windows.messages()
    step = json.loads(message["Payload"])["DocumentContent"]["mainSteps"][0]
    assert step["action"] == "aws:runPowerShellScript"


def test_unknown_commands_invocations_and_plugins_are_told_apart(practice: Practice) -> None:
    node, other = Online(practice), Online(practice)
    ssm = practice.client("ssm")
    command_id = ssm.send_command(**ECHO, InstanceIds=[node.id])["Command"]["CommandId"]
    get = ssm.get_command_invocation
    assert refused(get, CommandId="0" * 36, InstanceId=node.id)[0] == "InvalidCommandId"
    assert refused(get, CommandId=command_id, InstanceId=other.id)[0] == "InvocationDoesNotExist"
    assert refused(get, CommandId=command_id, InstanceId=node.id, PluginName="aws:other")[0] == "InvalidPluginName"


def test_what_is_not_delivered_or_takes_too_long_times_out(practice: Practice) -> None:
    away, slow = Online(practice), Online(practice)
    ssm = practice.client("ssm")
    request = {**ECHO, "Parameters": {"commands": ["sleep 99"], "executionTimeout": ["100"]}}
    command_id = ssm.send_command(**request, InstanceIds=[away.id, slow.id], TimeoutSeconds=60)["Command"]["CommandId"]
    practice.deliver("AcknowledgeMessage", slow.token, MessageId=f"aws.ssm.{command_id}.{slow.id}")
    practice.clock.advance(61)
    assert invocation(practice, command_id, away.id)["StatusDetails"] == "DeliveryTimedOut"
    assert invocation(practice, command_id, slow.id)["Status"] == "InProgress"
    assert away.messages() == []
    practice.clock.advance(40)
    assert invocation(practice, command_id, slow.id)["StatusDetails"] == "ExecutionTimedOut"
    (command,) = ssm.list_commands()["Commands"]
    assert (command["Status"], command["DeliveryTimedOutCount"], command["ErrorCount"]) == ("TimedOut", 1, 2)


def test_cancelling_ends_what_waits_and_asks_the_agent_for_what_runs(practice: Practice) -> None:
    waiting, running = Online(practice), Online(practice)
    ssm = practice.client("ssm")
    command_id = ssm.send_command(**ECHO, InstanceIds=[waiting.id, running.id])["Command"]["CommandId"]
    original = f"aws.ssm.{command_id}.{running.id}"
    practice.deliver("AcknowledgeMessage", running.token, MessageId=original)
    ssm.cancel_command(CommandId=command_id)
    assert invocation(practice, command_id, waiting.id)["Status"] == "Cancelled"
    assert waiting.messages() == []
    assert invocation(practice, command_id, running.id)["Status"] == "Cancelling"
    (message,) = running.messages()
    assert message["Topic"].startswith("aws.ssm.cancelCommand.")
    assert json.loads(message["Payload"]) == {"CancelMessageId": original}
    running.reply(original, "Cancelled", {"status": "Cancelled", "code": 137})
    assert invocation(practice, command_id, running.id)["Status"] == "Cancelled"
    assert ssm.list_commands()["Commands"][0]["Status"] == "Cancelled"
    unknown = {"CommandId": command_id, "InstanceIds": ["mi-00000000000000000"]}
    assert refused(ssm.cancel_command, **unknown)[0] == "InvalidInstanceId"


def test_commands_are_listed_newest_first_in_pages_and_by_filter(practice: Practice) -> None:
    node, other = Online(practice), Online(practice)
    ssm = practice.client("ssm")
    ids = []
    for _ in range(3):
        ids.append(ssm.send_command(**ECHO, InstanceIds=[node.id])["Command"]["CommandId"])
        practice.clock.advance(1000)
    node.reply(f"aws.ssm.{ids[0]}.{node.id}", "Success", {"status": "Success", "code": 0})
    ssm.send_command(**ECHO, InstanceIds=[other.id])

    def found(**arguments: Any) -> list[str]:
        return [command["CommandId"] for command in ssm.list_commands(**arguments)["Commands"]]

    pages = ssm.get_paginator("list_commands").paginate(InstanceId=node.id, PaginationConfig={"PageSize": 2})
    assert [command["CommandId"] for page in pages for command in page["Commands"]] == ids[::-1]
    assert found(Filters=[{"key": "DocumentName", "value": "AWS-RunPowerShellScript"}]) == []
    assert found(InstanceId=node.id, Filters=[{"key": "Status", "value": "Pending"}]) == ids[:0:-1]
    listed = ssm.list_command_invocations(InstanceId=node.id, Filters=[{"key": "Status", "value": "Pending"}])
    assert [item["CommandId"] for item in listed["CommandInvocations"]] == ids[:0:-1]
    assert found(Filters=[{"key": "ExecutionStage", "value": "Executing"}]) != []
    assert refused(ssm.list_commands, Filters=[{"key": "InvokedAfter", "value": "soon"}])[0] == "InvalidFilterKey"
    assert len(found(Filters=[{"key": "InvokedBefore", "value": "2999-01-01T00:00:00Z"}])) == 4
    assert found(Filters=[{"key": "InvokedAfter", "value": "2999-01-01T00:00:00Z"}]) == []
