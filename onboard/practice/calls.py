"""The practice cloud's log of calls: who asked for what, and whether it changed anything.

It never contains the data of requests: no activation code, no secret, no command.
"""

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

READING_VERBS = (
    "Assume", "BatchGet", "Check", "Decode", "Describe", "Download", "Filter", "Generate", "Get", "Head",
    "List", "Lookup", "Query", "Scan", "Search", "Select", "Simulate", "Validate",
)  # fmt: skip
AGENTS_ROUTINE = frozenset(
    {
        "AcknowledgeMessage", "CreateControlChannel", "DeleteMessage", "FailMessage", "GetMessages",
        "ListInstanceAssociations", "OpenControlChannel", "PutComplianceItems", "PutInventory",
        "RequestManagedInstanceRoleToken", "SendReply", "UpdateInstanceInformation",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the cloud answered."""

    number: int
    """Counts up from 1 without a gap."""
    time: float
    """Seconds since the epoch, by the cloud's clock."""
    service: str
    operation: str
    account: str
    region: str
    caller: str
    """Access key id, an agent's mi- id, or "anonymous"."""
    instance_id: str
    """The node that asks, is registered or is acted on; empty unless there is exactly one."""
    status: int
    """HTTP status of the answer."""
    error: str
    """AWS's error code, or empty."""
    mutating: bool
    """Whether it asks for a change. What agents send regularly (heartbeats, polls, replies) does not."""

    def as_json(self) -> dict[str, Any]:
        """The call as one JSON object."""
        return asdict(self)


def is_mutating(operation: str) -> bool:
    """Whether an operation asks for a change, judged by its name."""
    return operation not in AGENTS_ROUTINE and not operation.startswith(READING_VERBS)


class CallLog:
    """The calls in order; readable from any thread. Keeps the newest 200,000."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=200_000)
        self._count = 0
        self._lock = threading.Lock()

    def record(
        self,
        *,
        time: float,
        service: str,
        operation: str,
        account: str,
        region: str,
        caller: str,
        instance_id: str = "",
        status: int,
        error: str = "",
        mutating: bool | None = None,
    ) -> Call:
        """Append a call. Whether it changes something is judged by its name, unless `mutating` is given."""
        changes = is_mutating(operation) if mutating is None else mutating
        with self._lock:
            self._count += 1
            number = self._count
            call = Call(number, time, service, operation, account, region, caller, instance_id, status, error, changes)
            self._calls.append(call)
        return call

    @property
    def count(self) -> int:
        """How many calls there have been; pass it to `after` to get only later ones."""
        return self._count

    def after(self, number: int = 0) -> list[Call]:
        """The calls numbered higher than `number`, oldest first."""
        with self._lock:
            missing = len(self._calls) - (self._count - number)
            return list(self._calls)[max(0, missing) :]

    def of(self, operation: str, after: int = 0) -> list[Call]:
        """The calls of one operation since call `after`."""
        return [call for call in self.after(after) if call.operation == operation]

    def mutating(self, after: int = 0) -> list[Call]:
        """The calls since call `after` that asked for a change and were not refused."""
        return [call for call in self.after(after) if call.mutating and not call.error]
