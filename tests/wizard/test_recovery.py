"""A draft survives the window that edits it; recent profiles are remembered."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from onboard.home import home
from onboard.model.profile import Profile
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.wizard import recent, recovery
from onboard.wizard.view import View


def test_a_draft_of_a_window_that_was_killed_is_found() -> None:
    program = """
import os
from onboard.model.profile import Profile
from onboard.wizard import recovery
from onboard.wizard.view import View
recovery.keep(View(draft=Profile(name="half done")))
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    (left,) = recovery.left_behind()
    assert left.draft.name == "half done"
    recovery.forget(left.file)
    assert list(recovery.left_behind()) == []


def test_a_draft_of_a_window_that_lives_is_its_own() -> None:
    recovery.keep(View(draft=Profile(name="mine")))
    assert list(recovery.left_behind()) == []
    recovery.forget()
    assert not list((home() / recovery.FOLDER).glob("*.json"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"draft": 1, "saved": null, "path": null}'])
def test_a_damaged_draft_is_passed_over(content: str) -> None:
    folder = home() / recovery.FOLDER
    folder.mkdir(parents=True)
    (folder / "999999999.json").write_text(content)
    assert list(recovery.left_behind()) == []


def test_a_profile_that_is_only_opened_keeps_what_its_last_run_brought(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.touch()
    run = State(run="r1", command="apply", hosts={"a": HostState("a", ended=HostStatus.ONLINE)})
    recent.remember(View(path=path, states={"apply": run}))
    recent.remember(View(path=path))
    assert [one.online for one in recent.recents()] == [1]


def test_recent_profiles_are_listed_the_newest_first_while_their_files_are_there(tmp_path: Path) -> None:
    for name in ("one", "two", "one"):
        path = tmp_path / f"{name}.toml"
        path.touch()
        recent.remember(View(draft=Profile(name=name), path=path))
    assert [one.name for one in recent.recents()] == ["one", "two"]
    (tmp_path / "two.toml").unlink()
    assert [one.name for one in recent.recents()] == ["one"]
    (home() / recent.FILE).write_text(json.dumps([{"no": "recent"}]))
    assert recent.recents() == []


def test_practice_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.touch()
    recent.remember(View(path=path, practice=True))
    assert recent.recents() == []
    assert list(home().iterdir()) == []
