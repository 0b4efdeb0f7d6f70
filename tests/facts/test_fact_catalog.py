"""What is there is listed, and what is listed is there."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import onboard.facts
from onboard.facts.base import Fact
from onboard.facts.catalog import FACTS, facts_of
from onboard.model.family import Family
from onboard.scripts.catalog import DIALECTS

FILES = sorted(path for path in Path(onboard.facts.__path__[0]).glob("*/*.py") if path.stem != "__init__")


def test_every_fact_of_this_room_is_listed() -> None:
    found = [import_module(f"onboard.facts.{path.parent.name}.{path.stem}").FACT for path in FILES]
    assert len(found) == len(FACTS)
    assert all(any(fact is listed for listed in FACTS) for fact in found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_a_fact_is_named_as_its_file_and_its_script(path: Path) -> None:
    fact: Fact[Any] = import_module(f"onboard.facts.{path.parent.name}.{path.stem}").FACT
    assert fact.name == path.stem
    for family in fact.families:
        dialect = DIALECTS[family]
        assert dialect.title(dialect.file(f"facts/{fact.name}")) == f"fact: {fact.name}"


@pytest.mark.parametrize("family", DIALECTS)
def test_every_script_belongs_to_a_fact(family: Family) -> None:
    assert set(DIALECTS[family].names("facts")) == {f"facts/{fact.name}" for fact in facts_of(family)}
