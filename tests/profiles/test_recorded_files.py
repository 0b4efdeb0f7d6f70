"""Profiles and saved plans that versions before this one wrote still mean what they meant."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from recordings.recorded import FOLDER, RECORDINGS, SAVED_PLANS, run_of, take

from onboard.engine.journal import Journal
from onboard.model.plan import plan_from_json
from onboard.model.profile import Profile
from onboard.profiles.file import load_unfinished, save
from onboard.profiles.plan_file import load as load_plan


@pytest.mark.parametrize("recording", RECORDINGS)
def test_a_profile_is_what_its_run_kept_of_it_and_saving_changes_nothing(recording: str, tmp_path: Path) -> None:
    take(recording, tmp_path)
    path = tmp_path / "profile.toml"
    shutil.copy(FOLDER / recording / "profile.toml", path)
    profile = load_unfinished(path)  # its key was not kept, which `load` would not let pass
    with closing(Journal(tmp_path)) as journal:
        assert profile == Profile.model_validate(json.loads(run_of(journal).profile))
    save(profile, path)
    assert path.read_bytes() == (FOLDER / recording / "profile.toml").read_bytes()


@pytest.mark.parametrize("recording", SAVED_PLANS)
def test_a_saved_plan_is_the_one_that_its_run_carried_out(recording: str, tmp_path: Path) -> None:
    take(recording, tmp_path)
    plan = load_plan(FOLDER / recording / "plan.json")
    with closing(Journal(tmp_path)) as journal:
        record = run_of(journal)
    assert plan == plan_from_json(json.loads(record.plan))
    assert plan.hosts
    assert {host.host for host in plan.hosts} <= {host["name"] for host in json.loads(record.profile)["hosts"]}
    assert not plan.exceeds(plan)


@pytest.mark.parametrize("recording", SAVED_PLANS)
def test_sentences_of_a_saved_plan_are_kept_as_they_stand(recording: str) -> None:
    """Versions before this one saved no templates."""
    plan = load_plan(FOLDER / recording / "plan.json")
    saved = json.loads((FOLDER / recording / "plan.json").read_text(encoding="utf-8"))
    changes = (*plan.aws, *(change for host in plan.hosts for change in host.changes))
    was = (*saved["aws"], *(change for host in saved["hosts"] for change in host["changes"]))
    assert [str(change.sentence) for change in changes] == [change["summary"] for change in was]
    assert [str(warning) for warning in plan.warning_texts] == saved["warnings"]
