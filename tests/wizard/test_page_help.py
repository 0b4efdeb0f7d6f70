"""F1 shows help on every page."""

from onboard.wizard.page_help import PAGE_HELP
from onboard.wizard.stages import STAGES


def test_every_stage_has_its_help_and_nothing_else_has() -> None:
    assert list(PAGE_HELP) == [stage.name for stage in STAGES]
    assert all(help_.text.endswith(".") for help_ in PAGE_HELP.values())
