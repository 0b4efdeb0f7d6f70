"""The stand-in agent: speaks the amazon-ssm-agent's protocol, to practice clouds only.

It is one file that needs only the standard library, because it has two uses: a class that practice servers run in
their own process, a thousand at a time without a thread each, and the program /usr/bin/amazon-ssm-agent in the practice
packages, for hosts whose Python may be as old as 3.9.
"""

# Before Python 3.11 asyncio.TimeoutError is not the built-in one.
# ruff: noqa: UP041
from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import random
import re
import secrets
import signal
import socket
import ssl
import struct
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

AGENT_VERSION = "3.3.4851.0"
CONFIGURATION = "/etc/amazon/ssm/amazon-ssm-agent.json"
STATE = "/var/lib/amazon/ssm"
IDENTITY = f"{STATE}/runtimeconfig/identity_config.json"
LOG = "/var/log/amazon/ssm/amazon-ssm-agent.log"
CREDENTIALS = "/root/.aws/credentials"
NODE_FOLDERS = (
    *("document/state/completed", "document/state/corrupt", "document/state/current", "document/state/pending"),
    *("idempotency", "inventory/custom", "inventory/file", "inventory/role"),
    *("longrunningplugins/datastore", "longrunningplugins/healthcheck", "replies", "replies_mgs"),
)
"""What the agent creates in its node's folder when it starts."""
STDOUT_LIMIT, STDERR_LIMIT = 24_000, 8_000
"""Characters of a command's output that are sent back."""
OUTPUT_CUT, ERROR_CUT = "\n---Output truncated---", "\n---Error truncated----"
PRACTICE_AUTHORITY = "Onboard practice"
"""Who signs a practice cloud's certificates."""
ROOT_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep their trusted roots; the first one that exists counts, as for the real agent."""
OPENING_S = 15.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 2400.0
"""Between attempts to open a control channel that was never open."""
LARGEST_REPLY = 120_000
"""Bytes of a reply on the control channel; the real agent never sends a larger one, and its command times out."""
ACCEPTED, UNKNOWN_DOCUMENT, DUPLICATE = 200, 51403, 51405
"""How a job on the control channel is acknowledged."""
BAD_TOKEN = ("ExpiredTokenException", "UnrecognizedClientException")
NO_KEY = {"instanceID": "", "region": "", "privateKey": "", "privateKeyType": ""}  # of an emptied vault
NOT_REGISTERED = "Failed to load instance info from vault. RegistrationKey does not exist."

JSON = dict[str, Any]
Result = TypeVar("Result")
RunCommand = Callable[[Sequence[str]], Awaitable["Outcome"]]


class Outcome(NamedTuple):
    """A command's result: exit code and output."""

    code: int
    stdout: str
    stderr: str


class Machine(NamedTuple):
    """What the agent reports about its server."""

    computer_name: str
    ip_address: str
    platform_name: str
    platform_version: str
    platform_type: str = "Linux"
    agent_version: str = AGENT_VERSION
    clock_skew_s: float = 0.0
    """How far this server's clock is ahead of the true time; used in the dates of signatures."""


class Refusal(Exception):
    """The cloud's error answer: AWS's code and text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Unreachable(Exception):
    """The endpoint gave no HTTP answer."""


class AgentMessage(NamedTuple):
    """A message on the control channel, either way: a header of fixed size, then JSON."""

    kind: str
    payload: JSON
    message_id: str
    created_ms: int

    @classmethod
    def new(cls, kind: str, payload: JSON) -> AgentMessage:
        """A message of now, with a random id."""
        return cls(kind, payload, str(uuid.uuid4()), int(time.time() * 1000))

    def pack(self) -> bytes:
        """The message as bytes."""
        payload = json.dumps(self.payload).encode()
        number = uuid.UUID(self.message_id).bytes
        header = _HEADER.pack(
            _HEADER.size,
            self.kind.encode().ljust(32),
            1,  # of the message's schema
            self.created_ms,
            0,  # in a sequence; only other channels count
            0,  # flags of other channels
            number[8:] + number[:8],
            hashlib.sha256(payload).digest(),
            0,  # the payload's type; only other channels have several
        )
        return header + struct.pack(">I", len(payload)) + payload

    @classmethod
    def parse(cls, data: bytes) -> AgentMessage:
        """The message in these bytes. Raises ValueError if there is none."""
        if len(data) < _HEADER.size + 4:
            raise ValueError("shorter than a header")
        size, kind, _, created_ms, _, _, number, digest, _ = _HEADER.unpack_from(data)
        payload = data[size + 4 :]
        if size != _HEADER.size or hashlib.sha256(payload).digest() != digest:
            raise ValueError("its header does not fit its payload")
        parsed = json.loads(payload)
        if not isinstance(parsed, dict):
            raise ValueError("its payload is not a JSON object")
        message_id = str(uuid.UUID(bytes=number[8:] + number[:8]))
        return cls(kind.decode().strip(" \0"), parsed, message_id, created_ms)


_HEADER = struct.Struct(">I32sIQqQ16s32sI")
"""Own size, kind, schema, creation, sequence, flags, id, payload's SHA-256, payload's type; then the payload's size."""


