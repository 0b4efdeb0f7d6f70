"""Where the program keeps its files."""

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
