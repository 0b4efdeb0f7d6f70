"""The control channel of ssmmessages, frame by frame as an unmodified amazon-ssm-agent 3.3 speaks it."""

import asyncio
import contextlib
import gc
import hashlib
import json
import re
import socket
import ssl
import struct
import time
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from practice_bench import REGION, Practice, SetClock
from test_cloud_commands import ECHO

from onboard.practice.authority import new_authority
from onboard.practice.cloud import running_cloud
from onboard.practice.settings import Settings

RESULT = {"aws:runShellScript": {"status": "Success", "code": 0, "standardOutput": "one\n", "standardError": ""}}


def trusting(certificate: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificate)


class Agent:
    """The agent's end of a channel. Frames are taken apart by their offsets, as measured."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def job(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The next message: what its header and its payload say."""
        data = await self.socket.receive_bytes(timeout=20)
        number = uuid.UUID(bytes=data[72:80] + data[64:72])
        header = {
            "length": int.from_bytes(data[:4], "big"),
            "type": data[4:36].decode().strip(),
            "created": int.from_bytes(data[40:48], "big"),
            "id": str(number),
            "digest": data[80:112],
            "size": int.from_bytes(data[116:120], "big"),
        }
        assert header["digest"] == hashlib.sha256(data[120:]).digest()
        assert header["size"] == len(data[120:])
        return header, json.loads(data[120:])

    async def send(self, kind: str, message_id: str | None = None, **payload: Any) -> str:
        body = json.dumps(payload).encode()
        number = uuid.UUID(message_id) if message_id else uuid.uuid4()
        head = struct.pack(">I32sIQqQ", 116, kind.encode().ljust(32), 1, int(time.time() * 1000), 0, 0)
        head += number.bytes[8:] + number.bytes[:8] + hashlib.sha256(body).digest()
        await self.socket.send_bytes(head + struct.pack(">II", 0, len(body)) + body)
        return str(number)

    async def acknowledge(self, header: dict[str, Any], job: dict[str, Any], code: int = 200) -> None:
        answered = {"acknowledgedMessageId": header["id"], "statusCode": str(code), "errorMessage": ""}
        await self.send("agent_job_ack", jobId=job["JobId"], createdDate="2026-11-29T16:40:54.236Z", **answered)

    async def reply(self, job: dict[str, Any], status: str, steps: Any = None, message_id: str | None = None) -> None:
        """Send a reply, and wait until the cloud has it."""
        content = json.dumps({"documentStatus": status, "documentTraceOutput": "", "runtimeStatus": steps})
        topic = "aws.ssm.sendCommand"
        sent = await self.send(
            "agent_job_reply", message_id, schemaVersion=1, jobId=job["JobId"], content=content, topic=topic
        )
        header, payload = await self.job()
        assert header["type"] == "agent_job_reply_ack"
        assert payload == {"jobId": job["JobId"], "acknowledgedMessageId": sent}


