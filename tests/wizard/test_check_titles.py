"""Every check has a title and a reason, and every fix that is offered has words."""

import subprocess
import sys

from onboard.checks.catalog import CHECKS, FLEET_CHECKS
from onboard.model.words import Text
from onboard.steps.catalog import STEPS
from onboard.wizard.check_titles import CONNECTION_TITLES, check_titles, title_of
from onboard.wizard.step_words import fixes
from onboard.wizard.text import Said, Words


def test_every_check_has_a_title_and_no_title_is_without_a_check() -> None:
    assert set(check_titles()) == {check.name for check in (*CHECKS, *FLEET_CHECKS)}


def test_titles_are_short_different_and_say_why_in_one_sentence() -> None:
    shorts = [title.short for title in check_titles().values()]
    assert len(set(shorts)) == len(shorts)
    for name, title in {**check_titles(), **CONNECTION_TITLES}.items():
        short, why = translatable(title.short), translatable(title.why)
        assert len(short) <= 14, name
        assert why.endswith("."), name
        assert why.count(". ") == 0, name


def translatable(words: Words) -> str:
    """The English text of words, as used to look up a translation."""
    assert isinstance(words, Said | Text), words
    return words.text if isinstance(words, Said) else words.template


def test_a_newer_check_is_called_by_its_name() -> None:
    assert title_of("moon_in_phase").short == "moon_in_phase"
    assert title_of("").short == ""


def test_fixes_are_steps() -> None:
    assert {"install_roots"} <= set(fixes()) <= {step.name for step in STEPS}


def test_titles_and_judging_anew_import_no_fact() -> None:
    program = "import sys, onboard.wizard.check_titles, onboard.wizard.step_words, onboard.wizard.finding_words;"
    program += "print([name for name in sys.modules if name.startswith(('onboard.facts', 'cryptography'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_asking_for_words_imports_no_library_that_reaches_servers_or_aws() -> None:
    program = "import sys; from onboard.wizard import check_titles, step_words;"
    program += "print(check_titles.title_of('clock_in_sync').short, step_words.doing('install_agent'));"
    program += "print({'cryptography', 'paramiko', 'boto3', 'botocore'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Clock Installing the agent", "set()"]