class Connection:
    """One HTTP/1.1 connection to an endpoint, opened when needed and kept between requests."""

    def __init__(self, endpoint: str, proxy: str | None = None) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme != "http" or not parts.hostname:
            # Everything it sends, including activation codes, is for a practice and must never reach AWS.
            raise Unreachable(f"the practice agent speaks to http:// endpoints only, not to {endpoint!r}")
        self._host = parts.hostname
        self._port = parts.port or 80
        self._proxy = urlsplit(proxy) if proxy else None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, headers: dict[str, str], body: bytes, *, chunked: bool, timeout_s: float) -> tuple[int, bytes]:
        """Send a request and return status and body. Raises Unreachable."""
        try:
            return await within(timeout_s, self._post(headers, body, chunked))
        except (asyncio.TimeoutError, OSError, ValueError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def _post(self, headers: dict[str, str], body: bytes, chunked: bool) -> tuple[int, bytes]:
        kept = self._streams is not None
        try:
            return await self._exchange(headers, body, chunked)
        except (ConnectionError, asyncio.IncompleteReadError):
            if not kept:
                raise
            self.close()  # the server closed the idle connection; a new one does not count as a second attempt
            return await self._exchange(headers, body, chunked)

    async def _exchange(self, headers: dict[str, str], body: bytes, chunked: bool) -> tuple[int, bytes]:
        if self._streams is None:
            via = self._proxy
            host, port = (via.hostname or "", via.port or 80) if via else (self._host, self._port)
            self._streams = await asyncio.open_connection(host, port)
        reader, writer = self._streams
        target = f"http://{self._host}:{self._port}/" if self._proxy else "/"
        lines = [f"POST {target} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
        if chunked:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        status, fields, answer = await read_answer(reader)
        if fields.get("connection", "").lower() == "close":
            self.close()
        return status, answer

    def close(self) -> None:
        """Drop the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].transport.abort()  # not close(): a loop that ends must not wait for unsent data
            self._streams = None


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """An HTTP answer: status, header fields with names in lower case, and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    fields = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    if fields.get("transfer-encoding", "").lower() != "chunked":
        return status, fields, await reader.readexactly(int(fields.get("content-length", "0")))
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            return status, fields, body


class ControlChannel:
    """A WebSocket over TLS that brings the cloud's jobs and takes their answers. For practice clouds only."""

    _CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._arrived: asyncio.Queue[AgentMessage | None] = asyncio.Queue()
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def open(
        cls, endpoint: str, node: str, headers: Callable[[bytes], dict[str, str]], context: ssl.SSLContext, proxy: str
    ) -> ControlChannel:
        """Open a node's channel. `headers` signs a body. Raises Refusal, Unreachable."""
        try:
            return await within(OPENING_S, cls._open(endpoint, node, headers, context, proxy))
        except (asyncio.TimeoutError, OSError, ValueError, asyncio.IncompleteReadError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    @classmethod
    async def _open(
        cls, endpoint: str, node: str, headers: Callable[[bytes], dict[str, str]], context: ssl.SSLContext, proxy: str
    ) -> ControlChannel:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port or 443
        if proxy:
            tunnel = await _tunnel(proxy, f"{host}:{port}")
            reader, writer = await asyncio.open_connection(sock=tunnel, ssl=context, server_hostname=host)
        else:
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            if ((("commonName", PRACTICE_AUTHORITY),)) not in writer.get_extra_info("peercert")["issuer"]:
                raise Unreachable(f"the practice agent speaks to practice clouds only, not to {endpoint!r}")
            await cls._handshake(reader, writer, f"{host}:{port}", node, headers)
        except BaseException:
            writer.transport.abort()
            raise
        return cls(reader, writer)

    @classmethod
    async def _handshake(
        cls,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        host: str,
        node: str,
        headers: Callable[[bytes], dict[str, str]],
    ) -> None:
        """CreateControlChannel, which gives a token; the WebSocket; and the token as its first frame."""
        path = f"/v1/control-channel/{node}"
        body = json.dumps({"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4())}).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers(body)}
        writer.write(_request("POST", path, host, fields) + body)
        status, _, answer = await read_answer(reader)
        text = answer.decode(errors="replace")
        token = re.search("<TokenValue>(.*?)</TokenValue>", text)
        if status != 201 or token is None:
            code, message = re.search(r"<(\w+)", text), re.search("<[Mm]essage>(.*?)</", text)
            raise Refusal(code[1] if code else str(status), message[1] if message else "")
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        fields.update({"Sec-WebSocket-Key": key, **headers(b"")})
        writer.write(_request("GET", f"{path}?role=subscribe&stream=input", host, fields))
        status, answered, _ = await read_answer(reader)
        if status != 101 or answered.get("sec-websocket-accept") != _accepted(key):
            raise Unreachable(f"HTTP status {status} instead of a WebSocket")
        hello = {"Cookie": None, "MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4()), "TokenValue": token[1]}
        hello.update(AgentVersion=AGENT_VERSION, PlatformType="linux")
        writer.write(_frame(cls._TEXT, json.dumps(hello).encode()))

    async def receive(self, seconds: float) -> AgentMessage | None:
        """The next message; None if there was none for so long. Raises Unreachable when the channel is closed."""
        try:
            message = await within(seconds, self._arrived.get())
        except asyncio.TimeoutError:
            return None
        if message is None:
            raise Unreachable("the control channel was closed")
        return message

    def send(self, message: AgentMessage) -> None:
        """Send a message; whether it arrives, only an answer tells."""
        self._writer.write(_frame(self._BINARY, message.pack()))

    async def close(self) -> None:
        """Drop the connection."""
        self._reading.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        whole = b""
        try:
            while True:
                first, second = await self._reader.readexactly(2)
                size = second & 0x7F
                if size > 125:
                    size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
                body = await self._reader.readexactly(size)
                kind = first & 0x0F
                if kind == self._CLOSE:
                    self._writer.write(_frame(self._CLOSE, body[:2]))
                    break
                if kind == self._PING:
                    self._writer.write(_frame(self._PONG, body))
                if kind in (self._CONTINUED, self._TEXT, self._BINARY):
                    whole += body
                    if first & 0x80:  # the last part of it
                        with contextlib.suppress(ValueError):
                            self._arrived.put_nowait(AgentMessage.parse(whole))
                        whole = b""
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._arrived.put_nowait(None)


def _request(method: str, path: str, host: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _accepted(key: str) -> str:
    """What a server answers to a Sec-WebSocket-Key (RFC 6455, 1.3)."""
    told = (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
    return base64.b64encode(hashlib.sha1(told).digest()).decode()  # noqa: S324 - the protocol's, and no secret


def _frame(kind: int, body: bytes) -> bytes:
    """A whole WebSocket frame as clients send it, which is masked."""
    size = len(body)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    mask = secrets.token_bytes(4)
    masked = int.from_bytes(body, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return bytes([0x80 | kind]) + length + mask + masked.to_bytes(size, "big")


async def _tunnel(proxy: str, target: str) -> socket.socket:
    """A connection to `host:port` through an HTTP proxy. Raises OSError."""
    loop, parts = asyncio.get_running_loop(), urlsplit(proxy)
    via = (parts.hostname or "", parts.port or 80)
    connection = await loop.run_in_executor(None, socket.create_connection, via, OPENING_S)
    try:
        connection.setblocking(False)
        await loop.sock_sendall(connection, _request("CONNECT", target, target, {}))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = await loop.sock_recv(connection, 1)  # what follows belongs to TLS
            if not more:
                raise OSError("the proxy closed the connection")
            head += more
        if head.split()[1] != b"200":
            raise OSError("the proxy answered " + head.split(b"\r\n")[0].decode("latin-1"))
    except BaseException:
        connection.close()
        raise
    return connection


def tls_context(trusted: str | None) -> ssl.SSLContext:
    """For a client that trusts these certificates; None: those that this system trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trusted is None:
        context.load_verify_locations(next(name for name in (*ROOT_FILES, os.devnull) if Path(name).exists()))
    elif trusted:
        context.load_verify_locations(cadata=trusted)
    return context


class Job(NamedTuple):
    """A message for the agent. `arrived`: how it came on the control channel; None if it came by ec2messages."""

    message_id: str
    topic: str
    payload: JSON
    arrived: AgentMessage | None


class Agent:
    """One agent. `store` is its identity: registration, RegistrationKey and InstanceFingerprint, as text.

    It opens a control channel at `mgs_endpoint`, if there is one, and polls `mds_endpoint` otherwise. `trusted`: the
    certificates that it trusts; None: those of this system.
    `run_command` gets the lines of a script and returns its Outcome; it is cancelled when the command times out or
    somebody cancels it. `share` is called with the node's credentials whenever there are new ones.
    """

    def __init__(
        self,
        ssm_endpoint: str,
        mds_endpoint: str,
        store: MutableMapping[str, str],
        machine: Machine,
        run_command: RunCommand,
        *,
        mgs_endpoint: str = "",
        trusted: str | None = None,
        heartbeat_s: float = 300.0,
        retry_s: float = 1.0,
        share: Callable[[JSON], None] = lambda token: None,
        proxy: Callable[[str], str | None] = lambda endpoint: None,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._ssm_endpoint = ssm_endpoint
        self._mds_endpoint = mds_endpoint
        self._mgs_endpoint = mgs_endpoint and f"https://{urlsplit(mgs_endpoint).netloc}"  # whatever its scheme says
        self._trusted = trusted
        self._store = store
        self._machine = machine
        self._run_command = run_command
        self._heartbeat_s = heartbeat_s
        self._retry_s = retry_s
        self._share = share
        self._proxy = proxy
        self._log = log
        self._token: JSON = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._seen: list[str] = []
        self._channel: ControlChannel | None = None
        self._had_channel = False
        self._channel_due = 0.0
        self._channel_pause_s = FIRST_PAUSE_S
        self._unacknowledged: dict[str, AgentMessage] = {}

    @property
    def instance_id(self) -> str:
        """The registered mi- id, or "" if there is none."""
        return str(self._registration().get("ManagedInstanceID", ""))

    @property
    def region(self) -> str:
        """The Region it is registered in, or "" if there is none."""
        return str(self._registration().get("Region", ""))

    def _registration(self) -> JSON:
        """Like the real agent's: nothing without the key that belongs to it."""
        try:
            key: JSON = json.loads(self._store.get("RegistrationKey", "{}"))
            found: JSON = json.loads(self._store.get("registration", "{}"))
        except ValueError:
            return {}
        return found if key.get("instanceID") else {}

    async def register(self, code: str, activation_id: str, region: str) -> str:
        """Register under a new identity and return the mi- id.

        Like the real agent, it empties the vault first, so that Refusal and Unreachable cost it a former registration.
        """
        fingerprint = str(uuid.uuid4())
        key = new_public_key()
        request = {
            "ActivationCode": code,
            "ActivationId": activation_id,
            "Fingerprint": fingerprint,
            "PublicKey": key,
            "PublicKeyType": "Rsa",
        }
        self._store["RegistrationKey"] = json.dumps({**NO_KEY, "privateKey": key}, separators=(",", ":"))
        connection = self._connect(self._ssm_endpoint)
        try:
            answer = await self._call(connection, "AmazonSSM.RegisterManagedInstance", request, None)
        finally:
            connection.close()
        instance_id = str(answer["InstanceId"])
        vault = {
            "instanceID": instance_id,
            "region": region,
            "privateKey": key,
            "privateKeyType": "Rsa",
            "privateKeyCreatedDate": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
        }
        self._store["InstanceFingerprint"] = json.dumps({"fingerprint": fingerprint, "similarityThreshold": 40})
        self._store["RegistrationKey"] = json.dumps(vault)
        self._store["registration"] = json.dumps({"ManagedInstanceID": instance_id, "Region": region})
        self._token = {}
        return instance_id

    def clear(self) -> None:
        """Empty the vault. Like the real agent, this leaves the file `registration`, and does not inform the cloud."""
        self._store["RegistrationKey"] = json.dumps(NO_KEY, separators=(",", ":"))
        self._store["InstanceFingerprint"] = json.dumps({"fingerprint": "", "similarityThreshold": 0})
        self._token = {}

    async def run(self) -> None:
        """Be an agent until cancelled: credentials, heartbeats, messages. Raises LookupError when not registered."""
        if not self.instance_id:
            raise LookupError(NOT_REGISTERED)
        connection = self._connect(self._mds_endpoint)
        failures = 0
        next_heartbeat = 0.0
        started = False
        try:
            while True:
                try:
                    if time.monotonic() >= next_heartbeat:
                        await self._heartbeat(complete=started)
                        next_heartbeat = time.monotonic() + self._heartbeat_s
                        if not started:
                            await self._heartbeat(complete=True)
                            await self._ssm("ListInstanceAssociations", InstanceId=self.instance_id, MaxResults=20)
                            started = True
                    for job in await self._jobs(connection, next_heartbeat - time.monotonic()):
                        await self._take(job)
                    failures = 0
                except (Refusal, Unreachable) as error:
                    self._log(f"ERROR {error}")
                    if isinstance(error, Refusal) and error.code in BAD_TOKEN:
                        self._token = {}
                    failures += 1
                    pause = min(60.0, self._retry_s * 2 ** min(failures - 1, 10))
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, no secret
        finally:
            connection.close()
            await self._drop_channel()
            for task in list(self._running.values()):
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _heartbeat(self, *, complete: bool) -> None:
        machine = self._machine
        request = {
            "AgentName": "amazon-ssm-agent",
            "AgentVersion": machine.agent_version,
            "InstanceId": self.instance_id,
            "PlatformType": machine.platform_type,
        }
        if complete:
            request.update(
                AgentStatus="Active",
                ComputerName=machine.computer_name,
                IPAddress=machine.ip_address,
                PlatformName=machine.platform_name,
                PlatformVersion=machine.platform_version,
            )
        await self._ssm("UpdateInstanceInformation", **request)

    async def _jobs(self, connection: Connection, until_heartbeat_s: float) -> list[Job]:
        """What arrives by the control channel, or by ec2messages while there is none."""
        if self._channel is None and self._mgs_endpoint and time.monotonic() >= self._channel_due:
            await self._open_channel()
        if self._channel is None:
            return await self._poll(connection, until_heartbeat_s)
        try:
            message = await self._channel.receive(max(0.05, until_heartbeat_s))
        except Unreachable:
            await self._drop_channel()
            raise
        if message is None:
            return []
        told = message.payload
        if message.kind == "agent_job_reply_ack":
            self._unacknowledged.pop(str(told.get("acknowledgedMessageId")), None)
        if message.kind != "agent_job":
            return []
        return [Job(str(told["JobId"]), str(told.get("Topic", "")), json.loads(told["Content"]), message)]

    async def _open_channel(self) -> None:
        """Try it. As with the real agent, ec2messages is used until it was open once, and again when it is denied."""
        token = await self._credentials()

        def headers(body: bytes) -> dict[str, str]:
            return self._signature("ssmmessages", token, body)

        endpoint = self._mgs_endpoint
        context, proxy = tls_context(self._trusted), self._proxy(endpoint) or ""
        try:
            self._channel = await ControlChannel.open(endpoint, self.instance_id, headers, context, proxy)
        except (Refusal, Unreachable) as error:
            denied = isinstance(error, Refusal) and error.code == "AccessDeniedException"
            if self._had_channel and not denied:
                raise
            self._log(f"ERROR {error}")
            self._had_channel = False
            self._channel_due = time.monotonic() + self._channel_pause_s
            self._channel_pause_s = min(2 * self._channel_pause_s, LONGEST_PAUSE_S)
            return
        self._had_channel = True
        self._channel_pause_s = FIRST_PAUSE_S
        for reply in self._unacknowledged.values():
            self._channel.send(reply)

    async def _drop_channel(self) -> None:
        if self._channel is not None:
            channel, self._channel = self._channel, None
            await channel.close()

    async def _poll(self, connection: Connection, until_heartbeat_s: float) -> list[Job]:
        request = {
            "Destination": self.instance_id,
            "MessagesRequestId": str(uuid.uuid4()),
            "VisibilityTimeoutInSeconds": 10,
        }
        token = await self._credentials()
        timeout_s = 60.0 if self._heartbeat_s >= 60 else max(0.05, until_heartbeat_s)
        try:
            answer = await self._call(
                connection, "EC2WindowsMessageDeliveryService.GetMessages", request, token, timeout_s=timeout_s
            )
        except Unreachable as error:
            if timeout_s < 60 and isinstance(error.__cause__, asyncio.TimeoutError):
                return []  # a short heartbeat was due before the long poll ended
            raise
        messages = answer.get("Messages", [])
        return [Job(str(m["MessageId"]), str(m.get("Topic", "")), json.loads(m["Payload"]), None) for m in messages]

    async def _take(self, job: Job) -> None:
        """Begin a job: acknowledge it before its command runs, and run it only once."""
        message_id = job.message_id
        if job.topic.startswith("aws.ssm.cancelCommand"):
            await self._acknowledge(job)
            cancelled = str(job.payload.get("CancelMessageId", ""))
            if cancelled in self._running:
                self._cancelled.add(cancelled)
                self._running[cancelled].cancel()
            return
        if not job.topic.startswith("aws.ssm.sendCommand"):
            if job.arrived is None:
                await self._mds("FailMessage", MessageId=message_id, FailureType="InternalHandlerException")
            else:
                await self._acknowledge(job, UNKNOWN_DOCUMENT)
            return
        if message_id in self._seen:
            await self._acknowledge(job, DUPLICATE)
            return
        if job.arrived is None:
            await self._reply(job, "InProgress", {})
            await self._acknowledge(job)
        else:
            await self._acknowledge(job)
            await self._reply(job, "InProgress", {})
        self._seen = [*self._seen[-99:], message_id]
        task = asyncio.ensure_future(self._execute(job))
        self._running[message_id] = task
        task.add_done_callback(lambda _: self._running.pop(message_id, None))

    async def _acknowledge(self, job: Job, code: int = ACCEPTED) -> None:
        if job.arrived is None:
            await self._mds("AcknowledgeMessage", MessageId=job.message_id)
        elif self._channel is not None:
            told = {
                "jobId": job.message_id,
                "acknowledgedMessageId": job.arrived.message_id,
                "createdDate": _iso(job.arrived.created_ms / 1000),
                "statusCode": str(code),
                "errorMessage": "",
            }
            self._channel.send(AgentMessage.new("agent_job_ack", told))

    async def _execute(self, job: Job) -> None:
        step = job.payload["DocumentContent"]["mainSteps"][0]
        inputs = step["inputs"]
        commands = list(inputs["runCommand"])
        if inputs.get("workingDirectory"):
            commands.insert(0, "cd '{}' || exit 1".format(str(inputs["workingDirectory"]).replace("'", "'\\''")))
        begun = _now()
        try:
            outcome = await within(float(inputs.get("timeoutSeconds", 3600)), self._run_command(commands))
            status = "Success" if outcome.code == 0 else "Failed"
        except asyncio.TimeoutError:
            outcome, status = Outcome(137, "", ""), "TimedOut"
        except asyncio.CancelledError:
            if job.message_id not in self._cancelled:
                raise  # the agent itself ends
            outcome, status = Outcome(137, "", ""), "Cancelled"
        result = {
            "status": status,
            "code": outcome.code,
            "name": step["action"],
            "startDateTime": begun,
            "endDateTime": _now(),
            "outputS3BucketName": "",
            "outputS3KeyPrefix": "",
            "stepName": step["name"],
            "standardOutput": _cut(outcome.stdout, STDOUT_LIMIT, OUTPUT_CUT),
            "standardError": _cut(outcome.stderr, STDERR_LIMIT, ERROR_CUT),
        }
        try:
            await self._reply(job, "InProgress", {step["name"]: result})
            await self._reply(job, status, {step["name"]: result})
        except (Refusal, Unreachable) as error:
            self._log(f"ERROR reply to {job.message_id} was not taken: {error}")

    async def _reply(self, job: Job, status: str, steps: JSON) -> None:
        counts: dict[str, int] = {}
        for step in steps.values():
            counts[step["status"]] = counts.get(step["status"], 0) + 1
        version = self._machine.agent_version
        agent = {"lang": "en-US", "name": "amazon-ssm-agent", "os": "", "osver": "1", "ver": version}
        payload = {
            "additionalInfo": {"agent": agent, "dateTime": _now(), "runId": "", "runtimeStatusCounts": counts},
            "documentStatus": status,
            "documentTraceOutput": "",
            "runtimeStatus": steps,
        }
        text = json.dumps(payload)
        if job.arrived is None:
            await self._mds("SendReply", MessageId=job.message_id, ReplyId=str(uuid.uuid4()), Payload=text)
            return
        if len(text) > LARGEST_REPLY:
            self._log(f"ERROR reply to {job.message_id} is larger than {LARGEST_REPLY} bytes")
            return
        told = {"schemaVersion": 1, "jobId": job.message_id, "content": text, "topic": "aws.ssm.sendCommand"}
        reply = AgentMessage.new("agent_job_reply", told)
        self._unacknowledged[reply.message_id] = reply
        if self._channel is not None:
            self._channel.send(reply)

    async def _credentials(self) -> JSON:
        """The role's credentials; renewed when half of their lifetime is over."""
        if not self._token or time.time() >= self._token["renew"]:
            fingerprint = json.loads(self._store.get("InstanceFingerprint", "{}")).get("fingerprint", "")
            connection = self._connect(self._ssm_endpoint)
            try:
                answer = await self._call(
                    connection,
                    "AmazonSSM.RequestManagedInstanceRoleToken",
                    {"Fingerprint": fingerprint},
                    {"AccessKeyId": self.instance_id},
                    chunked=True,
                )
            finally:
                connection.close()
            life = max(0.0, float(answer["TokenExpirationDate"]) - time.time())
            self._token = {**answer, "renew": time.time() + life / 2}
            self._share(answer)
        return self._token

    async def _ssm(self, operation: str, **request: Any) -> JSON:
        return await self._once(self._ssm_endpoint, "AmazonSSM." + operation, request)

    async def _mds(self, operation: str, **request: Any) -> JSON:
        return await self._once(self._mds_endpoint, "EC2WindowsMessageDeliveryService." + operation, request)

    async def _once(self, endpoint: str, target: str, request: JSON) -> JSON:
        token = await self._credentials()
        connection = self._connect(endpoint)
        try:
            return await self._call(connection, target, request, token)
        finally:
            connection.close()

    def _connect(self, endpoint: str) -> Connection:
        return Connection(endpoint, self._proxy(endpoint))

    async def _call(
        self,
        connection: Connection,
        target: str,
        request: JSON,
        token: JSON | None,
        *,
        chunked: bool = False,
        timeout_s: float = 30.0,
    ) -> JSON:
        body = json.dumps(request).encode()
        headers = {
            "Accept-Encoding": "identity",
            "Content-Type": "application/x-amz-json-1.1",
            "User-Agent": f"amazon-ssm-agent/{self._machine.agent_version} (practice stand-in)",
            "X-Amz-Target": target,
        }
        if token is not None:
            service = "ssm" if target.startswith("AmazonSSM.") else "ec2messages"
            headers.update(self._signature(service, token, body))
        status, answer = await connection.post(headers, body, chunked=chunked, timeout_s=timeout_s)
        try:
            parsed = json.loads(answer or b"{}")
        except ValueError:
            raise Unreachable(f"HTTP status {status} without a JSON body") from None
        if status != 200:
            raise Refusal(str(parsed.get("__type", status)).rpartition("#")[2], str(parsed.get("message") or ""))
        return dict(parsed)

    def _signature(self, service: str, token: JSON, body: bytes) -> dict[str, str]:
        """Headers in the shape of Signature Version 4. The signature is fake: practice clouds verify none."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + self._machine.clock_skew_s))
        scope = "{}/{}/{}/{}/aws4_request".format(token["AccessKeyId"], stamp[:8], self.region, service)
        looks_like_one = hashlib.sha256(body).hexdigest()
        signature = f"Credential={scope}, SignedHeaders=host;x-amz-date, Signature={looks_like_one}"
        headers = {"Authorization": "AWS4-HMAC-SHA256 " + signature, "X-Amz-Date": stamp}
        if "SessionToken" in token:
            headers["X-Amz-Security-Token"] = token["SessionToken"]
        return headers


async def within(seconds: float, work: Awaitable[Result]) -> Result:
    """The result of `work`, which is cancelled after so many seconds; then raises asyncio.TimeoutError.

    Not asyncio.wait_for: before Python 3.12 it loses a cancellation that arrives together with the result, and a
    stopped agent would continue.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise asyncio.TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not report it again


def new_public_key() -> str:
    """Base64 of a SubjectPublicKeyInfo that looks like an RSA key of 2048 bits.

    Its modulus is a random odd number without a private key: a practice verifies no signatures, and generating real
    keys for a thousand servers would take minutes.
    """
    modulus = secrets.randbits(2048) | 1 << 2047 | 1
    numbers = _der(0x30, _der(0x02, b"\0" + modulus.to_bytes(256, "big")) + _der(0x02, b"\x01\x00\x01"))
    algorithm = _der(0x30, bytes.fromhex("06092a864886f70d010101") + b"\x05\x00")
    return base64.b64encode(_der(0x30, algorithm + _der(0x03, b"\0" + numbers))).decode()


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def shares_credentials(configuration: JSON) -> bool:
    """Whether this configuration lets the agent write its node's credentials for root's other programs."""
    profile = configuration.get("Profile")
    return not isinstance(profile, dict) or profile.get("ShareCreds") is not False


def identity_config(instance_id: str, *, shared: bool) -> str:
    """What the agent records about its credentials for its workers; `ShareFile` is where it wrote them."""
    noted = {
        "SchemaVersion": "1.1",
        "InstanceId": instance_id,
        "IdentityType": "OnPrem",
        "ShareFile": CREDENTIALS if shared else "",
        "ShareProfile": "",
        "CredentialSource": "SSM" if shared else "",
    }
    return json.dumps(noted)


class _IniSection(NamedTuple):
    """A section with the comments above it; each key has its own, and a value."""

    comments: list[str]
    keys: dict[str, tuple[list[str], str]]


def shared_credentials(text: str, token: JSON) -> str:
    """A file of AWS credentials with the node's in [default], as the real agent writes it.

    It aligns every key, gives inline comments a line of their own, and replaces a file that is not INI as a whole.
    """
    try:
        sections = _ini(text)
    except ValueError:
        sections = {}
    default = sections.setdefault("default", _IniSection([], {})).keys
    wanted = {
        "aws_access_key_id": token["AccessKeyId"],
        "aws_secret_access_key": token["SecretAccessKey"],
        "aws_session_token": token["SessionToken"],
    }
    for name, value in wanted.items():
        default[name] = (default.get(name, ([], ""))[0], str(value))
    lines: list[str] = []
    for title, section in sections.items():
        lines += [*section.comments, f"[{title}]"]
        width = max(map(len, section.keys), default=0)
        for name, (comments, value) in section.keys.items():
            lines += [*comments, f"{name:<{width}} = {value}"]
        lines.append("")
    return "\n".join(lines) + "\n"


def _ini(text: str) -> dict[str, _IniSection]:
    """The sections by name. ValueError for a line that does not belong to a section."""
    sections: dict[str, _IniSection] = {}
    comments: list[str] = []
    keys: dict[str, tuple[list[str], str]] | None = None
    for line in map(str.strip, text.splitlines()):
        name, equals, value = map(str.strip, line.partition("="))
        if line.startswith(("#", ";")):
            comments.append(line)
        elif line.startswith("[") and line.endswith("]"):
            keys = sections.setdefault(line[1:-1].strip(), _IniSection(comments, {})).keys
            comments = []
        elif equals and keys is not None:
            value, mark, remark = value.partition(" #")
            keys[name] = ([*comments, "#" + remark] if mark else comments, value.strip())
            comments = []
        elif line:
            raise ValueError(line)
    return sections


def _cut(text: str, limit: int, mark: str) -> str:
    return text if len(text) <= limit else text[: limit - len(mark)] + mark


def _now() -> str:
    return _iso(time.time())


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03d}Z"


# What follows is the program: identity in files, scripts run by /bin/sh, one machine.


class FileStore(MutableMapping[str, str]):
    """The identity in the same files as the real agent's, readable only by root."""

    def __init__(self, folder: Path) -> None:
        self._vault = folder / "Vault"
        vault = self._vault / "Store"
        self._paths = {
            "registration": folder / "registration",
            "RegistrationKey": vault / "RegistrationKey",
            "InstanceFingerprint": vault / "InstanceFingerprint",
        }

    def __getitem__(self, name: str) -> str:
        try:
            return self._paths[name].read_text(encoding="utf-8")
        except FileNotFoundError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, value: str) -> None:
        if name != "registration":
            self._note_in_manifest(name)
        self._replace(self._paths[name], value)

    def _note_in_manifest(self, name: str) -> None:
        """The vault's table of contents, as the real agent keeps it."""
        manifest = self._vault / "Manifest"
        noted = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
        self._replace(manifest, json.dumps({**noted, name: f"{STATE}/Vault/Store/{name}"}))

    def _replace(self, path: Path, value: str) -> None:
        _make(path.parent)
        temporary = path.with_name(path.name + ".new")
        descriptor = os.open(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(value)
        temporary.replace(path)

    def __delitem__(self, name: str) -> None:
        try:
            self._paths[name].unlink()
        except FileNotFoundError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, path in self._paths.items() if path.exists()])

    def __len__(self) -> int:
        return len(list(iter(self)))


async def run_shell(commands: Sequence[str]) -> Outcome:
    """Run the lines as one script of /bin/sh in its own process group, which is killed when this is cancelled."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        "\n".join(commands),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    return Outcome(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


def proxy_from_environment(endpoint: str) -> str | None:
    """http_proxy, or https_proxy for an endpoint with TLS, unless no_proxy names the endpoint's host."""
    host = (urlsplit(endpoint).hostname or "").lower()
    for entry in os.environ.get("no_proxy", os.environ.get("NO_PROXY", "")).lower().split(","):
        name = entry.strip().lstrip(".")
        if name and (name == "*" or host == name or host.endswith("." + name)):
            return None
    name = f"{urlsplit(endpoint).scheme}_proxy"
    return os.environ.get(name) or os.environ.get(name.upper()) or None


def this_machine(endpoint: str) -> Machine:
    """Name, address and system of this computer; the address is the one it reaches the endpoint from."""
    release: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            release[key] = value.strip().strip('"')
    address = "127.0.0.1"
    parts = urlsplit(endpoint)
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((parts.hostname or "127.0.0.1", parts.port or 80))
        address = probe.getsockname()[0]
    return Machine(socket.gethostname(), address, release.get("NAME", "Linux"), release.get("VERSION_ID", ""))


class _Program:
    """The command line, on files below a root folder (empty except in tests)."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._configuration = self._read_configuration()

    def main(self, arguments: Sequence[str]) -> int:
        """Run and return the exit code."""
        flags = _parse(arguments)
        if flags is None:
            sys.stderr.write("Usage: amazon-ssm-agent [-register [-y] -code C -id I -region R | -register -clear]\n")
            return 2
        if "version" in flags:
            sys.stdout.write(f"SSM Agent version: {AGENT_VERSION}\n")
            return 0
        if "register" in flags and "clear" in flags:
            self._agent().clear()
            self._say("Registration information has been removed from the instance.")
            return 0
        if "register" in flags:
            return self._register(flags)
        return self._run()

    def _register(self, flags: dict[str, str]) -> int:
        if not all(flags.get(name) for name in ("code", "id", "region")):
            self._say("Registration failed due to missing activation code, activation id or region.")
            return 1
        agent = self._agent()
        if agent.instance_id and "y" not in flags:
            sys.stdout.write(
                "Instance already registered. "
                "Would you like to override existing with new registration information? [Yes/No]: "
            )
            sys.stdout.flush()
            if sys.stdin.readline().strip().lower() not in ("yes", "y"):
                return 1
        try:
            instance_id = asyncio.run(agent.register(flags["code"], flags["id"], flags["region"]))
        except Refusal as error:
            text = f"{error.code}: {error.message}\n\tstatus code: 400, request id: "
        except Unreachable as error:
            text = f"RequestError: send request failed\ncaused by: {error}"
        else:
            self._say("Successfully registered the instance with AWS SSM using Managed instance-id: " + instance_id)
            return 0
        self._say("Registration failed due to error registering the instance with AWS SSM. " + text)
        return 1

    def _run(self) -> int:
        agent = self._agent()
        if not agent.instance_id:
            self._say("ERROR " + NOT_REGISTERED)
            return 1
        self._log(f"INFO amazon-ssm-agent - v{AGENT_VERSION} (practice stand-in) as {agent.instance_id}")
        self._make_folders(agent.instance_id)
        try:
            asyncio.run(_until_terminated(agent))
        except KeyboardInterrupt:
            return 130
        except Unreachable as error:
            self._say(f"ERROR {error}")
            return 1
        return 0

    def _agent(self) -> Agent:
        ssm = self._endpoint("Ssm")
        store = FileStore(Path(self._root + STATE))
        return Agent(
            ssm,
            self._endpoint("Mds"),
            store,
            this_machine(ssm),
            run_shell,
            mgs_endpoint=self._configured("Mgs"),
            share=self._share,
            proxy=proxy_from_environment,
            log=self._log,
        )

    def _make_folders(self, node: str) -> None:
        """The folders where the real agent keeps its work."""
        state = Path(self._root + STATE)
        for folder in ("daemons", "ipc", "localcommands/completed", *(f"{node}/{name}" for name in NODE_FOLDERS)):
            _make(state / folder)
        (state / "ipc").chmod(0o750)

    def _share(self, token: JSON) -> None:
        """Record the credentials for the workers, and write them for root's other programs unless that is forbidden."""
        shared = shares_credentials(self._configuration)
        node = str(json.loads(FileStore(Path(self._root + STATE))["registration"])["ManagedInstanceID"])
        self._write(IDENTITY, identity_config(node, shared=shared))
        if shared:
            path = Path(self._root + CREDENTIALS)
            found = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            self._write(CREDENTIALS, shared_credentials(found, token))

    def _write(self, name: str, text: str) -> None:
        """Write in place, as the real agent does: an existing file keeps its mode."""
        path = Path(self._root + name)
        _make(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)

    def _endpoint(self, service: str) -> str:
        return self._configured(service) or "https://" + service.lower()

    def _configured(self, service: str) -> str:
        return str((self._configuration.get(service) or {}).get("Endpoint") or "")

    def _read_configuration(self) -> JSON:
        try:
            text = Path(self._root + CONFIGURATION).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            return dict(json.loads(text))
        except (TypeError, ValueError) as error:
            self._log(f"ERROR {CONFIGURATION} is not read: {error}")
            return {}

    def _say(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        self._log(text)

    def _log(self, text: str) -> None:
        path = Path(self._root + LOG)
        with contextlib.suppress(OSError):
            _make(path.parent)
            with path.open("a", encoding="utf-8") as file:
                file.write("{} {}\n".format(time.strftime("%Y-%m-%d %H:%M:%S"), text))


def _make(folder: Path) -> None:
    """Make a folder and its parents for root only; `mkdir` would set its mode only on the last one."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


async def _until_terminated(agent: Agent) -> None:
    task = asyncio.ensure_future(agent.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _parse(arguments: Sequence[str]) -> dict[str, str] | None:
    """Flags as Go's package reads them: -name, --name, -name=value, -name value. None if one is unknown."""
    flags: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).lstrip("-").partition("=")
        if name in ("register", "clear", "y", "version"):
            flags[name] = "true"
        elif name in ("code", "id", "region") and (equals or rest):
            flags[name] = value if equals else rest.pop(0)
        else:
            return None
    return flags


if __name__ == "__main__":
    sys.exit(_Program(os.environ.get("ONBOARD_PRACTICE_ROOT", "")).main(sys.argv[1:]))
