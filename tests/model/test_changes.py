"""The names that rooms share are those of the things themselves."""

from onboard.model import changes
from onboard.steps.catalog import STEPS


def test_the_steps_that_a_profile_may_name_are_all_steps() -> None:
    assert set(changes.STEPS) == {step.name for step in STEPS}
