"""The stand-in agent takes its commands by the control channel, as the real one does, and falls back as that does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from practice_bench import Practice
from test_agent_class import REGION, WEB1, Running, finished, repeat, send, until

from onboard.practice import agent as agent_module
from onboard.practice.agent import Agent, Outcome


@asynccontextmanager
async def online(practice: Practice, run: Any = repeat, **more: Any) -> AsyncIterator[Agent]:
    """A registered agent that runs, with its control channel open unless told otherwise."""
    cloud = practice.cloud
    opens = more.pop("opens", True)
    settings = {"mgs_endpoint": cloud.messages_url, "trusted": cloud.authority, "retry_s": 0.01, **more}
    agent = Agent(cloud.endpoint_url, cloud.endpoint_url, {}, WEB1, run, **settings)
    await agent.register(*await asyncio.to_thread(practice.activation), REGION)
    async with Running(agent):
        await until(practice, "OpenControlChannel" if opens else "GetMessages")
        yield agent


def used(practice: Practice, after: int = 0) -> set[str]:
    ways = {"AcknowledgeMessage", "GetMessages", "SendReply", "OpenControlChannel"}
    return ways & {call.operation for call in practice.cloud.calls.after(after) if not call.error}


def test_it_answers_by_the_channel_and_does_not_poll(practice: Practice) -> None:
    large = "\x01" * 11_000  # 66,000 bytes of JSON

    async def run(lines: Sequence[str]) -> Outcome:
        return Outcome(7, large, "err")

    async def scene() -> None:
        async with online(practice, run) as agent:
            for _ in range(2):
                answer = await finished(practice, send(practice, agent.instance_id), agent.instance_id)
                assert (answer["Status"], answer["ResponseCode"]) == ("Failed", 7)
                assert (answer["StandardOutputContent"], answer["StandardErrorContent"]) == (large, "err")
            (node,) = practice.client("ssm").describe_instance_information()["InstanceInformationList"]
            assert node["PingStatus"] == "Online"

    asyncio.run(scene())
    assert used(practice) == {"OpenControlChannel"}


def test_a_reply_that_is_too_large_never_arrives(practice: Practice) -> None:
    lines: list[str] = []

    async def run(_: Sequence[str]) -> Outcome:
        return Outcome(0, "\x01" * 24_000, "")

    async def scene() -> None:
        async with online(practice, run, log=lines.append) as agent:
            command = send(practice, agent.instance_id)
            async with asyncio.timeout(20):
                while len(lines) < 2:  # of the step and of the whole
                    await asyncio.sleep(0.005)
            found = practice.client("ssm").get_command_invocation(CommandId=command, InstanceId=agent.instance_id)
            assert found["Status"] == "InProgress"

    asyncio.run(scene())
    assert all("is larger than 120000 bytes" in line for line in lines)


def test_a_command_is_cancelled(practice: Practice) -> None:
    begun: list[str] = []

    async def hang(lines: Sequence[str]) -> Outcome:
        begun.append(lines[0])
        await asyncio.sleep(3600)
        return Outcome(0, "", "")

    async def scene() -> None:
        async with online(practice, hang) as agent:
            long = send(practice, agent.instance_id, Parameters={"commands": ["hang"]})
            async with asyncio.timeout(20):
                while not begun:
                    await asyncio.sleep(0.005)
            await asyncio.to_thread(practice.client("ssm").cancel_command, CommandId=long)
            answer = await finished(practice, long, agent.instance_id)
            assert (answer["Status"], answer["ResponseCode"]) == ("Cancelled", 137)

    asyncio.run(scene())
    assert begun == ["hang"]


def test_a_message_is_read_as_it_was_written_and_not_otherwise() -> None:
    job = agent_module.AgentMessage.new("agent_job", {"Content": "{}"})
    assert agent_module.AgentMessage.parse(job.pack()) == job
    for damaged in (b"", job.pack()[:60], b"\0\0\0\xff" + job.pack()[4:], job.pack()[:-1]):
        with pytest.raises(ValueError, match=r"header"):
            agent_module.AgentMessage.parse(damaged)


def test_a_channel_that_is_denied_sends_it_back_to_ec2messages(practice: Practice) -> None:
    async def scene() -> None:
        async with online(practice) as agent:
            practice.cloud.settings.update({"ssmmessages": False})
            count = practice.cloud.calls.count
            answer = await finished(practice, send(practice, agent.instance_id), agent.instance_id)
            assert answer["Status"] == "Success"
            assert used(practice, count) == {"AcknowledgeMessage", "GetMessages", "SendReply"}

    asyncio.run(scene())


@pytest.mark.parametrize("why", ["no trust", "another authority", "no TLS"])
def test_it_opens_channels_of_practices_that_it_trusts_only(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    lines: list[str] = []
    more = {"no trust": {"trusted": ""}, "no TLS": {"mgs_endpoint": practice.cloud.endpoint_url}}.get(why, {})
    if why == "another authority":
        monkeypatch.setattr(agent_module, "PRACTICE_AUTHORITY", "Amazon")

    async def scene() -> None:
        async with online(practice, log=lines.append, opens=False, **more) as agent:
            answer = await finished(practice, send(practice, agent.instance_id), agent.instance_id)
            assert answer["Status"] == "Success"

    asyncio.run(scene())
    assert practice.cloud.calls.of("CreateControlChannel") == []
    said = {"no trust": "certificate verify failed", "no TLS": "SSL"}.get(why, "speaks to practice clouds only")
    assert said in lines[0]


def test_it_goes_through_a_proxy_and_opens_a_channel_that_broke_again(practice: Practice) -> None:
    asked: list[bytes] = []
    ends: list[asyncio.StreamWriter] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1])
        far_reader, far_writer = await asyncio.open_connection(*asked[-1].decode().split(":"))
        ends.extend((writer, far_writer))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer), return_exceptions=True)

    async def scene() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        def proxy(endpoint: str) -> str | None:
            return url if endpoint.startswith("https:") else None

        async with server, online(practice, proxy=proxy) as agent:
            answer = await finished(practice, send(practice, agent.instance_id), agent.instance_id)
            assert answer["Status"] == "Success"
            practice.cloud.settings.update({"throttles": {"CreateControlChannel": {"next_calls": 1}}})
            count = practice.cloud.calls.count
            for end in ends:
                end.transport.abort()
            await until(practice, "OpenControlChannel", after=count)
            answer = await finished(practice, send(practice, agent.instance_id), agent.instance_id)
            assert answer["Status"] == "Success"

    asyncio.run(scene())
    assert set(asked) == {practice.cloud.messages_url.removeprefix("https://").encode()}
    assert len(asked) == 3
    assert used(practice) == {"OpenControlChannel"}, "a break alone does not send it to ec2messages"
