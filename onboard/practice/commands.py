"""Run Command: send to agents, and report what they answered.

MaxConcurrency, MaxErrors, alarms and notifications are accepted and returned, but have no effect: every node
gets its message at once. Output is not written to a bucket.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from onboard.practice.awsjson import AwsError, page
from onboard.practice.hybrid import JSON, Command, Hybrid, Invocation, Message, Node, new_uuid
from onboard.practice.nodes import matching_nodes

PLUGINS = {"AWS-RunShellScript": "aws:runShellScript", "AWS-RunPowerShellScript": "aws:runPowerShellScript"}
PLATFORMS = {
    "AWS-RunShellScript": ("Linux", "MacOS"),
    "AWS-RunPowerShellScript": ("Windows", "Linux", "MacOS"),
}
PARAMETERS = ("commands", "workingDirectory", "executionTimeout")
EXECUTION_TIMEOUT = re.compile(r"([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|172800")
DEFAULT_TIMEOUT_S = 3600
STDOUT_LIMIT, STDERR_LIMIT, PLUGIN_LIMIT = 24_000, 8_000, 2_500
"""Characters kept of an answer, as GetCommandInvocation returns it, and as CommandPlugins returns it."""


def send_command(hybrid: Hybrid, request: JSON) -> JSON:
    """SendCommand, for the two documents that run scripts."""
    document = request["DocumentName"].rpartition("/")[2]
    if document not in PLUGINS:
        raise AwsError("InvalidDocument", f"Document with name {request['DocumentName']} does not exist.")
    parameters = _checked_parameters(request.get("Parameters") or {})
    nodes = _addressed_nodes(hybrid, request)
    fitting = [node for node in nodes if node.reported.get("PlatformType", "Linux") in PLATFORMS[document]]
    if request.get("InstanceIds") and len(fitting) < len(nodes):
        raise AwsError("UnsupportedPlatformType", f"{document} doesn't support the platform of every node named.")
    command = Command(
        command_id=new_uuid(),
        request={**request, "DocumentName": document, "Parameters": parameters},
        requested=hybrid.now,
        delivery_timeout_s=request.get("TimeoutSeconds") or DEFAULT_TIMEOUT_S,
        execution_timeout_s=int(parameters.get("executionTimeout", [str(DEFAULT_TIMEOUT_S)])[0]),
        invocations={node.instance_id: Invocation(node.instance_id) for node in fitting},
    )
    hybrid.commands[command.command_id] = command
    payload = _payload(command)
    for node in fitting:
        invocation = command.invocations[node.instance_id]
        node.deliver(_message(hybrid, "sendCommand", command.command_id, payload, invocation))
    return {"Command": _described(hybrid, command)}


def list_commands(hybrid: Hybrid, request: JSON) -> JSON:
    """ListCommands, newest first."""
    items, more = page(_selected(hybrid, request), request, default=50)
    return {"Commands": [_described(hybrid, command) for command in items], **more}


def list_command_invocations(hybrid: Hybrid, request: JSON) -> JSON:
    """ListCommandInvocations; with Details also each plugin's output, cut to 2,500 characters."""
    wanted = request.get("InstanceId")
    found = [
        (command, invocation)
        for command in _selected(hybrid, request, by_invocation=True)
        for invocation in command.invocations.values()
        if wanted in (None, invocation.instance_id) and _status_matches(request, invocation.status)
    ]
    items, more = page(found, request, default=50)
    details = bool(request.get("Details"))
    return {"CommandInvocations": [_listed(hybrid, *item, details=details) for item in items], **more}


