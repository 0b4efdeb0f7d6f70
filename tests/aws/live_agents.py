"""Stand-in agents that answer the practice cloud's commands."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from onboard.aws.changes.base import Activation

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud


@contextlib.contextmanager
def agents(cloud: "Cloud", activation: Activation, answers: Sequence[str]) -> Iterator[list[str]]:
    """Running agents, one for each answer they give to every command; their node ids, all Online."""
    from onboard.practice.agent import Agent, Machine, Outcome

    ids: list[str] = []
    ready, loops = threading.Event(), []

    def made(number: int, answer: str) -> Agent:
        async def run_command(lines: Sequence[str]) -> Outcome:
            return Outcome(0, f"{answer}\n", "a warning\n" if number == 0 else "")

        machine = Machine(f"server-{number}", f"10.0.0.{number}", "Debian GNU/Linux", "12")
        return Agent(cloud.endpoint_url, cloud.endpoint_url, {}, machine, run_command)

    async def serve() -> None:
        done = asyncio.Event()
        loops.append((asyncio.get_running_loop(), done))
        all_agents = [made(number, answer) for number, answer in enumerate(answers)]
        code = activation.code.reveal()
        ids.extend([await agent.register(code, activation.id, activation.region) for agent in all_agents])
        running = [asyncio.ensure_future(agent.run()) for agent in all_agents]
        while len(cloud.calls.of("ListInstanceAssociations")) < len(answers) and not done.is_set():
            await asyncio.sleep(0.01)
        ready.set()
        await done.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="practice-agents")
    thread.start()
    try:
        assert ready.wait(20), "the agents did not come up"
        yield ids
    finally:
        loop, done = loops[0]
        loop.call_soon_threadsafe(done.set)
        thread.join()
