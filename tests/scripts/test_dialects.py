"""What every dialect must do, and what sh makes of it."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.scripts.catalog import DIALECTS
from onboard.scripts.dialect import Dialect, answers
from onboard.scripts.posix import POSIX

NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
VALUES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"))
dialects = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: str(dialect.folder))


@dialects
@given(variables=st.dictionaries(NAMES, VALUES, max_size=4))
def test_variables_of_a_composed_script_are_read_back(dialect: Dialect, variables: dict[str, str]) -> None:
    script = dialect.compose("region_latency", variables)
    assert dialect.title(script) == "region_latency"
    assert dialect.variables(script) == variables


@dialects
def test_a_script_without_a_title_has_none(dialect: Dialect) -> None:
    assert [dialect.title(text) for text in ("", "\n", "echo # no title\n", "#title\n")] == ["", "", "", ""]


@dialects
def test_scripts_of_a_folder_are_its_files(dialect: Dialect) -> None:
    names = dialect.names("facts")
    assert "facts/registration" in names
    assert all(dialect.file(name).strip() for name in names)
    assert dialect.names("nowhere") == ()


@given(value=VALUES)
def test_a_shell_sees_the_value_that_was_assigned(value: str) -> None:
    script = f"{POSIX.assign('given', value)}\nprintf '%s.' \"$given\""
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == f"{value}."


def test_programs_see_what_is_exported_only() -> None:
    script = "\n".join([POSIX.assign("ONE", "it's", exported=True), POSIX.assign("TWO", "2"), "env"])
    seen = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env={}, check=True).stdout
    assert "ONE=it's\n" in seen
    assert "TWO=" not in seen


def test_a_script_that_is_kept_arrives_as_it_is(tmp_path: object) -> None:
    odd = "echo \"$HOME\" `id` '\\n'\n# EOF\n"
    script = f'folder={tmp_path}\n{POSIX.keep("odd", odd, "f00")}\ncat "$folder/odd.sh"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == odd


def test_answers_are_told_from_noise() -> None:
    said = "Welcome\nchanged=yes\nundo.old=a=b\n key=no\nKey=no\na.b.c=no\nempty=\nlast=1"
    assert answers(said) == {"changed": "yes", "undo.old": "a=b", "empty": "", "last": "1"}
