"""Managed nodes as Systems Manager sees them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from onboard.aws.failures import THROTTLED, asking
from onboard.aws.session import Aws
from onboard.model.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import InstanceInformationTypeDef

VALUES_A_FILTER = 100  # API reference, InstanceInformationStringFilter
PAGE = 50
_ID = re.compile(r"mi-[0-9a-f]{17}|i-(?:[0-9a-f]{8}|[0-9a-f]{17})")


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
        self._aws = aws
        self._usual = interval
        self._slowest = slowest
        self._interval = interval

    @property
    def interval(self) -> float:
        """Seconds to wait before the next `ask`."""
        return self._interval

    def ask(self, *, activation_ids: Iterable[str] = (), instance_ids: Iterable[str] = ()) -> dict[str, Node] | None:
        """id → node of every node that matches one of these; None when AWS throttled. Raises AwsError otherwise."""
        try:
            found = nodes(self._aws, activation_ids=activation_ids, instance_ids=instance_ids)
        except AwsError as error:
            if error.code not in THROTTLED:
                raise
            self._interval = min(self._interval * 2, self._slowest)
            return None
        # Back to the usual pace in steps: at once would be throttled again.
        self._interval = max(self._interval / 1.5, self._usual)
        return found


def nodes(aws: Aws, *, activation_ids: Iterable[str] = (), instance_ids: Iterable[str] = ()) -> dict[str, Node]:
    """id → node of every node of these activations and of these ids. Raises AwsError.

    Ids may come from files of servers: what is no id is no node, and AWS is not asked about it.
    """
    found: dict[str, Node] = {}
    ids = (value for value in instance_ids if _ID.fullmatch(value))
    for key, values in (("ActivationIds", activation_ids), ("InstanceIds", ids)):
        for batch in batches(sorted(set(values)), VALUES_A_FILTER):
            for item in _information(aws, key, batch):
                found[item["InstanceId"]] = _node(item)
    return found


def known_nodes(aws: Aws, ids: Iterable[str]) -> frozenset[str]:
    """Those of `ids` that this account and Region has. Raises AwsError."""
    return frozenset(nodes(aws, instance_ids=ids))


def nodes_of_role(aws: Aws, role: str) -> frozenset[str]:
    """Ids of this Region's nodes that act as `role` (its name with path). Raises AwsError."""
    return frozenset(item["InstanceId"] for item in _information(aws, "IamRole", [role]))


def deregister(aws: Aws, instance_id: str) -> bool:
    """Deregister a node; False when it was gone already. The agent on the server stays. Raises AwsError."""
    try:
        with asking("ssm:DeregisterManagedInstance"):
            aws.ssm.deregister_managed_instance(InstanceId=instance_id)
    except AwsError as error:
        if error.code == "InvalidInstanceId":
            return False
        raise
    return True


def tag_node(aws: Aws, instance_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a node. Raises AwsError."""
    if tags:
        with asking("ssm:AddTagsToResource"):
            aws.ssm.add_tags_to_resource(
                ResourceType="ManagedInstance",
                ResourceId=instance_id,
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )


def batches(values: Sequence[str], size: int) -> Iterator[list[str]]:
    """`values` in lists of at most `size`."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def _information(aws: Aws, key: str, values: list[str]) -> "Iterator[InstanceInformationTypeDef]":
    """What AWS knows about one batch. One unknown id must not hide the others, so a refused batch is halved."""
    try:
        with asking("ssm:DescribeInstanceInformation"):
            pages = aws.ssm.get_paginator("describe_instance_information").paginate(
                Filters=[{"Key": key, "Values": values}], PaginationConfig={"PageSize": PAGE}
            )
            yield from [item for page in pages for item in page["InstanceInformationList"]]
    except AwsError as error:
        if key != "InstanceIds" or error.code != "InvalidInstanceId":
            raise
        if len(values) > 1:
            middle = len(values) // 2
            yield from _information(aws, key, values[:middle])
            yield from _information(aws, key, values[middle:])


def _node(item: "InstanceInformationTypeDef") -> Node:
    return Node(
        instance_id=item["InstanceId"],
        ping_status=item.get("PingStatus", ""),
        activation_id=item.get("ActivationId", ""),
        computer_name=item.get("ComputerName", ""),
        name=item.get("Name", ""),
        ip_address=item.get("IPAddress", ""),
        agent_version=item.get("AgentVersion", ""),
        platform=" ".join(part for part in (item.get("PlatformName"), item.get("PlatformVersion")) if part),
        role=item.get("IamRole", ""),
        registered=item.get("RegistrationDate"),
        last_ping=item.get("LastPingDateTime"),
    )
