"""How a state is shown: a glyph and a colour. The caller adds the word, because colour alone is not enough."""

from enum import StrEnum

from onboard.model.finding import Verdict
from onboard.model.outcome import Sign, sign_of_status, sign_of_verdict
from onboard.model.status import HostStatus


class Mark(StrEnum):
    """A state as shown in stages, chips, tables and banners."""

    DONE = "done"
    HERE = "here"
    WARN = "warn"
    BAD = "bad"
    TODO = "todo"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    SKIPPED = "skipped"
    INFO = "info"

    @property
    def glyph(self) -> str:
        """Name of the icon."""
        return _LOOKS[self][0]

    @property
    def tone(self) -> str:
        """Name of the colour token; the background is `tone`_soft."""
        return _LOOKS[self][1]


_LOOKS = {
    Mark.DONE: ("check", "ok"),
    Mark.HERE: ("dot", "accent"),
    Mark.WARN: ("warn", "warn"),
    Mark.BAD: ("cross", "bad"),
    Mark.TODO: ("circle", "idle"),
    Mark.UNKNOWN: ("unknown", "idle"),
    Mark.WAITING: ("waiting", "idle"),
    Mark.SKIPPED: ("skipped", "idle"),
    Mark.INFO: ("info", "accent"),
}

_SIGNS = {
    Sign.DONE: Mark.DONE,
    Sign.WARN: Mark.WARN,
    Sign.BAD: Mark.BAD,
    Sign.UNKNOWN: Mark.UNKNOWN,
    Sign.SKIPPED: Mark.SKIPPED,
    Sign.UNFINISHED: Mark.UNKNOWN,
}


def mark_of_verdict(verdict: Verdict) -> Mark:
    return _SIGNS[sign_of_verdict(verdict)]


def mark_of_host(status: HostStatus | None) -> Mark:
    return _SIGNS[sign_of_status(status)]
