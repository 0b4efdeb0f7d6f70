"""The agents' operations: registration, credentials, heartbeats, and the message queue of Run Command.

Requests are as observed from amazon-ssm-agent 3.3; the operations are not in any public model.
The agent signs RequestManagedInstanceRoleToken with its RSA key. How is not documented, so it is not verified;
only the mi- id in the Credential is matched. A practice tests flows, not cryptography.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto.sts.models import sts_backends

from onboard.practice import roles
from onboard.practice.awsjson import AwsError
from onboard.practice.commands import iso, take_reply
from onboard.practice.hybrid import (
    INVALID_TOKEN,
    JSON,
    Hybrid,
    Message,
    Node,
    Token,
    decoded,
    find_activation,
    find_node,
    new_instance_id,
    new_uuid,
)

TOKEN_LIFE_S = 3600
VISIBILITY_TIMEOUT_S = 30
"""A message that is not acknowledged is delivered again after this time, unless the agent sets another."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed: the id in the Credential (an mi- id or an access key), and account and Region it points to."""

    credential: str
    account: str
    region: str


def register_managed_instance(request: JSON) -> tuple[Hybrid, JSON]:
    """RegisterManagedInstance, the only unsigned call. Returns the node's account and Region, and the answer."""
    found = find_activation(request.get("ActivationId"))
    if found is None or not found[1].accepts(str(request.get("ActivationCode", ""))):
        raise AwsError("InvalidActivation")
    hybrid, activation = found
    if activation.expires <= hybrid.now:
        raise AwsError("ActivationExpired")
    if activation.registrations >= activation.registration_limit:
        raise AwsError("RegistrationLimitExceeded")
    if hybrid.tier.value == "standard" and len(hybrid.nodes) >= hybrid.settings.standard_tier_nodes:
        raise AwsError("RegistrationLimitExceeded")
    key = _public_key(request.get("PublicKey"), request.get("PublicKeyType"))
    if any(node.public_key == key for node in hybrid.nodes.values()):
        raise AwsError("InstanceAlreadyRegistered")
    node = Node(
        instance_id=new_instance_id(),
        activation_id=activation.activation_id,
        iam_role=activation.iam_role,
        name=activation.default_instance_name,
        fingerprint=str(request.get("Fingerprint", "")),
        public_key=key,
        registered=hybrid.now,
        tags=dict(activation.tags),
    )
    hybrid.nodes[node.instance_id] = node
    activation.registrations += 1
    return hybrid, {"InstanceId": node.instance_id}


def request_managed_instance_role_token(caller: Caller, request: JSON) -> tuple[Hybrid, JSON]:
    """RequestManagedInstanceRoleToken, signed with the node's own key."""
    hybrid, node = _signing_node(caller)
    if request.get("Fingerprint") not in (None, "", node.fingerprint):
        raise AwsError("MachineFingerprintDoesNotMatch", "Fingerprint does not match.")
    role = roles.find_role(hybrid.account, hybrid.region, node.iam_role)
    if role is None or not roles.may_be_assumed_for(role, hybrid.account, hybrid.region):
        arn = roles.role_arn(hybrid.account, hybrid.region, node.iam_role)
        raise AwsError("AccessDeniedException", f"Systems Manager may not assume {arn} for {node.instance_id}")
    session = sts_backends[hybrid.account][hybrid.partition].assume_role(
        region_name=hybrid.region,
        role_session_name=node.instance_id,
        role_arn=roles.role_arn(hybrid.account, hybrid.region, node.iam_role),
        policy="",
        duration=TOKEN_LIFE_S,
        external_id="",
    )
    expires = hybrid.now + TOKEN_LIFE_S
    hybrid.tokens[session.access_key_id] = Token(node.instance_id, expires)
    return hybrid, {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "TokenExpirationDate": expires,
        "UpdateKeyPair": False,
    }


def update_managed_instance_public_key(caller: Caller, request: JSON) -> tuple[Hybrid, JSON]:
    """UpdateManagedInstancePublicKey, signed with the key that is being replaced."""
    hybrid, node = _signing_node(caller)
    node.public_key = _public_key(request.get("NewPublicKey"), request.get("NewPublicKeyType"))
    return hybrid, {}


def update_instance_information(hybrid: Hybrid, node: Node, request: JSON) -> JSON:
    """UpdateInstanceInformation: the heartbeat, with what the agent knows about its machine."""
    require_permission(hybrid, node, "ssm:UpdateInstanceInformation")
    node.last_ping = hybrid.now
    node.reported.update({key: value for key, value in request.items() if value})
    return {}


def list_instance_associations(hybrid: Hybrid, node: Node, request: JSON) -> JSON:
    """ListInstanceAssociations: there are none."""
    return {"Associations": []}


