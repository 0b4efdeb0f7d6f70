"""Run Command: a script sent to nodes through AWS, and what they answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from onboard.aws.session import Aws


@dataclass(frozen=True, slots=True)
class Sent:
    """`commands`: ids of the commands sent, of up to 50 nodes each; `refused`: node id → why AWS did not take it."""

    commands: tuple[str, ...]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one node did with a command. `status` as AWS words it: Pending, InProgress, Success, Failed, …

    Output is cut by AWS at 2,500 characters.
    """

    command_id: str
    instance_id: str
    status: str
    stdout: str = ""
    stderr: str = ""

    @property
    def finished(self) -> bool:
        return self.status not in ("Pending", "InProgress", "Delayed", "Cancelling")


def send_script(aws: Aws, ids: Iterable[str], script: str, *, comment: str, timeout: int = 60) -> Sent:
    """Send a POSIX script (AWS-RunShellScript) to nodes. `timeout`, 30 s or more: of delivery, and of execution.

    Raises AwsError. `script` is kept by AWS: no secret in it.
    """
    raise NotImplementedError


def invocations(aws: Aws, commands: Iterable[str]) -> dict[tuple[str, str], Invocation]:
    """(command id, node id) → invocation, as far as they exist. Raises AwsError."""
    raise NotImplementedError
