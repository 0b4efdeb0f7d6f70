"""The state of the hybrid part of Systems Manager, which moto lacks: one per account and Region.

It is attached to moto's backend for that account and Region, so that resetting moto resets it too.
Only the cloud's event loop uses it, so it needs no locks.
"""

import asyncio
import base64
import hashlib
import secrets
import string
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.core.base_backend import backend_lock
from moto.ssm.models import ssm_backends
from moto.utilities.utils import get_partition

from onboard.practice import roles
from onboard.practice.awsjson import AwsError
from onboard.practice.settings import Settings

TIER_SETTING = "/ssm/managed-instance/activation-tier"
INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - AWS's text
JSON = dict[str, Any]


@dataclass(slots=True)
class Activation:
    """A hybrid activation. Only a hash of its code is kept, so that it cannot be shown again."""

    activation_id: str
    code_sha256: bytes
    iam_role: str
    description: str
    default_instance_name: str
    registration_limit: int
    expires: float
    created: float
    tags: dict[str, str]
    registrations: int = 0

    def accepts(self, code: str) -> bool:
        """Whether this is the activation's code."""
        return secrets.compare_digest(self.code_sha256, hashlib.sha256(code.encode()).digest())


REDELIVERY_LIMIT_S = 1800.0
"""An agent runs a command only once within this time, and may run it again when it gets it later than that."""


@dataclass(slots=True, eq=False)
class Message:
    """A message for an agent; it stays here until the agent acknowledges it."""

    message_id: str
    topic: str
    payload: str
    created: float
    invocation: "Invocation"
    hidden_until: float = 0.0
    """Already delivered; not delivered again before this time."""
    first_delivered: float | None = None

    def hand_out(self, now: float, hidden_s: float) -> None:
        """Deliver it now, and not again for so many seconds."""
        self.hidden_until = now + hidden_s
        if self.first_delivered is None:
            self.first_delivered = now

    @property
    def starts_command(self) -> bool:
        """Whether it starts a command; otherwise it cancels one."""
        return self.topic.startswith("aws.ssm.sendCommand")

    def may_be_delivered(self, now: float) -> bool:
        """Whether it can still be delivered, now or after `hidden_until`."""
        limit = None if self.first_delivered is None else self.first_delivered + REDELIVERY_LIMIT_S
        return not self.invocation.finished and (limit is None or now < limit)


@dataclass(slots=True, eq=False)
class Node:
    """A managed node: its registration, and what its agent reported."""

    instance_id: str
    activation_id: str
    iam_role: str
    name: str
    fingerprint: str
    public_key: bytes
    registered: float
    tags: dict[str, str]
    last_ping: float | None = None
    reported: JSON = field(default_factory=dict)
    """The newest UpdateInstanceInformation, key by key."""
    messages: list[Message] = field(default_factory=list)
    polls: list[asyncio.Event] = field(default_factory=list)
    """The long polls that wait for a message. A clone that shares this identity polls here too."""
    channels: list[asyncio.Event] = field(default_factory=list)
    """What wakes each open control channel, the newest last: that one delivers."""

    def deliver(self, message: Message) -> None:
        """Put a message into the queue and wake the newest channel, else the poll that has waited longest."""
        self.messages.append(message)
        for event in self.channels[-1:] or self.polls[:1]:
            event.set()

    def wake(self) -> None:
        """Wake all waiting polls and channels."""
        for event in (*self.polls, *self.channels):
            event.set()

    def ready_messages(self, now: float) -> list[Message]:
        """Messages that may be delivered at `now`."""
        self.messages = [message for message in self.messages if message.may_be_delivered(now)]
        return [message for message in self.messages if message.hidden_until <= now]

    def take(self, message_id: Any) -> list[Message]:
        """Remove a message from the queue, because the agent has it; empty if it is not there."""
        taken = [message for message in self.messages if message.message_id == message_id]
        self.messages = [message for message in self.messages if message not in taken]
        return taken


@dataclass(slots=True)
class Invocation:
    """One node's part in a command: statuses are AWS's."""

    instance_id: str
    status: str = "Pending"
    details: str = "Pending"
    code: int = -1
    stdout: str = ""
    stderr: str = ""
    trace: str = ""
    started: float | None = None
    ended: float | None = None

    @property
    def finished(self) -> bool:
        """Whether it can no longer change."""
        return self.status in ("Success", "Failed", "TimedOut", "Cancelled")

    def start(self, now: float) -> None:
        """The agent has the command; does nothing if that was known."""
        if self.status == "Pending":
            self.status = self.details = "InProgress"
            self.started = now

    def finish(self, status: str, details: str, now: float) -> None:
        """End it, unless it ended before."""
        if not self.finished:
            self.status, self.details, self.ended = status, details, now


@dataclass(slots=True)
class Command:
    """A Run Command and its invocations, by instance id."""

    command_id: str
    request: JSON
    requested: float
    delivery_timeout_s: int
    execution_timeout_s: int
    invocations: dict[str, Invocation]


