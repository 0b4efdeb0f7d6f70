"""The practice cloud's front: receives every request, and answers it or passes it to moto.

It answers the agent's protocol, the hybrid part of Systems Manager, AWS's agent bucket and the practice's own
pages under /practice/. Everything else goes to moto.
"""

import inspect
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from aiohttp import web
from moto.iam.models import get_account_id_from
from moto.utilities.utils import get_partition

from onboard.practice import activations, agentapi, channel, commands, nodes
from onboard.practice.agentbucket import AgentBucket
from onboard.practice.awsjson import AwsError, parsed_json, validate
from onboard.practice.callerpolicy import simulated
from onboard.practice.calls import CallLog, is_mutating
from onboard.practice.channel import ControlChannels
from onboard.practice.faults import FaultKind
from onboard.practice.hybrid import JSON, Hybrid, find_node, hybrid_of, new_uuid
from onboard.practice.motoapp import ACCOUNT, MotoApplication
from onboard.practice.settings import Settings

CREDENTIAL = re.compile(r"Credential=([^/\s]+)/[0-9]{8}/([^/\s]+)/([^/\s]+)/aws4_request")
JSON_TYPE = "application/x-amz-json-1.1"
CLOCK_TOLERANCE_S = 300
CALLERS_OPERATIONS = {**activations.OPERATIONS, **nodes.OPERATIONS, **commands.OPERATIONS}
AGENTS_OPERATIONS = {*agentapi.SIGNED_BY_KEY, *agentapi.SIGNED_BY_TOKEN, "RegisterManagedInstance"}
LARGEST_BODY = 256 * 1024 * 1024
HOP_BY_HOP = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request's Authorization header says; for an unsigned one everything is empty except the account."""

    credential: str
    region: str
    service: str
    account: str


