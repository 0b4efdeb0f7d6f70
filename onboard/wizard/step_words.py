"""The words for each step, taken from the steps themselves, which are imported on first use."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from onboard.model.changes import ChangeName
from onboard.wizard.text import Words, said

if TYPE_CHECKING:
    from onboard.steps.base import Fix

# What is done in AWS once a server's own steps are complete.
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
    """Step → its words, for the steps that can fix what a check found."""
    from onboard.steps.catalog import STEPS

    return {step.name: step.fix for step in STEPS if step.fix is not None}


def doing(step: str) -> Words:
    """The words for a step in progress; the step's name if it is unknown."""
    return _doing().get(step, step)


def fix_words(step: str) -> "Fix | None":
    """The words for a fix; None if the fix is unknown, in which case it is not offered."""
    return fixes().get(step) if step else None