@dataclass(slots=True)
class Token:
    """Credentials an agent was given for its role."""

    instance_id: str
    expires: float


@dataclass(slots=True)
class ServiceSetting:
    """The tier of an account's hybrid nodes in a Region."""

    value: str = "standard"
    modified: float = 0.0
    user: str = "System"
    customized: bool = False


class Hybrid:
    """Activations, nodes, commands and tier of one account in one Region."""

    def __init__(self, account: str, region: str, settings: Settings) -> None:
        self.account = account
        self.region = region
        self.partition: str = get_partition(region)
        self.settings = settings
        self.activations: dict[str, Activation] = {}
        self.nodes: dict[str, Node] = {}
        self.commands: dict[str, Command] = {}
        self.tokens: dict[str, Token] = {}
        self.tier = ServiceSetting()

    @property
    def now(self) -> float:
        """Seconds since the epoch, by the cloud's clock."""
        return self.settings.now()

    def node(self, instance_id: Any) -> Node:
        """The node of that id; raises InvalidInstanceId in the words agents are known to log."""
        node = self.nodes.get(instance_id)
        if node is None:
            raise AwsError("InvalidInstanceId", f"Not existing InstanceId {instance_id}")
        return node

    def is_online(self, node: Node) -> bool:
        """Whether the node's agent reported recently enough."""
        return node.last_ping is not None and self.now - node.last_ping <= self.settings.heartbeat_limit_s

    def assumable_role(self, name: str) -> Any:
        """moto's role, if it exists, is old enough to be seen, and trusts Systems Manager.

        Otherwise raises AWS's error: ValidationException, or InternalFailure for an ARN.
        """
        if name.startswith("arn:"):
            raise AwsError("InternalFailure", status=500)
        role = roles.find_role(self.account, self.region, name)
        if role is None or self._is_too_new(role) or not roles.trusts_service(role):
            arn = roles.role_arn(self.account, self.region, name)
            text = f"Nonexistent role or missing ssm service principal in trust policy: {arn}"
            raise AwsError("ValidationException", text)
        return role

    def _is_too_new(self, role: Any) -> bool:
        delay = self.settings.role_delay_s
        return delay > 0 and bool(self.now < role.create_date.timestamp() + delay)


def hybrid_of(account: str, region: str, settings: Settings) -> Hybrid:
    """The state of that account and Region, made when first asked for."""
    try:
        backend = ssm_backends[account][region]
    except KeyError:
        raise AwsError("UnrecognizedClientException", INVALID_TOKEN) from None
    state = getattr(backend, "onboard_hybrid", None)
    if not isinstance(state, Hybrid):
        state = Hybrid(account, region, settings)
        setattr(backend, "onboard_hybrid", state)  # noqa: B010 - moto's class has no such attribute to mypy
    return state


def every_hybrid() -> Iterator[Hybrid]:
    """All states, of all accounts and Regions."""
    with backend_lock:
        backends = [backend for account in list(ssm_backends.values()) for backend in list(account.values())]
    for backend in backends:
        state = getattr(backend, "onboard_hybrid", None)
        if isinstance(state, Hybrid):
            yield state


def find_activation(activation_id: Any) -> tuple[Hybrid, Activation] | None:
    """An activation with its account and Region, which a registration, being unsigned, does not name."""
    for hybrid in every_hybrid():
        if activation_id in hybrid.activations:
            return hybrid, hybrid.activations[activation_id]
    return None


def find_node(instance_id: str, region: str) -> tuple[Hybrid, Node] | None:
    """A node of that Region in any account: agents sign with their mi- id, which does not name an account."""
    for hybrid in every_hybrid():
        if hybrid.region == region and instance_id in hybrid.nodes:
            return hybrid, hybrid.nodes[instance_id]
    return None


def new_activation_code() -> str:
    """20 characters of A-Z, a-z, 0-9, "+" and "/", as AWS's codes have."""
    return "".join(secrets.choice(string.ascii_letters + string.digits + "+/") for _ in range(20))


def new_instance_id() -> str:
    """ "mi-" and 17 hexadecimal digits."""
    return f"mi-{secrets.token_hex(9)[:17]}"


def new_uuid() -> str:
    """A random UUID in lower case."""
    return str(uuid.uuid4())


def decoded(text: Any) -> bytes:
    """Base64 to bytes; raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("not base64 text")
    return base64.b64decode(text, validate=True)


def tags_of(request: JSON) -> dict[str, str]:
    """The Tags of a request; raises InvalidParameters for reserved or duplicate keys."""
    tags: dict[str, str] = {}
    for tag in request.get("Tags") or []:
        if tag["Key"].lower().startswith("aws:"):
            raise AwsError("InvalidParameters", "Tag keys can't start with aws:, which is reserved for AWS.")
        if tag["Key"] in tags:
            raise AwsError("InvalidParameters", f"Duplicate tag key: {tag['Key']}")
        tags[tag["Key"]] = tag["Value"]
    return tags


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as AWS lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
