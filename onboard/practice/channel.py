"""The control channel of `ssmmessages`, by which agents since 3.3.40 get their commands: a WebSocket over TLS.

As measured with amazon-ssm-agent 3.3. The agent asks for a token, opens the WebSocket and shows the token in its first
frame. Then messages go both ways in frames of their own (`agent.AgentMessage`): a job is delivered again until the
agent acknowledges it, and each of its replies is acknowledged.
"""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import WSCloseCode, WSMsgType, web

from onboard.practice.agent import AgentMessage
from onboard.practice.awsjson import AwsError, parsed_json
from onboard.practice.commands import take_reply
from onboard.practice.hybrid import JSON, Hybrid, Message, Node

PATH = "/v1/control-channel/"
REDELIVERY_S = 3.0
"""A job that is not acknowledged is delivered again after this time: the agent drops those that come too early."""
LOOK_S = 0.25
"""How often a job that was not acknowledged is looked at: the cloud's clock may be set."""
CLOSING_S = 0.2
ACCEPTED, DUPLICATE = "200", "51405"
NOT_NOW = ("51401", "51402")
"""The agent is about to end, or has as many commands as it takes; the job is delivered again."""


@dataclass(slots=True, eq=False)
class ControlChannel:
    """One open channel of an agent."""

    hybrid: Hybrid
    node: Node
    socket: web.WebSocketResponse
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        """Deliver jobs and take answers until either side closes the channel."""
        self.node.channels.append(self._woken)
        delivering = asyncio.ensure_future(self._deliver())
        try:
            async for frame in self.socket:
                if frame.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                    data = frame.data if isinstance(frame.data, bytes) else frame.data.encode()
                    await self._take(data)
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
            self.node.channels.remove(self._woken)
            self.node.wake()  # an older channel, or a poll, delivers now

    async def _deliver(self) -> None:
        """Send what is in the queue while this is the node's newest channel.

        Close it when the node is deregistered, and instead of sending something when the service was switched off.
        """
        with suppress(ConnectionError):
            while self.hybrid.settings.ssmmessages and self.hybrid.nodes.get(self.node.instance_id) is self.node:
                self._woken.clear()
                if self.node.channels[-1] is self._woken:
                    for message in self.node.ready_messages(self.hybrid.now):
                        message.hand_out(self.hybrid.now, REDELIVERY_S)
                        await self._send("agent_job", _job(message))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S if self.node.messages else None):
                        await self._woken.wait()
            await self.socket.close()

    async def _take(self, data: bytes) -> None:
        """One message of the agent. Others than these two are counters and news that a practice does not use."""
        try:
            message = AgentMessage.parse(data)
        except ValueError:
            return
        if message.kind == "agent_job_ack":
            self._acknowledged(message.payload)
        elif message.kind == "agent_job_reply":
            job = str(message.payload.get("jobId", ""))
            with suppress(AwsError):  # an answer without sense is not an answer
                take_reply(self.hybrid, self.node.instance_id, job, message.payload.get("content"))
            await self._send("agent_job_reply_ack", {"jobId": job, "acknowledgedMessageId": message.message_id})

    def _acknowledged(self, answer: JSON) -> None:
        code = str(answer.get("statusCode"))
        if code in NOT_NOW:
            return  # it is still in the queue, hidden for a while
        for message in self.node.take(answer.get("jobId")):
            if not message.starts_command:
                continue
            message.invocation.start(self.hybrid.now)
            if code not in (ACCEPTED, DUPLICATE):
                message.invocation.finish("Failed", "Undeliverable", self.hybrid.now)

    async def _send(self, kind: str, payload: JSON) -> None:
        await self.socket.send_bytes(AgentMessage.new(kind, payload).pack())


@dataclass(slots=True, eq=False)
class ControlChannels:
    """All open channels, and the tokens to open more."""

    _tokens: dict[str, Node] = field(default_factory=dict)
    _open: set[ControlChannel] = field(default_factory=set)

    def create(self, node: Node) -> web.Response:
        """CreateControlChannel: a token that opens one channel."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = node
        told = f"<MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>{token}</TokenValue>"
        text = f"<CreateControlChannelOutput>{told}</CreateControlChannelOutput>"
        return web.Response(status=201, text=text, content_type="application/xml")

    async def open(self, request: web.Request, hybrid: Hybrid, node: Node) -> web.WebSocketResponse:
        """OpenControlChannel: serve the channel until it is closed."""
        socket = web.WebSocketResponse(timeout=CLOSING_S, compress=False)
        await socket.prepare(request)
        hello = _object(await socket.receive())
        if self._tokens.pop(str(hello.get("TokenValue")), None) is not node:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return socket
        if hello.get("RequireAcknowledgement") is True:  # newer agents; what it contains is not known
            await socket.send_bytes(AgentMessage.new("control_channel_ready", {}).pack())
        channel = ControlChannel(hybrid, node, socket)
        self._open.add(channel)
        try:
            await channel.serve()
        finally:
            self._open.discard(channel)
        return socket

    async def close(self) -> None:
        """Close all channels, as a service does that is about to restart."""
        await asyncio.gather(*(channel.socket.close(code=WSCloseCode.GOING_AWAY) for channel in list(self._open)))


def refused(refusal: AwsError) -> web.Response:
    """A refusal in the form that the agent understands: it looks for `<AccessDeniedException>`."""
    code, text = escape(refusal.code), escape(refusal.message or "")
    body = f"<{code}><Message>{text}</Message></{code}>"
    return web.Response(status=refusal.status, text=body, content_type="application/xml")


def _job(message: Message) -> JSON:
    topic = "aws.ssm.sendCommand" if message.starts_command else "aws.ssm.cancelCommand"
    return {"Content": message.payload, "JobId": message.message_id, "Topic": topic, "SchemaVersion": 1}


def _object(frame: Any) -> Mapping[str, Any]:
    """The JSON object in a WebSocket frame; empty if there is none."""
    if frame.type is not WSMsgType.TEXT:
        return {}
    try:
        parsed = parsed_json(frame.data)
    except AwsError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
