"""The stand-in agent as practice servers use it: in process, over real HTTP."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from practice_bench import Practice
from test_cloud_commands import ECHO

from onboard.practice import agent as agent_module
from onboard.practice.agent import Agent, Machine, Outcome, Refusal, Unreachable

REGION = "eu-central-1"
WEB1 = Machine("web1", "10.0.0.5", "Debian GNU/Linux", "12")


async def repeat(lines: Sequence[str]) -> Outcome:
    return Outcome(0, "\n".join(lines), "")


def new_agent(practice: Practice, store: dict[str, str] | None = None, run: Any = repeat, **more: Any) -> Agent:
    url = practice.cloud.endpoint_url
    machine = more.pop("machine", WEB1)
    return Agent(url, url, {} if store is None else store, machine, run, retry_s=0.01, **more)


class Running:
    """An agent that runs for as long as the block does."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def __aenter__(self) -> Agent:
        self.task = asyncio.ensure_future(self.agent.run())
        return self.agent

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def until(practice: Practice, operation: str, count: int = 1, after: int = 0) -> None:
    """Wait until the cloud has answered that operation so many times."""
    async with asyncio.timeout(20):
        while len([call for call in practice.cloud.calls.of(operation, after) if not call.error]) < count:
            await asyncio.sleep(0.005)


async def finished(practice: Practice, command_id: str, instance_id: str) -> dict[str, Any]:
    ssm = practice.client("ssm")
    async with asyncio.timeout(20):
        while True:
            answer = await asyncio.to_thread(ssm.get_command_invocation, CommandId=command_id, InstanceId=instance_id)
            if answer["Status"] not in ("Pending", "InProgress", "Cancelling"):
                return dict(answer)
            await asyncio.sleep(0.01)


def send(practice: Practice, *ids: str, **changes: Any) -> str:
    answer = practice.client("ssm").send_command(**{**ECHO, **changes}, InstanceIds=list(ids))
    return str(answer["Command"]["CommandId"])


def test_it_registers_comes_online_and_answers(practice: Practice) -> None:
    code, activation_id = practice.activation()
    store: dict[str, str] = {}
    ran: list[list[str]] = []

    async def run(lines: Sequence[str]) -> Outcome:
        ran.append(list(lines))
        return Outcome(7, "out", "err")

    async def scene() -> None:
        agent = new_agent(practice, store, run)
        instance_id = await agent.register(code, activation_id, REGION)
        assert (agent.instance_id, agent.region) == (instance_id, REGION)
        async with Running(agent):
            await until(practice, "UpdateInstanceInformation", 2)
            (node,) = practice.client("ssm").describe_instance_information()["InstanceInformationList"]
            assert (node["PingStatus"], node["ComputerName"], node["IPAddress"]) == ("Online", "web1", "10.0.0.5")
            answer = await finished(practice, send(practice, instance_id), instance_id)
            assert (answer["Status"], answer["ResponseCode"]) == ("Failed", 7)
            assert (answer["StandardOutputContent"], answer["StandardErrorContent"]) == ("out", "err")

    asyncio.run(scene())
    assert ran == [["echo one", "echo two"]]
    assert store.keys() == {"registration", "RegistrationKey", "InstanceFingerprint"}
    order = [call.operation for call in practice.cloud.calls.after() if call.caller != "AKIATESTTESTTESTTEST"]
    assert order[:5] == [
        "RegisterManagedInstance",
        "RequestManagedInstanceRoleToken",
        "UpdateInstanceInformation",
        "UpdateInstanceInformation",
        "ListInstanceAssociations",
    ]
    about_messages = [name for name in order if name in ("SendReply", "AcknowledgeMessage")]
    assert about_messages == ["SendReply", "AcknowledgeMessage", "SendReply", "SendReply"]


