"""What the commands have reported since the profile was opened: their States, and the log and progress of runs."""

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
    """Holds `states` in the order in which their commands began."""

    def __init__(self) -> None:
        self.states: defaultdict[str, State] = defaultdict(State)
        self.logs: defaultdict[str, Log] = defaultdict(Log)
        self.progresses: defaultdict[str, Progress] = defaultdict(Progress)
        self.is_replayed = False  # whether the States of apply and undo are those of an earlier run
        self._replay = Replay()  # as far as it has been read

    def begin(self, command: str, *, fresh: bool) -> None:
        """Begin a command. `fresh` starts a new State; otherwise its events are folded into the existing one."""
        if fresh:
            self.states[command] = State()
        elif command in CHANGING:
            self.states[command] = self.states.pop(command, State())  # moved to the end: it began last
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
        """Drop what a command reported; returns its State."""
        self.logs.pop(command, None)
        self.progresses.pop(command, None)
        if command == "apply":
            self.is_replayed = False
        return self.states.pop(command, None)

    def unfinished(self, command: str, reason: str) -> list[events.HostFinished]:
        """HostFinished events for the servers that were left unfinished when the engine ended."""
        worked_on = self.progresses[command].steps  # a server that is not among them needed nothing, or was blocked
        return [
            events.HostFinished(host=host.name, status=HostStatus.SKIPPED, reason=reason)
            for host in self.states[command].hosts.values()
            if host.name in worked_on and not host.finished and not host.is_proven
        ]

    # An earlier run

    def begin_replay(self) -> None:
        self._replay = Replay()

    def take_replay(self) -> Replay:
        """Take what was read of an earlier run, once it is complete."""
        replay, self._replay = self._replay, Replay()
        return replay

    def show_replay(self, replay: Replay, outdated: Collection[str]) -> None:
        """Show an earlier run. It counts as older than everything begun here, except commands already `outdated`."""
        states = dict(self.states)
        self.states.clear()
        self.states.update({command: state for command, state in states.items() if command in outdated})
        self.states.update(replay.states)
        self.states.update({command: state for command, state in states.items() if command not in outdated})
        for command in replay.states:
            self.logs[command] = replay.logs[command]
            self.progresses[command] = replay.progresses[command]
        self.is_replayed = True
