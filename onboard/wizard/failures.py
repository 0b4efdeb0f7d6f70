"""Why a command failed, short enough for the footer, the stage list and the log."""

from onboard.model.events import RunFailed
from onboard.wizard.finding_words import sentence


def headline(failure: RunFailed) -> str:
    """What failed. A single mistake is quoted itself, because "1 mistake was found" helps nobody."""
    return sentence(failure.problems[0].problem if len(failure.problems) == 1 else failure.what)
