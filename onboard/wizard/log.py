"""The log of a run for people to read: a fold of its events that keeps their order and time."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from onboard.model import events
from onboard.model.changes import StepOutcome
from onboard.model.status import HostStatus
from onboard.wizard.text import Words, said

KEPT = 5000  # lines


@dataclass(frozen=True, slots=True)
class Line:
    """`host` is "" for lines about the whole run; `level` is info, well, warning or bad.

    `time` is None for runs of earlier versions, whose journals have no times.
    """

    time: datetime | None
    host: str
    text: Words
    level: str = "info"


class Log:
    """The last KEPT lines. `told` counts all lines ever added, so that a reader knows which ones it has seen."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self.told = 0

    def fold(self, event: events.Event, now: datetime | None) -> None:
        """Add the line for one event, received at `now`."""
        host, text, level = _said(event)
        if text:
            self.lines.append(Line(now, host, text, level))
            self.told += 1

    def since(self, told: int) -> list[Line]:
        """The lines after the first `told`, as far as they are still kept."""
        new = min(self.told - told, len(self.lines))
        return [self.lines[index] for index in range(len(self.lines) - new, len(self.lines))]


def _said(event: events.Event) -> tuple[str, Words, str]:
    """(host, text, level); the text is empty for events that a reader of the log does not need."""
    match event:
        case events.RunStarted():
            return "", said("Run {run} began", run=event.run), "info"
        case events.PhaseStarted():
            return "", f"{event.phase}: {event.total}", "info"
        case events.AwsChanged():
            return "", said("{change} ({subject})", change=event.sentence, subject=event.subject), "info"
        case events.StepStarted():
            return event.host, said("{step} begins", step=event.step), "info"
        case events.StepFinished():
            detail = f": {event.detail}" if event.detail else ""
            return event.host, f"{event.step} {event.outcome}{detail}", _OUTCOMES.get(event.outcome, "info")
        case events.HostFinished():
            reason = f": {event.reason}" if event.reason else ""
            return event.host, f"{event.status}{reason}", _level(event.status)
        case events.Noted():
            return event.host, event.sentence, event.level
        case events.RunFailed():
            parts = (event.what, event.where, *map(str, event.problems), event.why, event.remedy)
            return "", "; ".join(filter(None, parts)), "bad"
        case events.RunFinished():
            counts = ", ".join(f"{count} {status}" for status, count in event.hosts.items())
            return "", said("Ended: {counts}", counts=counts), "info"
    return "", "", "info"


_OUTCOMES = {StepOutcome.FAILED: "bad"}


def _level(status: HostStatus) -> str:
    if status is HostStatus.SKIPPED:
        return "warning"
    return "well" if status.is_well else "bad"
