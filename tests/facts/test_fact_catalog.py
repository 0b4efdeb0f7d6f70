"""What is there is listed, and what is listed is there."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import onboard.facts.posix
from onboard.facts.base import Fact
from onboard.facts.catalog import FACTS, facts_of
from onboard.model.family import Family
from onboard.scripts.catalog import DIALECTS


def test_every_fact_of_this_room_is_listed() -> None:
    found = {path.stem for path in Path(onboard.facts.posix.__path__[0]).glob("*.py")} - {"__init__"}
    assert found == {fact.name for fact in FACTS}
    assert len(FACTS) == len(found)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact.name))
def test_a_fact_is_named_as_its_file_and_its_script(fact: Fact[Any]) -> None:
    assert import_module(f"onboard.facts.posix.{fact.name}").FACT is fact
    for family in fact.families:
        dialect = DIALECTS[family]
        assert dialect.title(dialect.file(f"facts/{fact.name}")) == f"fact: {fact.name}"


@pytest.mark.parametrize("family", DIALECTS)
def test_every_script_belongs_to_a_fact(family: Family) -> None:
    assert set(DIALECTS[family].names("facts")) == {f"facts/{fact.name}" for fact in facts_of(family)}
