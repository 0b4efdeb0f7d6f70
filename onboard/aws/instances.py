"""Managed nodes as Systems Manager sees them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from onboard.aws.session import Aws


@dataclass(frozen=True, slots=True)
class Node:
    """A managed node. `ping_status` is Online, ConnectionLost or Inactive."""

    instance_id: str
    ping_status: str
    activation_id: str = ""
    computer_name: str = ""
    name: str = ""
    ip_address: str = ""
    agent_version: str = ""
    platform: str = ""
    role: str = ""
    registered: datetime | None = None
    last_ping: datetime | None = None

    @property
    def is_online(self) -> bool:
        return self.ping_status == "Online"


class NodePoller:
    """Asks about all nodes of a run at once, again and again; slower while AWS throttles."""

    def __init__(self, aws: Aws, *, interval: float = 5.0, slowest: float = 60.0) -> None:
        raise NotImplementedError

    @property
    def interval(self) -> float:
        """Seconds to wait before the next `ask`."""
        raise NotImplementedError

    def ask(self, *, activation_ids: Iterable[str] = (), instance_ids: Iterable[str] = ()) -> dict[str, Node] | None:
        """id → node of every node that matches one of these; None when AWS throttled. Raises AwsError otherwise."""
        raise NotImplementedError


def nodes(aws: Aws, *, activation_ids: Iterable[str] = (), instance_ids: Iterable[str] = ()) -> dict[str, Node]:
    """id → node of every node of these activations and of these ids. Raises AwsError."""
    raise NotImplementedError


def known_nodes(aws: Aws, ids: Iterable[str]) -> frozenset[str]:
    """Those of `ids` that this account and Region has. Raises AwsError."""
    raise NotImplementedError


def deregister(aws: Aws, instance_id: str) -> bool:
    """Deregister a node; False when it was gone already. The agent on the server stays. Raises AwsError."""
    raise NotImplementedError


def tag_node(aws: Aws, instance_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a node. Raises AwsError."""
    raise NotImplementedError