@dataclass(slots=True)
class Front:
    """The handler of all requests."""

    settings: Settings
    calls: CallLog
    bucket: AgentBucket
    moto: MotoApplication
    channels: ControlChannels

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.path.startswith("/practice/"):
            return await self._practice_page(request)
        if self.bucket.owns(request.path):
            return await self._agent_bucket(request)
        target, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
        body = await request.read()
        signed = _signed(request.headers)
        named = operation or _form(request, body).get("Action", "")
        fault = self.settings.fault_of(named, by_agent=named in AGENTS_OPERATIONS) if named else None
        if fault in (FaultKind.PAGE, FaultKind.EXPIRED):
            refusal = _proxy_page() if fault is FaultKind.PAGE else _expired(as_xml=not operation)
            self._record(signed.service, named, signed, refusal.status, str(fault), mutating=False)
            return refusal
        answer = await self._answer(request, target, operation, body, signed)
        self.settings.answered(named)
        if fault is FaultKind.LOST and request.transport is not None:
            request.transport.abort()
        return answer

    async def _answer(
        self, request: web.Request, target: str, operation: str, body: bytes, signed: Signed
    ) -> web.StreamResponse:
        if target == "EC2WindowsMessageDeliveryService" and not self.settings.ec2messages:
            return self._refused(operation, signed, AwsError("UnknownOperationException", status=404))
        if target == "EC2WindowsMessageDeliveryService" or (target == "AmazonSSM" and _is_ours(operation, body)):
            return await self._systems_manager(operation, body, request.headers, signed)
        if request.path.startswith(channel.PATH):
            return await self._control_channel(request, signed)
        if not signed.credential and not body and request.method in ("GET", "HEAD"):
            return _unsigned_page(request)
        return await self._moto(request, operation, body, signed)

    async def _systems_manager(
        self, operation: str, body: bytes, headers: Mapping[str, str], signed: Signed
    ) -> web.Response:
        account, region, instance_id = signed.account, signed.region, ""
        status, error, answer = 200, "", b""
        try:
            if self.settings.throttled(operation):
                raise AwsError("ThrottlingException", "Rate exceeded")
            request = parsed_json(body or b"{}")
            if not isinstance(request, dict):
                raise AwsError("SerializationException")
            instance_id = _instance_in(request, signed)
            _require_clock(headers)
            hybrid, result = await self._dispatch(operation, request, signed)
            account, region = hybrid.account, hybrid.region
            if operation == "RegisterManagedInstance":
                instance_id = result["InstanceId"]
            answer = json.dumps(result).encode()
        except AwsError as refusal:
            status, error, answer = refusal.status, refusal.code, refusal.as_json()
        except Exception:
            logging.getLogger(__name__).exception("the practice cloud failed in %s", operation)
            crash = AwsError("InternalServerError", "The practice cloud failed; its log says how.", 500)
            status, error, answer = crash.status, crash.code, crash.as_json()
        self.calls.record(
            time=self.settings.now(),
            service=signed.service or "ssm",
            operation=operation,
            account=account,
            region=region,
            caller=signed.credential or "anonymous",
            instance_id=instance_id,
            status=status,
            error=error,
        )
        headers_out = {"x-amzn-RequestId": new_uuid()}
        return web.Response(status=status, body=answer, content_type=JSON_TYPE, headers=headers_out)

    async def _control_channel(self, request: web.Request, signed: Signed) -> web.StreamResponse:
        """The two calls of ssmmessages. Agents make them over TLS only; a denial sends them to ec2messages."""
        opens = request.method == "GET"
        operation = "OpenControlChannel" if opens else "CreateControlChannel"
        if not request.secure:
            return self._refused(operation, signed, AwsError("AccessDeniedException", "Not here.", 403))
        instance_id = request.path.removeprefix(channel.PATH)
        try:
            if self.settings.throttled(operation):
                raise AwsError("ThrottlingException", "Rate exceeded")
            if not self.settings.ssmmessages:
                raise AwsError("AccessDeniedException", "This practice does not offer ssmmessages.")
            _require_clock(request.headers)
            hybrid = hybrid_of(signed.account, signed.region, self.settings)
            caller = agentapi.Caller(signed.credential, signed.account, signed.region)
            node = agentapi.node_of(caller, hybrid, {"InstanceId": instance_id})
            agentapi.require_permission(hybrid, node, f"ssmmessages:{operation}")
            if opens:
                self._record(signed.service, operation, signed, 101, "", instance_id=instance_id)
                return await self.channels.open(request, hybrid, node)
            answer = self.channels.create(node)
        except AwsError as refusal:
            self._record(signed.service, operation, signed, refusal.status, refusal.code, instance_id=instance_id)
            return channel.refused(refusal)
        self._record(signed.service, operation, signed, answer.status, "", instance_id=instance_id)
        return answer

    async def _dispatch(self, operation: str, request: JSON, signed: Signed) -> tuple[Hybrid, JSON]:
        if operation == "RegisterManagedInstance":
            return agentapi.register_managed_instance(request)
        if not signed.credential:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
        caller = agentapi.Caller(signed.credential, signed.account, signed.region)
        if operation in agentapi.SIGNED_BY_KEY:
            return agentapi.SIGNED_BY_KEY[operation](caller, request)
        hybrid = hybrid_of(signed.account, signed.region, self.settings)
        if operation in agentapi.SIGNED_BY_TOKEN:
            node = agentapi.node_of(caller, hybrid, request)
            result = agentapi.SIGNED_BY_TOKEN[operation](hybrid, node, request)
            return hybrid, await result if inspect.isawaitable(result) else result
        handler = nodes.TAG_OPERATIONS.get(operation) or CALLERS_OPERATIONS.get(operation)
        if handler is None:
            raise AwsError("UnknownOperationException")
        validate(operation, request)
        return hybrid, handler(hybrid, request)

    async def _moto(self, request: web.Request, target: str, body: bytes, signed: Signed) -> web.Response:
        fields = _form(request, body)
        operation = target.rpartition(".")[2] or fields.get("Action") or f"{request.method} {request.path}"
        named = bool(target or fields.get("Action"))
        mutating = is_mutating(operation) if named else request.method not in ("GET", "HEAD")
        region = signed.region or "us-east-1"
        if self.settings.throttled(operation):
            refusal = _throttled(as_xml=not target)
            self._record(signed.service, operation, signed, refusal.status, "ThrottlingException", mutating=mutating)
            return refusal
        if operation == "SimulatePrincipalPolicy":
            self._record(signed.service, operation, signed, 200, "", mutating=False)
            return web.Response(text=simulated(fields), content_type="text/xml")
        try:
            answer = await self.moto.answer(
                request.method, request.raw_path, request.headers, body, signed.account, get_partition(region)
            )
        except AwsError as crash:
            return self._refused(operation, signed, crash)
        error = _error_code(answer.status, answer.body)
        self._record(signed.service or "s3", operation, signed, answer.status, error, mutating=mutating)
        response = web.Response(status=answer.status, body=answer.body)
        response.headers.popall("Content-Type", None)
        for name, value in answer.headers:
            if name.lower() not in HOP_BY_HOP or (name.lower() == "content-length" and request.method == "HEAD"):
                response.headers.add(name, value)
        return response

    async def _agent_bucket(self, request: web.Request) -> web.StreamResponse:
        response = await self.bucket.answer(request)
        unsigned = Signed("", self.bucket.region_of(request.path), "s3", ACCOUNT)
        error = "" if response.status < 400 else "AccessDenied"
        self._record("s3", f"{request.method} {request.path}", unsigned, response.status, error, mutating=False)
        return response

    async def _practice_page(self, request: web.Request) -> web.Response:
        match request.method, request.path:
            case "GET", "/practice/calls":
                after = request.query.get("after", "0")
                if not after.isdecimal():
                    return web.json_response({"error": "after must be a number"}, status=400)
                return web.json_response({"calls": [call.as_json() for call in self.calls.after(int(after))]})
            case "GET", "/practice/settings":
                return web.json_response(self.settings.as_json())
            case "POST", "/practice/settings":
                try:
                    changes = parsed_json(await request.read())
                    if not isinstance(changes, dict):
                        raise ValueError("settings must be an object")
                    self.settings.update(changes)
                except (ValueError, AwsError) as error:
                    return web.json_response({"error": str(error)}, status=400)
                return web.json_response(self.settings.as_json())
            case "GET", "/practice/signing-key.asc":
                return web.Response(text=self.bucket.public_key, content_type="application/pgp-keys")
        return web.json_response({"error": "no such page"}, status=404)

    def _refused(self, operation: str, signed: Signed, refusal: AwsError) -> web.Response:
        self._record(signed.service or "ssm", operation, signed, refusal.status, refusal.code)
        return web.Response(status=refusal.status, body=refusal.as_json(), content_type=JSON_TYPE)

    def _record(
        self,
        service: str,
        operation: str,
        signed: Signed,
        status: int,
        error: str,
        mutating: bool | None = None,
        instance_id: str = "",
    ) -> None:
        self.calls.record(
            time=self.settings.now(),
            service=service,
            operation=operation,
            account=signed.account,
            region=signed.region,
            caller=signed.credential or "anonymous",
            instance_id=instance_id,
            status=status,
            error=error,
            mutating=mutating,
        )


