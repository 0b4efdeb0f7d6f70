"""Run Command: send a script to nodes through AWS, and read what they answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onboard.aws.failures import asking
from onboard.aws.instances import batches
from onboard.aws.session import Aws
from onboard.model.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import CommandInvocationTypeDef

NODES_A_COMMAND = 50  # API reference, SendCommand
LONGEST_COMMENT = 100
SHORTEST_TIMEOUT = 30  # seconds
PAGE = 50
# The agent appends standard error to standard output, after this line.
_ERROR_MARK = "\n----------ERROR-------\n"
_UNFINISHED = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


@dataclass(frozen=True, slots=True)
class Sent:
    """The command for up to 50 nodes. `command`: its id; `refused`: why AWS refused it for the only node, else ""."""

    nodes: tuple[str, ...]
    command: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one node did with a command. `status` as AWS words it: Pending, InProgress, Success, Failed, …; `details`
    is AWS's finer StatusDetails: DeliveryTimedOut, Undeliverable, …

    Output is cut by AWS at 2,500 characters.
    """

    command_id: str
    instance_id: str
    status: str
    stdout: str = ""
    stderr: str = ""
    details: str = ""

    @property
    def finished(self) -> bool:
        return self.status not in _UNFINISHED


def send_script(
    aws: Aws, ids: Iterable[str], script: str, *, document: str, comment: str, timeout: int = 60
) -> Iterator[Sent]:
    """Send a script to nodes. `document` is AWS's document that runs such scripts, for example AWS-RunShellScript.

    `timeout`: seconds for delivery (at least 30) and for execution.
    Yields each command as soon as AWS has accepted it. On AwsError, the commands already yielded have been sent.
    AWS stores `script`, so it must not contain secrets.
    """
    waiting = list(batches(sorted(set(ids)), NODES_A_COMMAND))
    while waiting:
        batch = waiting.pop()
        try:
            with asking("ssm:SendCommand"):
                answer = aws.ssm.send_command(
                    DocumentName=document,
                    InstanceIds=batch,
                    Comment=comment[:LONGEST_COMMENT],
                    TimeoutSeconds=max(timeout, SHORTEST_TIMEOUT),
                    Parameters={"commands": script.splitlines(), "executionTimeout": [str(timeout)]},
                )
                command = answer["Command"]["CommandId"]
        except AwsError as error:
            if error.code != "InvalidInstanceId":
                raise
            if len(batch) == 1:  # AWS refuses the whole batch when one node is not Online
                yield Sent((*batch,), refused=error.why)
            else:
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
        else:
            yield Sent((*batch,), command)


def invocations(aws: Aws, commands: Iterable[str]) -> dict[tuple[str, str], Invocation]:
    """(command id, node id) → invocation, for those that exist. Raises AwsError."""
    found: dict[tuple[str, str], Invocation] = {}
    for command in commands:
        with asking("ssm:ListCommandInvocations"):
            pages = aws.ssm.get_paginator("list_command_invocations").paginate(
                CommandId=command, Details=True, PaginationConfig={"PageSize": PAGE}
            )
            for page in pages:
                for item in page["CommandInvocations"]:
                    found[command, item["InstanceId"]] = _invocation(command, item)
    return found


def _invocation(command: str, item: "CommandInvocationTypeDef") -> Invocation:
    output = "".join(plugin.get("Output", "") for plugin in item.get("CommandPlugins", []))
    stdout, _, stderr = output.partition(_ERROR_MARK)
    return Invocation(
        command_id=command,
        instance_id=item["InstanceId"],
        status=item.get("Status", ""),
        stdout=stdout,
        stderr=stderr,
        details=item.get("StatusDetails", ""),
    )
