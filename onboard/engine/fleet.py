"""Fan-out: one bounded pool of threads does the same work on many servers, and yields their events as they happen.

Once a server's work is done, waiting for AWS happens in a separate pool, so that it delays no other server.

A worker reports everything as plain values: events for those who follow the run, and a Result for its coordinator. It
does not write into the coordinator's data, so that a chunk of servers could be worked on in another process.
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
    """What a worker learned about a server, for the coordinator only."""

    host: str
    value: Any


Told = Event | Result
Emit = Callable[[Told], None]
Rest = Callable[[], None]

WAITING = 400  # how many rests may wait at the same time, each in a thread that sleeps


def work_on(
    items: Sequence[T], work: Callable[[T, Emit], Rest | None], *, concurrency: int, cancel: CancelToken
) -> Iterator[Told]:
    """Call `work(item, emit)` for each item, `concurrency` at a time; yield what they emit.

    If `work` returns a function (the item's rest), it is called in a separate pool.

    `work` itself checks the cancel token and reports what becomes of its item. When the consumer goes away, all work
    stops. An exception from `work` or a rest is a defect in this program: the others finish, then it is raised.
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
    """Yield the events of a stream, and put its results into `results`, by server."""
    for told in stream:
        if isinstance(told, Result):
            results[told.host] = told.value
        else:
            yield told
