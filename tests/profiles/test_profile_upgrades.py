"""Files of every schema there was are read as they were meant."""

import json
from pathlib import Path

import pytest

from onboard.model.errors import ProfileError
from onboard.model.profile import SCHEMA_VERSION, Profile
from onboard.profiles import upgrades
from onboard.profiles.file import load

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_golden_file_of_each_schema_reads_as_today(version: int) -> None:
    profile = load(GOLDEN / f"schema-{version}.toml")
    assert profile == Profile.model_validate(json.loads((GOLDEN / f"schema-{version}.json").read_text()))


def test_an_upgrade_leads_from_every_schema_to_the_next() -> None:
    assert sorted(upgrades.UPGRADES) == list(range(1, SCHEMA_VERSION))


def test_upgrades_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrades, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(
        upgrades,
        "UPGRADES",
        {1: lambda data: data | {"trail": ["1"]}, 2: lambda data: data | {"trail": [*data["trail"], "2"]}},
    )
    assert upgrades.upgraded({"name": "x"}) == {"name": "x", "schema": 3, "trail": ["1", "2"]}
    assert upgrades.upgraded({"schema": 3}) == {"schema": 3}


def test_newer_schema_is_refused_saying_who_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(f'schema = {SCHEMA_VERSION + 1}\nkey_of_the_future = "x"\n')
    with pytest.raises(ProfileError) as refused:
        load(path)
    (problem,) = refused.value.problems
    assert problem.key == "schema"
    assert f"it is {SCHEMA_VERSION + 1}, written by a newer version" in problem.problem


@pytest.mark.parametrize("schema", ['"1"', "0", "-1", "1.0", "true", "[]"])
def test_what_is_no_schema_is_refused(schema: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(f"schema = {schema}\n")
    with pytest.raises(ProfileError) as refused:
        load(path)
    assert [problem.key for problem in refused.value.problems] == ["schema"]
