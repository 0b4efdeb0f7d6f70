"""Why a command failed, in the few words that the footer, the stage list and the log have room for."""

from onboard.model.events import RunFailed
from onboard.wizard.finding_words import sentence


def headline(failure: RunFailed) -> str:
    """What failed. Of a single mistake, the mistake itself: that one was found helps nobody."""
    return sentence(failure.problems[0].problem if len(failure.problems) == 1 else failure.what)
