"""What is there is listed, and what is listed is there."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import onboard.facts.posix
from onboard.facts.base import Fact
from onboard.facts.catalog import FACTS
from onboard.resources import resource, text


def test_every_fact_of_this_room_is_listed() -> None:
    found = {path.stem for path in Path(onboard.facts.posix.__path__[0]).glob("*.py")} - {"__init__"}
    assert found == {fact.name for fact in FACTS}
    assert len(FACTS) == len(found)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact.name))
def test_a_fact_is_named_as_its_file_and_its_script(fact: Fact[Any]) -> None:
    assert import_module(f"onboard.facts.posix.{fact.name}").FACT is fact
    lines = text(f"scripts/posix/facts/{fact.name}.sh").splitlines()
    first = lines[1] if lines[0].startswith("#!") else lines[0]
    assert first == f"# fact: {fact.name}"


def test_every_script_belongs_to_a_fact() -> None:
    scripts = {entry.name for entry in resource("scripts/posix/facts").iterdir()}
    assert scripts == {f"{fact.name}.sh" for fact in FACTS}