async def get_messages(hybrid: Hybrid, node: Node, request: JSON) -> JSON:
    """GetMessages: waits for a message or until the poll times out. A wait is an event, not a thread."""
    require_permission(hybrid, node, "ec2messages:GetMessages")
    if not node.ready_messages(hybrid.now):
        event = asyncio.Event()
        node.polls.append(event)
        try:
            async with asyncio.timeout(hybrid.settings.poll_hold_s):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            node.polls.remove(event)
    visibility = request.get("VisibilityTimeoutInSeconds") or VISIBILITY_TIMEOUT_S
    messages = node.ready_messages(hybrid.now)
    for message in messages:
        message.hand_out(hybrid.now, visibility)
    return {
        "Destination": node.instance_id,
        "MessagesRequestId": request.get("MessagesRequestId") or new_uuid(),
        "Messages": [_delivered(node, message) for message in messages],
    }


def acknowledge_message(hybrid: Hybrid, node: Node, request: JSON) -> JSON:
    """AcknowledgeMessage: the agent has received it, and the command runs."""
    for message in node.take(request.get("MessageId")):
        if message.starts_command:
            message.invocation.start(hybrid.now)
    return {}


def delete_message(hybrid: Hybrid, node: Node, request: JSON) -> JSON:
    """DeleteMessage: removes it from the queue."""
    node.take(request.get("MessageId"))
    return {}


def fail_message(hybrid: Hybrid, node: Node, request: JSON) -> JSON:
    """FailMessage: the agent could not process it."""
    for message in node.take(request.get("MessageId")):
        message.invocation.finish("Failed", "Failed", hybrid.now)
        message.invocation.trace = str(request.get("FailureType", ""))
    return {}


def send_reply(hybrid: Hybrid, node: Node, request: JSON) -> JSON:
    """SendReply: the command's progress, and finally its output."""
    take_reply(hybrid, node.instance_id, str(request.get("MessageId", "")), request.get("Payload"))
    return {}


def node_of(caller: Caller, hybrid: Hybrid, request: JSON) -> Node:
    """The node whose token signed the request; raises AWS's errors for invalid or expired tokens."""
    token = hybrid.tokens.get(caller.credential)
    if token is None:
        raise AwsError("UnrecognizedClientException", INVALID_TOKEN)
    if token.expires <= hybrid.now:
        raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
    named = request.get("InstanceId") or request.get("Destination")
    if named not in (None, token.instance_id):
        raise AwsError("AccessDeniedException", f"{token.instance_id} is not authorized to act for {named}")
    return hybrid.node(token.instance_id)


def _signing_node(caller: Caller) -> tuple[Hybrid, Node]:
    found = find_node(caller.credential, caller.region)
    if found is None:
        raise AwsError("InvalidInstanceId", f"Not existing InstanceId {caller.credential}")
    return found


def require_permission(hybrid: Hybrid, node: Node, action: str) -> None:
    """Raise AWS's AccessDeniedException unless the node's role allows the action."""
    role = roles.find_role(hybrid.account, hybrid.region, node.iam_role)
    if role is None or not roles.allows(role, action):
        name = node.iam_role.rpartition("/")[2]
        user = f"arn:{hybrid.partition}:sts::{hybrid.account}:assumed-role/{name}/{node.instance_id}"
        resource = f"arn:{hybrid.partition}:ssm:{hybrid.region}:{hybrid.account}:managed-instance/{node.instance_id}"
        text = f"User: {user} is not authorized to perform: {action} on resource: {resource}"
        raise AwsError("AccessDeniedException", text)


def _public_key(text: Any, kind: Any) -> bytes:
    """SHA-256 of the key's DER; raises InvalidPublicKey unless it is an RSA key."""
    try:
        der = decoded(text)
        if kind != "Rsa" or not isinstance(load_der_public_key(der), RSAPublicKey):
            raise AwsError("InvalidPublicKey")
    except (ValueError, UnsupportedAlgorithm):
        raise AwsError("InvalidPublicKey") from None
    return hashlib.sha256(der).digest()


def _delivered(node: Node, message: Message) -> JSON:
    return {
        "CreatedDate": iso(message.created),
        "Destination": node.instance_id,
        "MessageId": message.message_id,
        "Topic": message.topic,
        "Payload": message.payload,
        "PayloadDigest": hashlib.sha256(message.payload.encode()).hexdigest(),
    }


SIGNED_BY_KEY: dict[str, Callable[[Caller, JSON], tuple[Hybrid, JSON]]] = {
    "RequestManagedInstanceRoleToken": request_managed_instance_role_token,
    "UpdateManagedInstancePublicKey": update_managed_instance_public_key,
}
SIGNED_BY_TOKEN: dict[str, Callable[[Hybrid, Node, JSON], JSON | Awaitable[JSON]]] = {
    "UpdateInstanceInformation": update_instance_information,
    "ListInstanceAssociations": list_instance_associations,
    "GetMessages": get_messages,
    "AcknowledgeMessage": acknowledge_message,
    "DeleteMessage": delete_message,
    "FailMessage": fail_message,
    "SendReply": send_reply,
}
