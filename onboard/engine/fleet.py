"""Fan-out: one bounded pool of threads does the same work on many servers, and events come out as they happen."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from onboard.model.cancel import CancelToken
from onboard.model.events import Event

T = TypeVar("T")
Emit = Callable[[Event], None]


def work_on(
    items: Sequence[T], work: Callable[[T, Emit], None], *, concurrency: int, cancel: CancelToken
) -> Iterator[Event]:
    """Call `work(item, emit)` for each item, `concurrency` at a time; yield what they emit.

    `work` itself looks at the cancel token and tells what becomes of its item. A consumer that goes away stops all.
    An exception out of `work` is a defect in this program: the others finish, then it is raised.
    """
    if not items:
        return
    out: SimpleQueue[Event | None] = SimpleQueue()
    defects: list[BaseException] = []

    def run(item: T) -> None:
        try:
            work(item, out.put)
        except BaseException as error:  # noqa: BLE001 - handed to the consumer's thread below
            defects.append(error)
        finally:
            out.put(None)

    pool = ThreadPoolExecutor(min(concurrency, len(items)), thread_name_prefix="server")
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
    if defects:
        raise defects[0]
