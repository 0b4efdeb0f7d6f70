"""What the wizard knows at one moment: the draft of the profile, and the State of each command run on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onboard.model.profile import Profile
from onboard.model.state import State
from onboard.wizard.log import Log
from onboard.wizard.progress import Progress

EMPTY = State()


@dataclass(frozen=True, slots=True)
class View:
    """Frozen except for the States, which keep folding. Pages read it and change the draft through `wizard.draft`.

    draft      the profile as edited
    saved      the profile as saved in the file; None before it was first saved
    path       the file; None before there is one
    states     command (account, trust, regions, preview, check, plan, apply, undo) → State of its last run, in the
               order in which they began
    running    the command that is running; "" when there is none
    practice   whether the cloud and servers are those of Practice
    held       "paused", "stopping", or "" for a command that is not held
    logs, progresses   of apply and undo, by command
    ordered    the commands that are running or queued
    asked      command → the profile that it was last run on, since this profile was opened
    mistakes   key of the profile → what is wrong with the value in its field; the draft keeps the previous value
    is_replayed   whether the States of apply and undo are those of an earlier run, read from the journal
    standings  a cache for `stages.standing`, not part of the view's value: judging thousands of servers takes long, a
               window asks for each stage many times, and every change makes a new view
    """

    draft: Profile = field(default_factory=Profile)
    saved: Profile | None = None
    path: Path | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    running: str = ""
    practice: bool = False
    held: str = ""
    logs: Mapping[str, Log] = field(default_factory=dict)
    progresses: Mapping[str, Progress] = field(default_factory=dict)
    ordered: frozenset[str] = frozenset()
    asked: Mapping[str, Profile] = field(default_factory=dict)
    mistakes: Mapping[str, str] = field(default_factory=dict)
    is_replayed: bool = False
    standings: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def is_edited(self) -> bool:
        return self.draft != (self.saved or Profile())

    @property
    def undo(self) -> State:
        """The undo of apply's run, once it was tried on a server; otherwise EMPTY."""
        undo = self.state("undo")
        is_of_this_run = undo.undoes in ("", self.state("apply").run)
        return undo if is_of_this_run and _was_tried(undo) else EMPTY

    @property
    def is_undone(self) -> bool:
        """Whether apply's run was undone on every server that the undo covered."""
        return _is_complete(self.undo)

    @property
    def online(self) -> int:
        """Number of servers that apply's run brought online, without those that its undo restored."""
        restored = {host.name for host in self.undo.hosts.values() if host.is_restored}
        return sum(host.is_proven and host.name not in restored for host in self.state("apply").hosts.values())

    def outdated_by(self, command: str) -> str:
        """apply or undo, whichever last changed servers after `command` began; "" when neither did."""
        begun = list(self.states)
        later = begun[begun.index(command) + 1 :] if command in begun else []
        return next((name for name in reversed(later) if self._changed_servers(name)), "")

    def _changed_servers(self, command: str) -> bool:
        state = self.state(command)
        return bool(state.run) if command == "apply" else command == "undo" and _was_tried(state)

    def state(self, command: str) -> State:
        """The State of the command's last run; EMPTY when it has not run."""
        return self.states.get(command, EMPTY)

    def log(self, command: str) -> Log:
        return self.logs.get(command) or Log()

    def progress(self, command: str) -> Progress:
        return self.progresses.get(command) or Progress()


def _was_tried(undo: State) -> bool:
    return any(host.is_undo_tried for host in undo.hosts.values()) or _is_complete(undo)


def _is_complete(undo: State) -> bool:
    return undo.finished and undo.failure is None and all(host.is_restored for host in undo.hosts.values())