def _is_ours(operation: str, body: bytes) -> bool:
    if operation in nodes.TAG_OPERATIONS:
        try:
            request = parsed_json(body)
        except AwsError:
            return False
        return isinstance(request, dict) and request.get("ResourceType") == "ManagedInstance"
    return (
        operation in CALLERS_OPERATIONS
        or operation in agentapi.SIGNED_BY_KEY
        or operation in agentapi.SIGNED_BY_TOKEN
        or operation == "RegisterManagedInstance"
    )


def _signed(headers: Mapping[str, str]) -> Signed:
    found = CREDENTIAL.search(headers.get("Authorization", ""))
    if found is None:
        return Signed("", "", "", headers.get("x-moto-account-id", ACCOUNT))
    credential, region, service = found.groups()
    if credential.startswith("mi-"):
        owner = find_node(credential, region)
        account = owner[0].account if owner else ACCOUNT
    else:
        account = headers.get("x-moto-account-id") or get_account_id_from(credential)
    return Signed(credential, region, service, account)


def _instance_in(request: JSON, signed: Signed) -> str:
    """The node a request is about, or comes from."""
    named = request.get("InstanceId") or request.get("Destination")
    message = str(request.get("MessageId", "")).rpartition(".")[2]
    signer = signed.credential if signed.credential.startswith("mi-") else ""
    return str(named or message or signer)


def _require_clock(headers: Mapping[str, str]) -> None:
    """Refuse a signature from a clock that is too far off. Uses the real time, because callers sign with theirs."""
    stamp = headers.get("X-Amz-Date", "")
    try:
        made = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return
    behind = time.time() - made
    if abs(behind) <= CLOCK_TOLERANCE_S:
        return
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    text = f"Signature expired: {stamp} is now earlier than {now} - 5 min."
    if behind < 0:
        text = f"Signature not yet current: {stamp} is still later than {now} + 5 min."
    raise AwsError("InvalidSignatureException", text)


def _unsigned_page(request: web.Request) -> web.Response:
    """What an AWS endpoint answers to a browser: enough to see that it can be reached."""
    if request.path == "/ping":
        return web.Response(text="healthy")
    return web.Response(status=404, text="<UnknownOperationException/>\n", content_type="application/xml")


def _form(request: web.Request, body: bytes) -> dict[str, str]:
    """The fields of a call in the query protocol, which IAM and STS speak; {} for another."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(body.decode("latin-1")))


def _throttled(*, as_xml: bool) -> web.Response:
    return _refusal("Throttling", "Rate exceeded", as_xml=as_xml)


def _expired(*, as_xml: bool) -> web.Response:
    return _refusal("ExpiredToken", "The security token included in the request is expired", as_xml=as_xml)


def _refusal(code: str, message: str, *, as_xml: bool) -> web.Response:
    if not as_xml:
        body = AwsError(f"{code}Exception", message).as_json()
        return web.Response(status=400, body=body, content_type=JSON_TYPE)
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return web.Response(status=400, text=f"<ErrorResponse>{error}</ErrorResponse>", content_type="text/xml")


def _proxy_page() -> web.Response:
    page = (
        "<!doctype html><html><head><title>Log in</title></head><body><h1>Log in to use the Internet</h1></body></html>"
    )
    return web.Response(text=page, content_type="text/html")


def _error_code(status: int, body: bytes) -> str:
    if status < 400:
        return ""
    found = re.search(rb'<Code>([^<]+)</Code>|"__type":\s*"([^"]+)"', body)
    code = (found.group(1) or found.group(2)).decode() if found else str(status)
    return code.rpartition("#")[2]