def get_command_invocation(hybrid: Hybrid, request: JSON) -> JSON:
    """GetCommandInvocation: up to 24,000 characters of output and 8,000 of errors."""
    command = _command(hybrid, request["CommandId"])
    invocation = command.invocations.get(request["InstanceId"])
    if invocation is None:
        raise AwsError("InvocationDoesNotExist")
    plugin = PLUGINS[command.request["DocumentName"]]
    if request.get("PluginName") not in (None, plugin):
        raise AwsError("InvalidPluginName", "The plugin name isn't valid.")
    expire(hybrid, command)
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "Comment": command.request.get("Comment", ""),
        "DocumentName": command.request["DocumentName"],
        "DocumentVersion": command.request.get("DocumentVersion", "$DEFAULT"),
        "PluginName": plugin,
        "ResponseCode": invocation.code,
        "ExecutionStartDateTime": iso(invocation.started),
        "ExecutionElapsedTime": _elapsed(invocation),
        "ExecutionEndDateTime": iso(invocation.ended) if invocation.started is not None else "",
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "StandardOutputContent": invocation.stdout,
        "StandardOutputUrl": "",
        "StandardErrorContent": invocation.stderr,
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def cancel_command(hybrid: Hybrid, request: JSON) -> JSON:
    """CancelCommand: at once if the agent has not received it yet, else the agent is asked to stop it."""
    command = _command(hybrid, request["CommandId"])
    expire(hybrid, command)
    chosen = request.get("InstanceIds") or list(command.invocations)
    if unknown := [instance_id for instance_id in chosen if instance_id not in command.invocations]:
        raise AwsError("InvalidInstanceId", f"Instances {unknown} have no part in this command.")
    cancel_id = new_uuid()
    for instance_id in chosen:
        invocation = command.invocations[instance_id]
        node = hybrid.nodes.get(instance_id)
        if invocation.status == "Pending" or (node is None and not invocation.finished):
            invocation.finish("Cancelled", "Cancelled", hybrid.now)
        elif node is not None and invocation.status == "InProgress":
            invocation.status = invocation.details = "Cancelling"
            payload = json.dumps({"CancelMessageId": f"aws.ssm.{command.command_id}.{instance_id}"})
            node.deliver(_message(hybrid, "cancelCommand", cancel_id, payload, invocation))
    return {}


def take_reply(hybrid: Hybrid, instance_id: str, message_id: str, text: Any) -> None:
    """An agent's answer to a message: the command's progress, and finally its output.

    Agents do not keep the order, so what comes after a final status is ignored. Raises ValidationException.
    """
    command = hybrid.commands.get(message_id.removeprefix("aws.ssm.").partition(".")[0])
    invocation = command.invocations.get(instance_id) if command else None
    if command is None or invocation is None:
        return  # the answer to a cancel message, or to a command AWS has forgotten
    expire(hybrid, command)
    if invocation.finished:
        return
    reply = _object(text)
    invocation.start(hybrid.now)
    for step in (reply.get("runtimeStatus") or {}).values():
        invocation.code = int(step.get("code", invocation.code))
        invocation.stdout = str(step.get("standardOutput") or "")[:STDOUT_LIMIT]
        invocation.stderr = str(step.get("standardError") or "")[:STDERR_LIMIT]
    status = reply.get("documentStatus")
    if status in ("Success", "Failed", "Cancelled"):
        invocation.finish(status, status, hybrid.now)
    elif status == "TimedOut":
        invocation.finish(status, "ExecutionTimedOut", hybrid.now)
    invocation.trace = str(reply.get("documentTraceOutput") or "")


def expire(hybrid: Hybrid, command: Command) -> None:
    """End the invocations that have timed out: not delivered, or running for too long."""
    now = hybrid.now
    for invocation in command.invocations.values():
        if invocation.started is None:
            if now > command.requested + command.delivery_timeout_s:
                invocation.finish("TimedOut", "DeliveryTimedOut", now)
        elif now > invocation.started + command.execution_timeout_s:
            invocation.finish("TimedOut", "ExecutionTimedOut", now)


def _object(text: Any) -> JSON:
    try:
        parsed = json.loads(text)
    except (TypeError, ValueError):
        parsed = None
    if not isinstance(parsed, dict):
        raise AwsError("ValidationException", "Payload must be a JSON object.")
    return parsed


def _checked_parameters(parameters: JSON) -> dict[str, list[str]]:
    for name in parameters:
        if name not in PARAMETERS:
            raise AwsError("InvalidParameters", f"Parameter {name} is not defined in the document.")
    if not parameters.get("commands"):
        raise AwsError("InvalidParameters", "Parameter commands is required.")
    timeouts = parameters.get("executionTimeout", ["3600"])
    if len(timeouts) != 1 or EXECUTION_TIMEOUT.fullmatch(timeouts[0]) is None:
        raise AwsError("InvalidParameters", "Parameter executionTimeout must be a number of seconds from 1 to 172800.")
    return parameters


