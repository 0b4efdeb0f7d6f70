"""What the commands told since the profile was opened: a State for each, and log and progress of runs on servers."""

import time
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from onboard.model import events
from onboard.model.changes import CHANGING
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.wizard.log import Log
from onboard.wizard.progress import Progress
from onboard.wizard.replay import Replay


class Told:
    """`states` are in the order in which their commands began."""

    def __init__(self) -> None:
        self.states: defaultdict[str, State] = defaultdict(State)
        self.logs: defaultdict[str, Log] = defaultdict(Log)
        self.progresses: defaultdict[str, Progress] = defaultdict(Progress)
        self.is_replayed = False  # the States of apply and undo are those of an earlier run
        self._replay = Replay()  # as far as it was read

    def begin(self, command: str, *, fresh: bool) -> None:
        """`fresh` begins a new State; else what is told is folded into the one that is there."""
        if fresh:
            self.states[command] = State()
        elif command in CHANGING:
            self.states[command] = self.states.pop(command, State())  # the last that began
        if command == "apply":
            self.is_replayed = False

    def fold(self, command: str, event: events.Event) -> None:
        if isinstance(event, events.Recorded):
            self._replay.fold(event)
            return
        self.states[command].fold(event)
        if command in CHANGING:
            self.logs[command].fold(event, datetime.now().astimezone())
            self.progresses[command].fold(event, time.monotonic())

    def forget(self, command: str) -> State | None:
        """The State that is forgotten."""
        self.logs.pop(command, None)
        self.progresses.pop(command, None)
        if command == "apply":
            self.is_replayed = False
        return self.states.pop(command, None)

    def unfinished(self, command: str, reason: str) -> list[events.HostFinished]:
        """The ends of servers that nobody works on any more, since the engine ended."""
        worked_on = self.progresses[command].steps  # what is not among them was well or blocked before
        return [
            events.HostFinished(host=host.name, status=HostStatus.SKIPPED, reason=reason)
            for host in self.states[command].hosts.values()
            if host.name in worked_on and not host.finished and not host.is_proven
        ]

    # An earlier run

    def begin_replay(self) -> None:
        self._replay = Replay()

    def take_replay(self) -> Replay:
        """What was read of an earlier run, to its end."""
        replay, self._replay = self._replay, Replay()
        return replay

    def show_replay(self, replay: Replay, outdated: Collection[str]) -> None:
        """What an earlier run did is older than all that was begun here, but for what was `outdated` already."""
        states = dict(self.states)
        self.states.clear()
        self.states.update({command: state for command, state in states.items() if command in outdated})
        self.states.update(replay.states)
        self.states.update({command: state for command, state in states.items() if command not in outdated})
        for command in replay.states:
            self.logs[command] = replay.logs[command]
            self.progresses[command] = replay.progresses[command]
        self.is_replayed = True
