"""What a page asks the window to do: whatever concerns other pages, files or earlier runs."""

from dataclasses import dataclass
from pathlib import Path

from onboard.wizard.recovery import Left


class Wish:
    """Base class. A page emits a wish by `Page.wished`; the window does it, or asks first."""


@dataclass(frozen=True, slots=True)
class Visit(Wish):
    """Show a stage's page."""

    stage: str


class NewProfile(Wish):
    pass


class ChooseProfile(Wish):
    pass


@dataclass(frozen=True, slots=True)
class OpenProfile(Wish):
    """Open a profile and, if that succeeds, show the page of the stage `then`."""

    path: Path
    then: str = ""


class SaveProfile(Wish):
    pass


class ChooseRun(Wish):
    """List the earlier runs, to show one of them."""


class StartPractice(Wish):
    pass


@dataclass(frozen=True, slots=True)
class TakeUp(Wish):
    """Restore the draft that a crashed window left."""

    left: Left
