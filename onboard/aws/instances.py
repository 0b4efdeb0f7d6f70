"""Managed nodes as Systems Manager sees them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onboard.aws.answers import THROTTLED
from onboard.aws.failures import asking
from onboard.aws.session import Aws
from onboard.model.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import InstanceInformationTypeDef

VALUES_A_FILTER = 100  # API reference, InstanceInformationStringFilter
PAGE = 50
_ID = re.compile(r"mi-[0-9a-f]{17}|i-(?:[0-9a-f]{8}|[0-9a-f]{17})")


@dataclass(frozen=True, slots=True)
class Node:
    """A managed node. It is not online if its connection is lost or was never made.

    `activation_id`: the activation that it was registered with; it stays when the activation is deleted.
    `role`: name of its service role.
    """

    instance_id: str
    is_online: bool
    activation_id: str = ""
    role: str = ""


class NodePoller:
    """Asks about all nodes of a run at once, repeatedly; less often while AWS throttles."""

    def __init__(self, aws: Aws, *, interval: float = 5.0, slowest: float = 60.0) -> None:
        self._aws = aws
        self._usual = interval
        self._slowest = slowest
        self._interval = interval

    @property
    def interval(self) -> float:
        """Seconds to wait before the next `ask`."""
        return self._interval

    def ask(self, ids: Iterable[str]) -> dict[str, Node] | None:
        """id → node, for those of `ids` that exist; None when AWS throttled. Raises other AwsErrors."""
        try:
            found = nodes(self._aws, ids)
        except AwsError as error:
            if error.code not in THROTTLED:
                raise
            self._interval = min(self._interval * 2, self._slowest)
            return None
        # Return to the usual interval in steps; returning at once would be throttled again.
        self._interval = max(self._interval / 1.5, self._usual)
        return found


def nodes(aws: Aws, ids: Iterable[str]) -> dict[str, Node]:
    """id → node, for those of `ids` that exist. Raises AwsError.

    Ids may come from files on servers, so malformed ones are ignored and not sent to AWS.
    """
    found: dict[str, Node] = {}
    for batch in batches(sorted({value for value in ids if _ID.fullmatch(value)}), VALUES_A_FILTER):
        for node in _information(aws, "InstanceIds", batch):
            found[node.instance_id] = node
    return found


def _node(item: "InstanceInformationTypeDef") -> Node:
    return Node(
        item["InstanceId"], item.get("PingStatus") == "Online", item.get("ActivationId", ""), item.get("IamRole", "")
    )


def known_nodes(aws: Aws, ids: Iterable[str]) -> frozenset[str]:
    """Those of `ids` that exist in this account and Region. Raises AwsError."""
    return frozenset(nodes(aws, ids))


def nodes_of_role(aws: Aws, role: str) -> frozenset[str]:
    """Ids of this Region's nodes that use `role` (its name with path). Raises AwsError."""
    return frozenset(node.instance_id for node in _information(aws, "IamRole", [role]))


def nodes_of_activations(aws: Aws, activations: Iterable[str]) -> frozenset[str]:
    """Ids of this Region's nodes that were registered with these activations. Raises AwsError."""
    found: set[str] = set()
    for batch in batches(sorted(set(activations)), VALUES_A_FILTER):
        found |= {node.instance_id for node in _information(aws, "ActivationIds", batch)}
    return frozenset(found)


def deregister(aws: Aws, instance_id: str) -> bool:
    """Deregister a node; False if it no longer exists. The agent stays on the server. Raises AwsError."""
    try:
        with asking("ssm:DeregisterManagedInstance"):
            aws.ssm.deregister_managed_instance(InstanceId=instance_id)
    except AwsError as error:
        if error.code == "InvalidInstanceId":
            return False
        raise
    return True


def batches(values: Sequence[str], size: int) -> Iterator[list[str]]:
    """`values` in lists of at most `size`."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def _information(aws: Aws, key: str, values: list[str]) -> Iterator[Node]:
    """What AWS knows about one batch. A refused batch is halved, so that one unknown id does not hide the others."""
    try:
        with asking("ssm:DescribeInstanceInformation"):
            pages = aws.ssm.get_paginator("describe_instance_information").paginate(
                Filters=[{"Key": key, "Values": values}], PaginationConfig={"PageSize": PAGE}
            )
            found = [_node(item) for page in pages for item in page["InstanceInformationList"]]
    except AwsError as error:
        if key != "InstanceIds" or error.code != "InvalidInstanceId":
            raise
        if len(values) > 1:
            middle = len(values) // 2
            yield from _information(aws, key, values[:middle])
            yield from _information(aws, key, values[middle:])
    else:
        yield from found
