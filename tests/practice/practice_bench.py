"""A practice cloud for one test, on a clock of its own, and what speaks to it."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from onboard.practice.agent import new_public_key
from onboard.practice.cloud import Cloud
from onboard.practice.hybrid import every_hybrid

REGION = "eu-central-1"
CORE_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def wait_until(happened: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return as soon as it has happened; fail when it does not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@dataclass
class SetClock:
    """A clock that goes on by hand alone."""

    seconds: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class RawAnswer:
    """An HTTP answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Practice:
    """A cloud, its clock, and clients of it that neither check what they send nor send it twice."""

    cloud: Cloud
    clock: SetClock

    def client(self, service: str, region: str = REGION, **more: Any) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.cloud.endpoint_url,
            aws_access_key_id="AKIATESTTESTTESTTEST",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            **more,
        )

    def role(self, name: str = "Nodes", trust: dict[str, Any] | None = None, path: str = "/") -> str:
        """Make a service role that agents can work with."""
        iam = self.client("iam")
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust or TRUST))
        iam.attach_role_policy(RoleName=name, PolicyArn=CORE_POLICY)
        return name

    def activation(self, limit: int = 10, region: str = REGION, **more: Any) -> tuple[str, str]:
        """Code and id of a new activation; the role "Nodes" is made when it is missing."""
        if not more.get("IamRole"):
            more["IamRole"] = "Nodes"
            if "Nodes" not in [role["RoleName"] for role in self.client("iam").list_roles()["Roles"]]:
                self.role()
        made = self.client("ssm", region).create_activation(RegistrationLimit=limit, **more)
        return made["ActivationCode"], made["ActivationId"]

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, chunked: bool = False
    ) -> RawAnswer:
        """One HTTP request made with nothing but http.client."""
        address = urlsplit(self.cloud.endpoint_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            if chunked:
                middle = len(data or b"") // 2
                parts = [part for part in ((data or b"")[:middle], (data or b"")[middle:]) if part]
                connection.request(method, path, iter(parts), headers or {}, encode_chunked=True)
            else:
                connection.request(method, path, data, headers or {})
            answer = connection.getresponse()
            return RawAnswer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def open_poll(self, instance_id: str, token: str) -> http.client.HTTPConnection:
        """A GetMessages whose answer nobody has read yet; the cloud holds it when this returns."""
        before = self.polls()
        address = urlsplit(self.cloud.endpoint_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        target = "EC2WindowsMessageDeliveryService.GetMessages"
        headers = self.signed_headers(target, token, REGION)
        connection.request("POST", "/", json.dumps({"Destination": instance_id}), headers)
        wait_until(lambda: self.polls() > before)
        return connection

    def polls(self) -> int:
        """How many long polls the cloud holds."""
        return sum(len(node.polls) for hybrid in every_hybrid() for node in list(hybrid.nodes.values()))

    def channels(self) -> int:
        """How many control channels the cloud has open."""
        return sum(len(node.channels) for hybrid in every_hybrid() for node in list(hybrid.nodes.values()))

    def operation(
        self, target: str, body: Any, credential: str = "", region: str = REGION, *, chunked: bool = False
    ) -> RawAnswer:
        """One operation of the agent's protocol, as an agent's HTTP client sends it."""
        headers = self.signed_headers(target, credential, region)
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        return self.request("POST", "/", body, headers, chunked=chunked)

    def signed_headers(self, target: str, credential: str, region: str) -> dict[str, str]:
        """The headers an agent sends; no Authorization without a credential."""
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": target,
            "Accept-Encoding": "gzip",
            "User-Agent": "aws-sdk-go/1.55.5 (go1.22; linux; amd64) amazon-ssm-agent/",
        }
        if credential:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            service = "ssm" if target.startswith("AmazonSSM") else "ec2messages"
            scope = f"{credential}/{stamp[:8]}/{region}/{service}/aws4_request"
            headers["X-Amz-Date"] = stamp
            headers["Authorization"] = (
                f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=content-type;host;x-amz-date, Signature=00ff"
            )
        return headers

    def register(self, code: str, activation_id: str, key: str | None = None, fingerprint: str = "f-1") -> RawAnswer:
        """Register a node that has no agent."""
        body = {
            "ActivationCode": code,
            "ActivationId": activation_id,
            "Fingerprint": fingerprint,
            "PublicKey": key or new_public_key(),
            "PublicKeyType": "Rsa",
        }
        return self.operation("AmazonSSM.RegisterManagedInstance", body)

    def node(self, code: str, activation_id: str) -> str:
        """The mi- id of a newly registered node."""
        return str(self.register(code, activation_id).json["InstanceId"])

    def token(self, instance_id: str, region: str = REGION) -> str:
        """The access key of a node's role."""
        body = {"Fingerprint": "f-1"}
        answer = self.operation("AmazonSSM.RequestManagedInstanceRoleToken", body, instance_id, region, chunked=True)
        return str(answer.json["AccessKeyId"])

    def heartbeat(self, instance_id: str, token: str | None = None, region: str = REGION, **more: str) -> RawAnswer:
        """UpdateInstanceInformation of a node."""
        body = {
            "AgentName": "amazon-ssm-agent",
            "AgentVersion": "3.3.4851.0",
            "InstanceId": instance_id,
            "PlatformType": "Linux",
            **more,
        }
        credential = token or self.token(instance_id, region)
        return self.operation("AmazonSSM.UpdateInstanceInformation", body, credential, region)

    def messages(self, instance_id: str, token: str) -> list[dict[str, Any]]:
        """What GetMessages hands out."""
        body = {"Destination": instance_id, "MessagesRequestId": "8b1b3e3a-0000-4000-8000-000000000000"}
        answer = self.operation("EC2WindowsMessageDeliveryService.GetMessages", body, token)
        assert answer.status == 200, answer.body
        assert answer.json["Destination"] == instance_id
        return list(answer.json["Messages"])

    def deliver(self, operation: str, token: str, **body: Any) -> RawAnswer:
        """One operation of the message service."""
        return self.operation(f"EC2WindowsMessageDeliveryService.{operation}", body, token)
