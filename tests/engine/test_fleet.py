"""The fan-out: bounded, complete, and no thread outlives it."""

import threading

import pytest

from onboard.engine.fleet import Emit, Rest, work_on
from onboard.engine.pace import SLOW_START, Pace
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.events import Event, Noted


def test_every_item_is_worked_on_and_no_more_at_once_than_allowed() -> None:
    running, most, lock, both = 0, 0, threading.Lock(), threading.Barrier(4)

    def work(item: int, emit: Emit) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(10)  # 8 items through a barrier of 4: they do run side by side
        with lock:
            running -= 1
        emit(Noted(text=str(item)))

    events = list(work_on(range(8), work, concurrency=4, cancel=CancelToken()))
    assert sorted(event.text for event in events if isinstance(event, Noted)) == sorted(map(str, range(8)))
    assert most == 4


def test_a_defect_in_one_worker_is_raised_after_the_others_are_done() -> None:
    def work(item: int, emit: Emit) -> None:
        if item == 0:
            raise ZeroDivisionError
        emit(Noted(text=str(item)))

    seen: list[Event] = []
    with pytest.raises(ZeroDivisionError):
        seen.extend(work_on(range(5), work, concurrency=2, cancel=CancelToken()))
    assert len(seen) == 4


def test_a_consumer_that_goes_away_leaves_no_thread() -> None:
    cancel = CancelToken()
    before = threading.active_count()

    def work(item: int, emit: Emit) -> None:
        emit(Noted(text=str(item)))
        cancel.wait_now(30)

    stream = work_on(range(100), work, concurrency=8, cancel=cancel)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_no_more_agents_start_at_once_than_the_pace_allows() -> None:
    pace = Pace(2, CancelToken(), jitter=lambda: 0.0)
    with pace.start(), pace.start():
        entered = threading.Event()

        def third() -> None:
            with pace.start():
                entered.set()

        thread = threading.Thread(target=third)
        thread.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    thread.join()


def test_slow_starts_halve_the_pace_and_quick_ones_bring_it_back() -> None:
    pace = Pace(8, CancelToken(), jitter=lambda: 0.0)
    pace.took(SLOW_START + 1)
    assert pace._allowed == 4
    for _ in range(9):
        pace.took(1)
    assert pace._allowed == 8


def test_waiting_for_a_place_ends_when_everything_stops() -> None:
    cancel = CancelToken()
    pace = Pace(1, cancel, jitter=lambda: 0.0)
    with pace.start():
        cancel.stop_now()
        with pytest.raises(Cancelled), pace.start():
            pass


def test_what_only_waits_takes_no_servers_turn() -> None:
    second = threading.Event()

    def work(item: str, emit: Emit) -> Rest | None:
        if item == "b":
            second.set()
            return None
        return lambda: emit(Noted(text=f"{item}: {second.wait(10)}"))

    told = list(work_on(["a", "b"], work, concurrency=1, cancel=CancelToken()))
    assert told == [Noted(text="a: True")]


def test_a_defect_of_a_rest_is_raised_when_the_others_are_done() -> None:
    def work(item: int, emit: Emit) -> Rest:
        return lambda: emit(Noted(text=str(10 // item)))

    told = []
    with pytest.raises(ZeroDivisionError):
        told.extend(work_on([0, 5], work, concurrency=1, cancel=CancelToken()))
