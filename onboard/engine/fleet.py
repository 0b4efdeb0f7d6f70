"""Fan-out: one bounded pool of threads does the same work on many servers, and events come out as they happen.

What only waits for AWS once a server's work is done waits in a pool of its own, and keeps no server from its turn.

A worker tells everything as plain values: events for whoever follows the run, and a Result for its coordinator. It
writes into nothing of the coordinator's, so that a chunk of servers could be worked on in another process.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from onboard.model.cancel import CancelToken
from onboard.model.events import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker learned of a server, for the coordinator alone."""

    host: str
    value: Any


Told = Event | Result
Emit = Callable[[Told], None]
Rest = Callable[[], None]

WAITING = 200  # rests that may wait at a time


def work_on(
    items: Sequence[T], work: Callable[[T, Emit], Rest | None], *, concurrency: int, cancel: CancelToken
) -> Iterator[Told]:
    """Call `work(item, emit)` for each item, `concurrency` at a time; yield what they emit.

    What `work` returns is the item's rest, which is called apart from those that work.

    `work` itself looks at the cancel token and tells what becomes of its item. A consumer that goes away stops all.
    An exception out of `work` or a rest is a defect in this program: the others finish, then it is raised.
    """
    if not items:
        return
    out: SimpleQueue[Told | None] = SimpleQueue()
    defects: list[BaseException] = []

    def run(item: T) -> None:
        rest = None
        try:
            rest = work(item, out.put)
            if rest is not None:
                waiting.submit(finish, rest)
        except BaseException as error:  # noqa: BLE001 - handed to the consumer's thread below
            defects.append(error)
            rest = None
        if rest is None:
            out.put(None)

    def finish(rest: Rest) -> None:
        try:
            rest()
        except BaseException as error:  # noqa: BLE001 - handed to the consumer's thread below
            defects.append(error)
        finally:
            out.put(None)

    pool = ThreadPoolExecutor(min(concurrency, len(items)), thread_name_prefix="server")
    waiting = ThreadPoolExecutor(min(WAITING, len(items)), thread_name_prefix="waiting")
    try:
        for item in items:
            pool.submit(run, item)
        running = len(items)
        while running:
            event = out.get()
            if event is None:
                running -= 1
            else:
                yield event
    except GeneratorExit:
        cancel.stop_now()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        waiting.shutdown(wait=True, cancel_futures=True)
    if defects:
        raise defects[0]


def kept(stream: Iterable[Told], results: dict[str, Any]) -> Iterator[Event]:
    """The events of a stream; its results go into `results`, by server."""
    for told in stream:
        if isinstance(told, Result):
            results[told.host] = told.value
        else:
            yield told
