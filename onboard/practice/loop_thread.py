"""Run an asynchronous service for synchronous callers: its event loop runs in its own thread."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Service(Protocol):
    async def stop(self) -> None: ...


S = TypeVar("S", bound=Service)


@contextmanager
def running(start: Callable[[], Awaitable[S]], name: str) -> Iterator[S]:
    """Yield what `start` returns; after the block, stop it and end its thread.

    Raises what `start` raises, and at the end what `stop` raises.
    """
    started = threading.Event()
    outcome: list[S | BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def live() -> None:
        service = await start()
        try:
            event = asyncio.Event()
            stop.append((asyncio.get_running_loop(), event))
            outcome.append(service)
            started.set()
            await event.wait()
        finally:
            await service.stop()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            outcome.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, name=name)
    thread.start()
    started.wait()
    first = outcome[0]
    if isinstance(first, BaseException):
        thread.join()
        raise first
    try:
        yield first
    finally:
        loop, event = stop[0]
        loop.call_soon_threadsafe(event.set)
        thread.join()
    if isinstance(outcome[-1], BaseException):
        raise outcome[-1]