class Bench:
    """A node, and the way its agent opens channels."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.node = practice.node(*practice.activation())
        self.token = practice.token(self.node)
        practice.heartbeat(self.node, self.token)
        self.path = f"{practice.cloud.messages_url}/v1/control-channel/{self.node}"
        headers = practice.signed_headers("", self.token, REGION)
        self.headers = {**headers, "Authorization": headers["Authorization"].replace("/ec2messages/", "/ssmmessages/")}
        self.ssl = trusting(practice.cloud.authority)

    async def created(self, session: aiohttp.ClientSession) -> tuple[int, str]:
        body = {"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4())}
        async with session.post(self.path, json=body, headers=self.headers, ssl=self.ssl) as answer:
            return answer.status, await answer.text()

    @asynccontextmanager
    async def connected(self, **more: Any) -> AsyncIterator[Agent]:
        async with aiohttp.ClientSession() as session:
            status, text = await self.created(session)
            found = re.search("<TokenValue>(.+)</TokenValue>", text)
            assert status == 201, text
            assert found, text
            url = f"{self.path}?role=subscribe&stream=input"
            # It ends with its session, which does not wait for the other side, as an asyncio TLS connection would.
            socket = await session.ws_connect(url, headers=self.headers, ssl=self.ssl, autoclose=False)
            hello = {"Cookie": None, "MessageSchemaVersion": "1.0", "TokenValue": found[1], **more}
            await socket.send_str(json.dumps({**hello, "AgentVersion": "3.3.1142.0", "PlatformType": "linux"}))
            yield Agent(socket)

    async def sent(self, **changes: Any) -> str:
        send = self.practice.client("ssm").send_command
        answer = await asyncio.to_thread(send, **{**ECHO, **changes}, InstanceIds=[self.node])
        return str(answer["Command"]["CommandId"])

    async def invocation(self, command_id: str) -> dict[str, Any]:
        get = self.practice.client("ssm").get_command_invocation
        found = await asyncio.to_thread(get, CommandId=command_id, InstanceId=self.node)
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    async def becomes(self, command_id: str, status: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while (found := await self.invocation(command_id))["Status"] != status:
                await asyncio.sleep(0.01)
            return found


@pytest.fixture
def bench(practice: Practice) -> Bench:
    return Bench(practice)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scene())  # type: ignore[arg-type]


def test_a_command_goes_through_it(bench: Bench) -> None:
    async def scene() -> None:
        async with bench.connected() as agent:
            command_id = await bench.sent()
            header, job = await agent.job()
            assert (header["length"], header["type"]) == (116, "agent_job")
            assert header["created"] > 0, "the agent drops a message without it"
            assert job["JobId"] == f"aws.ssm.{command_id}.{bench.node}"
            assert (job["Topic"], job["SchemaVersion"]) == ("aws.ssm.sendCommand", 1)
            content = json.loads(job["Content"])
            assert content["CommandId"] == command_id
            assert content["CloudWatchOutputEnabled"] == "false", "a text, which the agent reads as a truth value"
            await agent.acknowledge(header, job)
            await bench.becomes(command_id, "InProgress")
            await agent.reply(job, "InProgress")
            await agent.reply(job, "Success", RESULT)
            done = await bench.invocation(command_id)
            assert (done["Status"], done["ResponseCode"], done["StandardOutputContent"]) == ("Success", 0, "one\n")
            # The agent does not keep the order of its replies, and sends one again that was not acknowledged in time.
            again = str(uuid.uuid4())
            await agent.reply(job, "InProgress", RESULT, again)
            await agent.reply(job, "Failed", {}, again)
            assert await bench.invocation(command_id) == done, "a final status stays"
            assert bench.practice.messages(bench.node, bench.token) == []

    run(scene)
    opened = [call for call in bench.practice.cloud.calls.after() if "ControlChannel" in call.operation]
    assert [(call.service, call.operation, call.status, call.mutating) for call in opened] == [
        ("ssmmessages", "CreateControlChannel", 201, False),
        ("ssmmessages", "OpenControlChannel", 101, False),
    ]
    assert {call.instance_id for call in opened} == {bench.node}


@pytest.mark.parametrize("answer", [None, 51401, 51402])
def test_a_job_comes_again_until_it_is_taken(bench: Bench, answer: int | None) -> None:
    async def scene() -> None:
        async with bench.connected() as agent:
            await bench.sent()
            first, job = await agent.job()
            if answer is not None:
                await agent.acknowledge(first, job, answer)
            bench.practice.clock.advance(3)
            second, again = await agent.job()
            assert again == job
            assert first["id"] != second["id"]
            await agent.acknowledge(second, again, 51405)  # it had it, and says so
            command_id = job["JobId"].split(".")[2]
            await bench.becomes(command_id, "InProgress")
            bench.practice.clock.advance(600)
            await bench.sent(Comment="next")
            _, other = await agent.job()
            assert other["JobId"] != job["JobId"]

    run(scene)


def test_a_job_does_not_come_again_after_half_an_hour(bench: Bench) -> None:
    """The agent would run it again: it remembers commands for that long."""

    async def scene() -> None:
        async with bench.connected() as agent:
            lost = await bench.sent()
            await agent.job()
        bench.practice.clock.advance(1799)
        token = bench.practice.token(bench.node)
        bench.token = token
        async with bench.connected() as agent:
            _, job = await agent.job()
            assert lost in job["JobId"]
            bench.practice.clock.advance(1)
            await bench.sent()
            _, job = await agent.job()
            assert lost not in job["JobId"]
            bench.practice.clock.advance(10)
            assert bench.practice.messages(bench.node, token)[0]["MessageId"] == job["JobId"], "nor by the other way"

    run(scene)


def test_a_job_that_the_agent_cannot_read_fails(bench: Bench) -> None:
    async def scene() -> None:
        async with bench.connected() as agent:
            command_id = await bench.sent()
            header, job = await agent.job()
            await agent.acknowledge(header, job, 51408)
            await agent.reply(job, "Failed")
            assert (await bench.invocation(command_id))["StatusDetails"] == "Undeliverable"

    run(scene)


def test_a_command_is_cancelled_through_it(bench: Bench) -> None:
    async def scene() -> None:
        async with bench.connected() as agent:
            command_id = await bench.sent()
            header, job = await agent.job()
            await agent.acknowledge(header, job)
            await bench.becomes(command_id, "InProgress")
            await asyncio.to_thread(bench.practice.client("ssm").cancel_command, CommandId=command_id)
            header, cancel = await agent.job()
            assert cancel["Topic"] == "aws.ssm.cancelCommand"
            assert json.loads(cancel["Content"]) == {"CancelMessageId": job["JobId"]}
            await agent.acknowledge(header, cancel)
            await agent.reply(job, "Cancelled", {"x": {"code": 137}})
            assert (await bench.invocation(command_id))["ResponseCode"] == 137

    run(scene)


def test_the_newest_channel_delivers_and_the_one_before_it_goes_on_when_that_ends(bench: Bench) -> None:
    async def scene() -> None:
        async with bench.connected() as original:
            async with bench.connected() as clone:
                while bench.practice.channels() < 2:
                    await asyncio.sleep(0.005)
                await bench.sent()
                header, job = await clone.job()
                await clone.acknowledge(header, job)
            while bench.practice.channels() > 1:
                await asyncio.sleep(0.005)
            second = await bench.sent()
            assert second in (await original.job())[1]["JobId"]
            await asyncio.to_thread(bench.practice.client("ssm").deregister_managed_instance, InstanceId=bench.node)
            assert (await original.socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE

    run(scene)


def test_agents_that_ask_for_it_are_told_that_the_channel_is_ready(bench: Bench) -> None:
    async def scene() -> None:
        async with bench.connected(RequireAcknowledgement=True) as agent:
            header, _ = await agent.job()
            assert header["type"] == "control_channel_ready"
            await agent.socket.ping()
            await agent.socket.send_bytes(b"\0\0\0\xff" + bytes(200))  # no message: it stays open
            command_id = await bench.sent()
            assert command_id in (await agent.job())[1]["JobId"]

    run(scene)


def test_a_token_opens_one_channel_of_its_own_node(bench: Bench) -> None:
    other = Bench(bench.practice)

    async def scene() -> None:
        async with aiohttp.ClientSession() as session:
            for path, expected in ((bench.path, 201), (other.path, 400)):
                async with session.post(path, json={}, headers=bench.headers, ssl=bench.ssl) as answer:
                    assert answer.status == expected
                    assert ("<AccessDeniedException>" in await answer.text()) == (expected == 400)
            socket = await session.ws_connect(bench.path, headers=bench.headers, ssl=bench.ssl, autoclose=False)
            await socket.send_str(json.dumps({"TokenValue": "guessed"}))
            message = await socket.receive(timeout=20)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.POLICY_VIOLATION)

    run(scene)


def test_a_cloud_that_ends_closes_the_channels() -> None:
    running = running_cloud(Settings(poll_hold_s=0.05))
    bench = Bench(Practice(running.__enter__(), SetClock()))

    async def scene() -> None:
        async with bench.connected() as agent:
            while bench.practice.channels() < 1:
                await asyncio.sleep(0.005)
            ending = asyncio.ensure_future(asyncio.to_thread(running.__exit__, None, None, None))
            message = await agent.socket.receive(timeout=20)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
            await ending

    run(scene)


def test_either_channel_can_be_switched_off(bench: Bench) -> None:
    practice = bench.practice

    async def created() -> tuple[int, str]:
        async with aiohttp.ClientSession() as session:
            return await bench.created(session)

    practice.request("POST", "/practice/settings", {"ec2messages": False})
    poll = practice.deliver("GetMessages", bench.token, Destination=bench.node)
    assert (poll.status, poll.json["__type"]) == (404, "UnknownOperationException")
    assert asyncio.run(created())[0] == 201
    practice.request("POST", "/practice/settings", {"ec2messages": True, "ssmmessages": False})
    assert practice.messages(bench.node, bench.token) == []
    status, text = asyncio.run(created())
    assert status == 400
    assert text.startswith("<AccessDeniedException>"), "only these letters send the agent back to ec2messages"
    wrong = practice.request("POST", "/practice/settings", {"ssmmessages": 1})
    assert wrong.json == {"error": "'ssmmessages' must be true or false, not 1"}


def test_a_role_without_its_policy_denies_the_channel(bench: Bench) -> None:
    policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    bench.practice.client("iam").detach_role_policy(RoleName="Nodes", PolicyArn=policy)

    async def scene() -> None:
        async with aiohttp.ClientSession() as session:
            status, text = await bench.created(session)
            assert status == 400
            assert "is not authorized to perform: ssmmessages:CreateControlChannel" in text

    run(scene)


def handshake(url: str, context: ssl.SSLContext) -> None:
    host, port = url.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname=host):
        pass


def test_only_those_that_trust_this_practices_authority_connect(practice: Practice) -> None:
    cloud = practice.cloud
    handshake(cloud.messages_url, trusting(cloud.authority))
    another = new_authority("127.0.0.1").certificate
    for context in (ssl.create_default_context(), trusting(another)):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(cloud.messages_url, context)


@pytest.mark.parametrize("state", ["encrypted", "idle", "leaving"])
def test_a_cloud_that_ends_leaves_no_connection_open(state: str) -> None:
    """Whatever the other side does: asyncio would wait for its farewell, and the loop ends before that."""
    with contextlib.ExitStack() as stack:
        with running_cloud(Settings()) as cloud:
            host, port = cloud.messages_url.removeprefix("https://").split(":")
            plain = stack.enter_context(socket.create_connection((host, int(port))))
            client = stack.enter_context(trusting(cloud.authority).wrap_socket(plain, server_hostname=host))
            if state in ("idle", "leaving"):
                how = {"idle": "keep-alive", "leaving": "close"}[state]
                client.sendall(f"GET /ping HTTP/1.1\r\nHost: {host}\r\nConnection: {how}\r\n\r\n".encode())
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            gc.collect()
    assert [str(one.message) for one in told] == []
