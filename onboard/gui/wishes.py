"""What a page asks the window to do: all that concerns other pages, files or the earlier runs."""

from dataclasses import dataclass
from pathlib import Path

from onboard.wizard.recovery import Left


class Wish:
    """Base. A page emits one by `Page.wished`, and the window does it, or asks first."""


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
    """Open a profile, and show the page of the stage `then` if it was opened."""

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
    """Go on with the draft that a window which crashed has left."""

    left: Left
