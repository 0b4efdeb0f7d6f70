"""Where the program keeps its files."""

import sys
from pathlib import Path

import pytest

from onboard.home import home
from onboard.model.errors import OnboardError


def test_onboard_home_moves_it_and_it_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "a" / "b"))
    assert home() == tmp_path / "a" / "b"
    assert home().stat().st_mode & 0o777 == 0o700


def test_without_it_the_operating_system_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONBOARD_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home().is_dir()


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(OnboardError, match="ONBOARD_HOME"):
        home()


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("needs Linux: elsewhere the system knows every user's folder")
    monkeypatch.chdir(tmp_path)
    for name in ("ONBOARD_HOME", "HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("nobody")))
    with pytest.raises(OnboardError, match="ONBOARD_HOME"):
        home()
    monkeypatch.setenv("ONBOARD_HOME", "~/here")
    with pytest.raises(OnboardError, match="ONBOARD_HOME"):
        home()
    assert list(tmp_path.iterdir()) == []