def _addressed_nodes(hybrid: Hybrid, request: JSON) -> list[Node]:
    ids, targets = request.get("InstanceIds") or [], request.get("Targets") or []
    if bool(ids) == bool(targets):
        raise AwsError("ValidationException", "Exactly one of InstanceIds and Targets must be given.")
    if len(set(ids)) != len(ids):
        raise AwsError("DuplicateInstanceId", "You can't specify a managed node ID more than once in the same command.")
    if unknown := [instance_id for instance_id in ids if instance_id not in hybrid.nodes]:
        text = f"Instances [[{', '.join(unknown)}]] not in a valid state for account {hybrid.account}"
        raise AwsError("InvalidInstanceId", text)
    if ids:
        return [hybrid.nodes[instance_id] for instance_id in ids]
    nodes = list(hybrid.nodes.values())
    for target in targets:
        key, values = target.get("Key", ""), target.get("Values") or []
        if key != "InstanceIds" and not key.startswith("tag"):
            raise AwsError("InvalidParameters", f"Targets by {key} are not part of this practice.")
        accepted = {node.instance_id for node in matching_nodes(hybrid, [(key, values)])}
        nodes = [node for node in nodes if node.instance_id in accepted]
    return nodes


def _payload(command: Command) -> str:
    """The message's text, in the form of document schema 2.2, which all current agents read."""
    document = command.request["DocumentName"]
    parameters = command.request["Parameters"]
    inputs = {
        "runCommand": parameters["commands"],
        "workingDirectory": "".join(parameters.get("workingDirectory", [])),
        "timeoutSeconds": str(command.execution_timeout_s),
    }
    return json.dumps(
        {
            "Parameters": {"commands": parameters["commands"]},
            "DocumentContent": {
                "schemaVersion": "2.2",
                "description": "Runs a script.",
                "parameters": {"commands": {"type": "StringList"}},
                "mainSteps": [{"action": PLUGINS[document], "name": "run", "inputs": inputs}],
            },
            "CommandId": command.command_id,
            "DocumentName": document,
            "CloudWatchLogGroupName": "",
            "CloudWatchOutputEnabled": "false",  # the agent reads it from text, and reports an error if it is missing
            "OutputS3BucketName": command.request.get("OutputS3BucketName", ""),
            "OutputS3KeyPrefix": command.request.get("OutputS3KeyPrefix", ""),
        }
    )


def _message(hybrid: Hybrid, kind: str, message_id: str, payload: str, invocation: Invocation) -> Message:
    dotted = hybrid.region.replace("-", ".")
    return Message(
        message_id=f"aws.ssm.{message_id}.{invocation.instance_id}",
        topic=f"aws.ssm.{kind}.{dotted}.1.{invocation.instance_id}",
        payload=payload,
        created=hybrid.now,
        invocation=invocation,
    )


def _command(hybrid: Hybrid, command_id: str) -> Command:
    command = hybrid.commands.get(command_id)
    if command is None:
        raise AwsError("InvalidCommandId", "The specified command ID isn't valid. Verify the ID and try again.")
    return command


def _selected(hybrid: Hybrid, request: JSON, *, by_invocation: bool = False) -> list[Command]:
    if request.get("CommandId"):
        found = [_command(hybrid, request["CommandId"])]
    else:
        found = list(reversed(hybrid.commands.values()))
    for command in found:
        expire(hybrid, command)
    if request.get("InstanceId"):
        found = [command for command in found if request["InstanceId"] in command.invocations]
    for wanted in request.get("Filters") or []:
        key, value = wanted["key"], wanted["value"]
        if not (by_invocation and key == "Status"):
            found = [command for command in found if _FILTERS[key](command, value)]
    return found


def _status_matches(request: JSON, status: str) -> bool:
    return all(item["value"] == status for item in request.get("Filters") or [] if item["key"] == "Status")


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise AwsError("InvalidFilterKey", f"{text} isn't a time.") from None


_FILTERS: dict[str, Callable[[Command, str], bool]] = {
    "InvokedAfter": lambda command, value: command.requested > _moment(value),
    "InvokedBefore": lambda command, value: command.requested < _moment(value),
    "Status": lambda command, value: _status(command) == value,
    "ExecutionStage": lambda command, value: ("Complete" if _finished(command) else "Executing") == value,
    "DocumentName": lambda command, value: command.request["DocumentName"] == value,
}


