"""Operations on managed nodes: find them, change their role and tags, and deregister them."""

import re
from collections.abc import Callable

from onboard.practice.activations import TAGS_PER_RESOURCE
from onboard.practice.awsjson import AwsError, page
from onboard.practice.hybrid import JSON, Hybrid, Node, tag_list, tags_of

PING_STATUSES = ("Online", "ConnectionLost", "Inactive")
PLATFORM_TYPES = ("Windows", "Linux", "MacOS")
RESOURCE_TYPES = ("ManagedInstance", "EC2Instance")


def describe_instance_information(hybrid: Hybrid, request: JSON) -> JSON:
    """DescribeInstanceInformation with its filters, including the older filter list."""
    if request.get("Filters") and request.get("InstanceInformationFilterList"):
        raise AwsError("ValidationException", "Filters and InstanceInformationFilterList can't be used together.")
    filters = [(item["Key"], item["Values"]) for item in request.get("Filters") or []]
    filters += [(item["key"], item["valueSet"]) for item in request.get("InstanceInformationFilterList") or []]
    found = matching_nodes(hybrid, filters)
    items, more = page(found, request, default=10)
    return {"InstanceInformationList": [_described(hybrid, node) for node in items], **more}


def update_managed_instance_role(hybrid: Hybrid, request: JSON) -> JSON:
    """UpdateManagedInstanceRole: the agent gets the new role with its next token."""
    node = hybrid.node(request["InstanceId"])
    hybrid.assumable_role(request["IamRole"])
    node.iam_role = request["IamRole"]
    return {}


def deregister_managed_instance(hybrid: Hybrid, request: JSON) -> JSON:
    """DeregisterManagedInstance: from now on its agent's requests are refused."""
    node = hybrid.node(request["InstanceId"])
    del hybrid.nodes[node.instance_id]
    node.wake()
    return {}


def add_tags_to_resource(hybrid: Hybrid, request: JSON) -> JSON:
    """AddTagsToResource of a managed node."""
    node = _tagged_node(hybrid, request)
    tags = {**node.tags, **tags_of(request)}
    if len(tags) > TAGS_PER_RESOURCE:
        raise AwsError("TooManyTagsError", f"At most {TAGS_PER_RESOURCE} tags are allowed.")
    node.tags = tags
    return {}


def list_tags_for_resource(hybrid: Hybrid, request: JSON) -> JSON:
    """ListTagsForResource of a managed node."""
    return {"TagList": tag_list(_tagged_node(hybrid, request).tags)}


def remove_tags_from_resource(hybrid: Hybrid, request: JSON) -> JSON:
    """RemoveTagsFromResource of a managed node."""
    node = _tagged_node(hybrid, request)
    node.tags = {key: value for key, value in node.tags.items() if key not in request["TagKeys"]}
    return {}


def matching_nodes(hybrid: Hybrid, filters: list[tuple[str, list[str]]]) -> list[Node]:
    """The nodes that match all filters, in the order of registration. Raises AWS's errors for wrong filters."""
    keys = [key for key, _ in filters]
    if len(keys) > 1 and any(key.startswith("tag") for key in keys):
        raise AwsError("InvalidFilterKey", "A tag filter can't be combined with other filters.")
    tests = [_test(hybrid, key, values) for key, values in filters]
    return [node for node in hybrid.nodes.values() if all(test(node) for test in tests)]


def _test(hybrid: Hybrid, key: str, values: list[str]) -> Callable[[Node], bool]:
    if key.startswith("tag:"):
        return lambda node: node.tags.get(key.removeprefix("tag:")) in values
    if key == "tag-key":
        return lambda node: any(value in node.tags for value in values)
    if key not in _TESTS:
        raise AwsError("InvalidFilterKey", f"The filter key {key} isn't valid.")
    allowed = _ALLOWED.get(key)
    for value in values:
        if allowed is not None and re.fullmatch(allowed, value) is None:
            raise AwsError("InvalidInstanceInformationFilterValue", f"The value {value} of {key} isn't valid.")
    return lambda node: bool(_TESTS[key](hybrid, node) & set(values))


_ALLOWED = {
    "InstanceIds": r"i-(\w{8}|\w{17})|mi-\w{17}",
    "PingStatus": "|".join(PING_STATUSES),
    "PlatformTypes": "|".join(PLATFORM_TYPES),
    "ResourceType": "|".join(RESOURCE_TYPES),
}
_TESTS: dict[str, Callable[[Hybrid, Node], set[str]]] = {
    "InstanceIds": lambda _, node: {node.instance_id},
    "AgentVersion": lambda hybrid, node: {
        node.reported.get("AgentVersion", ""),
        "LATEST" if _is_latest(hybrid, node) else "NOT_LATEST",
    },
    "PingStatus": lambda hybrid, node: {_ping_status(hybrid, node)},
    "PlatformTypes": lambda _, node: {node.reported.get("PlatformType", "")},
    "ActivationIds": lambda _, node: {node.activation_id},
    "IamRole": lambda _, node: {node.iam_role},
    "ResourceType": lambda _, node: {"ManagedInstance"},
    "AssociationStatus": lambda _, node: set(),
}


def _ping_status(hybrid: Hybrid, node: Node) -> str:
    # AWS's documentation has no status for a node whose agent never reported; ConnectionLost fits best.
    return "Online" if hybrid.is_online(node) else "ConnectionLost"


def _is_latest(hybrid: Hybrid, node: Node) -> bool:
    return bool(node.reported.get("AgentVersion") == hybrid.settings.agent_versions[0])


def _described(hybrid: Hybrid, node: Node) -> JSON:
    told = {
        key: node.reported[key]
        for key in ("AgentVersion", "PlatformType", "PlatformName", "PlatformVersion", "IPAddress", "ComputerName")
        if node.reported.get(key)
    }
    named = {"Name": node.name} if node.name else {}
    return {
        "InstanceId": node.instance_id,
        "PingStatus": _ping_status(hybrid, node),
        "LastPingDateTime": node.registered if node.last_ping is None else node.last_ping,
        "IsLatestVersion": _is_latest(hybrid, node),
        "ActivationId": node.activation_id,
        "IamRole": node.iam_role,
        "RegistrationDate": node.registered,
        "ResourceType": "ManagedInstance",
        "SourceId": node.instance_id,
        "SourceType": "AWS::SSM::ManagedInstance",
        **named,
        **told,
    }


def _tagged_node(hybrid: Hybrid, request: JSON) -> Node:
    node = hybrid.nodes.get(request["ResourceId"])
    if node is None:
        raise AwsError("InvalidResourceId", "The resource ID isn't valid. Verify that you entered the correct ID.")
    return node


OPERATIONS = {
    "DescribeInstanceInformation": describe_instance_information,
    "UpdateManagedInstanceRole": update_managed_instance_role,
    "DeregisterManagedInstance": deregister_managed_instance,
}
TAG_OPERATIONS = {
    "AddTagsToResource": add_tags_to_resource,
    "ListTagsForResource": list_tags_for_resource,
    "RemoveTagsFromResource": remove_tags_from_resource,
}
