"""Shows a run's events: one JSON object a line for programs, or progress and a table for people."""

import gc
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from onboard.cli.exits import exit_code
from onboard.cli.signals import Contract
from onboard.cli.waits import telling_of_waits
from onboard.model import events
from onboard.model.cancel import CancelToken
from onboard.model.changes import CHANGING
from onboard.model.state import State

SHOWN = 20  # mistakes; --json has all of them
UNCHANGED = "Nothing was changed.\n"  # the answer to a person who does not agree


class Show(Protocol):
    """One way of showing a run while it goes on."""

    def event(self, event: events.Event, state: State) -> None: ...

    def end(self, state: State) -> None: ...


class JsonLines:
    """The contract: one JSON object a line on standard output, nothing else there."""

    def event(self, event: events.Event, state: State) -> None:
        sys.stdout.write(event.to_line() + "\n")
        sys.stdout.flush()
        Contract.is_kept = isinstance(event, events.RunFinished)

    def end(self, state: State) -> None:
        if state.failure:
            sys.stderr.write(failure_text(state.failure) + "\n")


def failure_text(failure: events.RunFailed) -> str:
    """What stopped a run, for people."""
    head = f"{failure.where}: {failure.what}" if failure.where else failure.what
    lines = [f"Error: {head}."]
    lines += [f"  {problem}" for problem in failure.problems[:SHOWN]]
    lines += [f"  … and {len(failure.problems) - SHOWN} more"] if len(failure.problems) > SHOWN else []
    lines += [f"  Why: {failure.why}"] if failure.why else []
    advice, commands = failure.words.remedy_words, failure.words.commands
    lines += [f"  What to do: {advice}{':' if commands else ''}"] if advice else []
    lines += [f"    {command}" for command in commands]  # each ready to copy
    return "\n".join(lines)


def follow(stream: Iterable[events.Event], show: Show, cancel: CancelToken) -> tuple[State, int]:
    """Show a run to its end; its state, without the servers' facts, and the exit code.

    Where the reader of the output has gone, as in `onboard check | head`, what only looks goes on to its end unheard,
    and what changes something is stopped, as by SIGTERM.
    """
    state = State()
    trouble: Exception | None = None
    is_heard = True
    one_at_a_time = threading.Lock()

    def take(event: events.Event) -> None:
        nonlocal trouble, is_heard
        with one_at_a_time:
            if state.finished:  # the run's last event has been shown
                return
            if not isinstance(event, events.FactsGathered):  # no text shows them, and they take most of the memory
                state.fold(event)
            if not is_heard:
                return
            try:
                show.event(event, state)
            except BrokenPipeError:  # the reader of the output
                is_heard = False
                if state.command in CHANGING:
                    cancel.stop_now()
            except Exception as error:  # noqa: BLE001 - raised again at the run's end
                is_heard, trouble = False, error
                cancel.stop_now("The output of the run could not be written")  # the run still ends in the journal

    with telling_of_waits(take):
        for event in stream:
            if isinstance(event, events.PhaseStarted):
                # Modules and AWS's clients are loaded, and live to the end of the process: to look for garbage among
                # them takes the collector a tenth of a second each time.
                gc.freeze()
            take(event)
    if trouble is not None:
        raise trouble
    if is_heard:
        with suppress(BrokenPipeError):
            show.end(state)
    return state, exit_code(state, interrupted=cancel.stopping and not cancel.why)