def _finished(command: Command) -> bool:
    return all(invocation.finished for invocation in command.invocations.values())


def _status(command: Command) -> str:
    """The command's status: unfinished while any node is, else the worst of the nodes' statuses."""
    statuses = {invocation.status for invocation in command.invocations.values()}
    for status in ("Cancelling", "InProgress", "Pending"):
        if status in statuses:
            started = status == "Pending" and len(statuses) > 1
            return "InProgress" if started else status
    return next((status for status in ("Failed", "TimedOut", "Cancelled") if status in statuses), "Success")


def _described(hybrid: Hybrid, command: Command) -> JSON:
    request, invocations = command.request, list(command.invocations.values())
    status = _status(command)
    return {
        "CommandId": command.command_id,
        "DocumentName": request["DocumentName"],
        "DocumentVersion": request.get("DocumentVersion", "$DEFAULT"),
        "Comment": request.get("Comment", ""),
        "ExpiresAfter": command.requested + command.delivery_timeout_s + command.execution_timeout_s,
        "Parameters": request["Parameters"],
        "InstanceIds": request.get("InstanceIds") or [],
        "Targets": request.get("Targets") or [],
        "RequestedDateTime": command.requested,
        "Status": status,
        "StatusDetails": status if invocations else "NoInstancesInTag",
        "OutputS3Region": hybrid.region,
        "OutputS3BucketName": request.get("OutputS3BucketName", ""),
        "OutputS3KeyPrefix": request.get("OutputS3KeyPrefix", ""),
        "MaxConcurrency": request.get("MaxConcurrency", "50"),
        "MaxErrors": request.get("MaxErrors", "0"),
        "TargetCount": len(invocations),
        "CompletedCount": sum(invocation.finished for invocation in invocations),
        "ErrorCount": sum(invocation.status in ("Failed", "TimedOut") for invocation in invocations),
        "DeliveryTimedOutCount": sum(invocation.details == "DeliveryTimedOut" for invocation in invocations),
        "ServiceRole": request.get("ServiceRoleArn", ""),
        "NotificationConfig": request.get("NotificationConfig")
        or {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "TimeoutSeconds": command.delivery_timeout_s,
    }


def _listed(hybrid: Hybrid, command: Command, invocation: Invocation, *, details: bool) -> JSON:
    node = hybrid.nodes.get(invocation.instance_id)
    listed = {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "InstanceName": node.reported.get("ComputerName", "") if node else "",
        "Comment": command.request.get("Comment", ""),
        "DocumentName": command.request["DocumentName"],
        "DocumentVersion": command.request.get("DocumentVersion", "$DEFAULT"),
        "RequestedDateTime": command.requested,
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "TraceOutput": invocation.trace[:PLUGIN_LIMIT],
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [],
    }
    if details and invocation.started is not None:
        plugin = {
            "Name": PLUGINS[command.request["DocumentName"]],
            "Status": "InProgress" if invocation.status == "Cancelling" else invocation.status,
            "StatusDetails": invocation.details,
            "ResponseCode": invocation.code,
            "ResponseStartDateTime": invocation.started,
            "Output": _plugin_output(invocation),
            "OutputS3BucketName": command.request.get("OutputS3BucketName", ""),
            "OutputS3KeyPrefix": command.request.get("OutputS3KeyPrefix", ""),
        }
        if invocation.ended is not None:
            plugin["ResponseFinishDateTime"] = invocation.ended
        listed["CommandPlugins"] = [plugin]
    return listed


def _plugin_output(invocation: Invocation) -> str:
    errors = f"\n----------ERROR-------\n{invocation.stderr}" if invocation.stderr else ""
    return (invocation.stdout + errors)[:PLUGIN_LIMIT]


def iso(moment: float | None) -> str:
    """A moment as AWS writes it in text, to the millisecond; empty for None."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _elapsed(invocation: Invocation) -> str:
    if invocation.started is None or invocation.ended is None:
        return ""
    return f"PT{max(0.0, invocation.ended - invocation.started):.3f}S"


OPERATIONS = {
    "SendCommand": send_command,
    "ListCommands": list_commands,
    "ListCommandInvocations": list_command_invocations,
    "GetCommandInvocation": get_command_invocation,
    "CancelCommand": cancel_command,
}