def test_registering_again_makes_another_node_and_clearing_forgets_it(practice: Practice) -> None:
    code, activation_id = practice.activation()
    agent = new_agent(practice)
    first = asyncio.run(agent.register(code, activation_id, REGION))
    second = asyncio.run(agent.register(code, activation_id, REGION))
    assert first != second == agent.instance_id
    assert len(practice.client("ssm").describe_instance_information()["InstanceInformationList"]) == 2
    agent.clear()
    assert agent.instance_id == ""
    with pytest.raises(LookupError, match="RegistrationKey does not exist"):
        asyncio.run(agent.run())


def test_a_refused_registration_costs_the_former_one_as_with_the_real_agent(practice: Practice) -> None:
    code, activation_id = practice.activation()
    store: dict[str, str] = {}
    agent = new_agent(practice, store)
    asyncio.run(agent.register(code, activation_id, REGION))
    before = dict(store)
    with pytest.raises(Refusal, match="InvalidActivation") as raised:
        asyncio.run(agent.register("wrong", activation_id, REGION))
    assert raised.value.code == "InvalidActivation"
    assert "wrong" not in str(raised.value)
    assert store["registration"] == before["registration"]
    assert json.loads(store["RegistrationKey"])["instanceID"] == ""
    assert agent.instance_id == ""


def test_it_never_speaks_to_anything_but_plain_http(practice: Practice) -> None:
    agent = Agent("https://ssm.eu-central-1.amazonaws.com", "", {}, WEB1, repeat)
    with pytest.raises(Unreachable, match="http:// endpoints only"):
        asyncio.run(agent.register("code", "id", REGION))


def test_it_goes_on_when_the_cloud_is_throttling_or_was_away(practice: Practice) -> None:
    code, activation_id = practice.activation()
    lines: list[str] = []

    async def scene() -> None:
        agent = new_agent(practice, log=lines.append)
        await agent.register(code, activation_id, REGION)
        practice.cloud.settings.update({"throttles": {"UpdateInstanceInformation": {"next_calls": 3}}})
        async with Running(agent):
            await until(practice, "UpdateInstanceInformation", 2)

    asyncio.run(scene())
    assert lines == ["ERROR ThrottlingException: Rate exceeded"] * 3


def test_a_token_that_ended_is_renewed(practice: Practice) -> None:
    code, activation_id = practice.activation()

    async def scene() -> None:
        agent = new_agent(practice)
        await agent.register(code, activation_id, REGION)
        async with Running(agent):
            await until(practice, "GetMessages")
            practice.clock.advance(3601)
            await until(practice, "RequestManagedInstanceRoleToken", 2)
            await until(practice, "GetMessages", after=practice.cloud.calls.count)

    asyncio.run(scene())


def test_a_clock_that_is_seven_minutes_slow_registers_and_is_then_refused(practice: Practice) -> None:
    code, activation_id = practice.activation()
    lines: list[str] = []

    async def scene() -> None:
        agent = new_agent(practice, machine=WEB1._replace(clock_skew_s=-420), log=lines.append)
        await agent.register(code, activation_id, REGION)
        async with Running(agent), asyncio.timeout(20):
            while not lines:
                await asyncio.sleep(0.005)

    asyncio.run(scene())
    assert lines[0].startswith("ERROR InvalidSignatureException: Signature expired: ")
    assert lines[0].endswith(" - 5 min.")


def test_a_command_that_takes_too_long_or_is_cancelled_is_stopped(practice: Practice) -> None:
    code, activation_id = practice.activation()
    stopped: list[str] = []

    async def hang(lines: Sequence[str]) -> Outcome:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            stopped.append(lines[0])
            raise
        return Outcome(0, "", "")

    async def scene() -> None:
        agent = new_agent(practice, run=hang)
        instance_id = await agent.register(code, activation_id, REGION)
        async with Running(agent):
            await until(practice, "UpdateInstanceInformation", 2)
            short = send(practice, instance_id, Parameters={"commands": ["short"], "executionTimeout": ["1"]})
            long = send(practice, instance_id, Parameters={"commands": ["long"]})
            assert (await finished(practice, short, instance_id))["StatusDetails"] == "ExecutionTimedOut"
            await asyncio.to_thread(practice.client("ssm").cancel_command, CommandId=long)
            assert (await finished(practice, long, instance_id))["Status"] == "Cancelled"
            send(practice, instance_id, Parameters={"commands": ["left"]})
            await until(practice, "AcknowledgeMessage", 4)

    asyncio.run(scene())
    assert stopped == ["short", "long", "left"]


