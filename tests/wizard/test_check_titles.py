"""Every check has a title and a reason, and every fix that is offered has words."""

import subprocess
import sys

from onboard.checks.catalog import CHECKS, FLEET_CHECKS
from onboard.steps.catalog import STEPS
from onboard.wizard.check_titles import CHECK_TITLES, CONNECTION_TITLES, FIX_TITLES, title_of
from onboard.wizard.text import Said


def test_every_check_has_a_title_and_no_title_is_without_a_check() -> None:
    assert set(CHECK_TITLES) == {check.name for check in (*CHECKS, *FLEET_CHECKS)}


def test_titles_are_short_different_and_say_why_in_one_sentence() -> None:
    shorts = [title.short for title in CHECK_TITLES.values()]
    assert len(set(shorts)) == len(shorts)
    for name, title in (CHECK_TITLES | CONNECTION_TITLES).items():
        short, why = title.short, title.why
        assert isinstance(short, Said), name
        assert isinstance(why, Said), name
        assert len(short.text) <= 14, name
        assert why.text.endswith("."), name
        assert why.text.count(". ") == 0, name


def test_a_newer_check_is_called_by_its_name() -> None:
    assert title_of("moon_in_phase").short == "moon_in_phase"
    assert title_of("").short == ""


def test_fixes_are_steps() -> None:
    assert set(FIX_TITLES) <= {step.name for step in STEPS}


def test_titles_and_judging_anew_import_no_fact() -> None:
    program = "import sys, onboard.wizard.check_titles, onboard.wizard.finding_words;"
    program += "print([name for name in sys.modules if name.startswith(('onboard.facts', 'cryptography'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
