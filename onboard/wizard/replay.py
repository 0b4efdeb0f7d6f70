"""An earlier run from the journal: its events and those of its undos, folded again."""

from collections import defaultdict
from datetime import datetime

from onboard.model.events import Recorded
from onboard.model.state import State
from onboard.wizard.log import Log
from onboard.wizard.progress import Progress


class Replay:
    """States, logs and progress by command: apply, and undo if the run has since been undone."""

    def __init__(self) -> None:
        self.states: defaultdict[str, State] = defaultdict(State)
        self.logs: defaultdict[str, Log] = defaultdict(Log)
        self.progresses: defaultdict[str, Progress] = defaultdict(Progress)

    def fold(self, recorded: Recorded) -> None:
        """Fold one recorded event."""
        at = datetime.fromisoformat(recorded.time).astimezone() if recorded.time else None
        self.states[recorded.command].fold(recorded.told)
        self.logs[recorded.command].fold(recorded.told, at)
        self.progresses[recorded.command].fold(recorded.told, at.timestamp() if at else 0.0)