def test_clones_share_a_node_and_either_answers(practice: Practice) -> None:
    code, activation_id = practice.activation()
    answered: list[str] = []

    def answering(name: str) -> Any:
        async def run(lines: Sequence[str]) -> Outcome:
            answered.append(name)
            return Outcome(0, name, "")

        return run

    async def scene() -> None:
        store: dict[str, str] = {}
        original = new_agent(practice, store, answering("original"))
        instance_id = await original.register(code, activation_id, REGION)
        clone = new_agent(practice, dict(store), answering("clone"), machine=WEB1._replace(computer_name="web2"))
        async with Running(original), Running(clone):
            await until(practice, "UpdateInstanceInformation", 4)
            answer = await finished(practice, send(practice, instance_id), instance_id)
            assert [answer["StandardOutputContent"]] == answered
            listed = practice.client("ssm").describe_instance_information()["InstanceInformationList"]
            assert [node["InstanceId"] for node in listed] == [instance_id]

    asyncio.run(scene())
    assert len(answered) == 1


def test_long_output_is_cut_and_says_so() -> None:
    text = agent_module._cut("x" * 30_000, agent_module.STDOUT_LIMIT, agent_module.OUTPUT_CUT)
    assert len(text) == 24_000
    assert text.endswith("---Output truncated---")


def test_a_thousand_agents_are_online_without_a_thread_each(practice: Practice) -> None:
    practice.cloud.settings.poll_hold_s = 20
    code, activation_id = practice.activation(1000)
    ready = threading.Event()
    threads: list[int] = []

    async def scene() -> None:
        agents = [new_agent(practice, machine=Machine(f"s{n}", "10.0.0.1", "Debian", "12")) for n in range(1000)]
        few = asyncio.Semaphore(50)

        async def start(agent: Agent) -> asyncio.Task[None]:
            async with few:
                await agent.register(code, activation_id, REGION)
                return asyncio.ensure_future(agent.run())

        tasks = await asyncio.gather(*map(start, agents))
        async with asyncio.timeout(60):
            while practice.polls() < 1000:
                await asyncio.sleep(0.05)
        threads.append(threading.active_count())
        ids = [agent.instance_id for agent in agents[:50]]
        command_id = await asyncio.to_thread(send, practice, *ids)
        for instance_id in ids:
            assert (await finished(practice, command_id, instance_id))["Status"] == "Success"
        ready.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    begun = time.monotonic()
    asyncio.run(scene())
    took = time.monotonic() - begun
    assert ready.is_set()
    online = [{"Key": "PingStatus", "Values": ["Online"]}]
    pages = (
        practice.client("ssm")
        .get_paginator("describe_instance_information")
        .paginate(Filters=online, PaginationConfig={"PageSize": 50})
    )
    nodes = [node for page in pages for node in page["InstanceInformationList"]]
    assert len(nodes) == len({node["InstanceId"] for node in nodes}) == 1000
    assert threads[0] < 20
    print(f"1000 agents online in {took:.1f} s with {threads[0]} threads")


def test_a_stop_that_comes_together_with_an_answer_is_not_lost() -> None:
    """Whoever stops an agent asks once, and waits for its end."""

    async def scene() -> bool:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asking = asyncio.ensure_future(agent_module.within(60, answer))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answer.set_result("no messages")
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        return asking.cancelled()

    assert asyncio.run(scene())
