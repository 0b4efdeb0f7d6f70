"""What people call each step, as the steps say it themselves; they are imported when the first word is asked for."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from onboard.model.changes import ChangeName
from onboard.wizard.text import Words, said

if TYPE_CHECKING:
    from onboard.steps.base import Fix

# What is done with AWS once a server's own steps are through.
_WITH_AWS: Mapping[str, Words] = {
    ChangeName.TAG_NODE: said("Tagging its node"),
    ChangeName.CONFIRM: said("Waiting for its answer"),
}


@cache
def _doing() -> Mapping[str, Words]:
    from onboard.steps.catalog import STEPS

    return {**{step.name: step.doing for step in STEPS}, **_WITH_AWS}


@cache
def fixes() -> Mapping[str, "Fix"]:
    """Step → its words, of those that can repair what a check found."""
    from onboard.steps.catalog import STEPS

    return {step.name: step.fix for step in STEPS if step.fix is not None}


def doing(step: str) -> Words:
    """A step while it is under way; its name where it is not known."""
    return _doing().get(step, step)


def fix_words(step: str) -> "Fix | None":
    """None for a fix that is not known: it is not offered then."""
    return fixes().get(step) if step else None
