"""What the program says of itself."""

import json
import sys
from pathlib import Path

import pytest

from onboard import __version__, about, resources


def test_a_checkout_says_where_it_is_and_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "files"))
    this = about.about()
    assert (this.version, this.build, this.licences) == (__version__, "source", None)
    assert this.home == tmp_path / "files"
    assert (this.program / "onboard" / "about.py").is_file()
    assert set(this.to_json()) == {
        "version", "build", "built", "python", "system", "program", "home", "settings", "licences",
    }  # fmt: skip


def test_a_packaged_program_says_its_build_and_licences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "build.json").write_text(json.dumps({"build": "0123456789ab", "date": "2026-11-24"}))
    monkeypatch.setattr(about, "resource", lambda name: tmp_path / name)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "inside"), raising=False)
    this = about.about()
    assert (this.build, this.built) == ("0123456789ab", "2026-11-24")
    assert this.program == Path(sys.executable).parent
    assert this.licences == tmp_path / "inside" / "licences"


def test_a_checkout_has_no_build_stamp() -> None:
    assert not resources.resource("build.json").is_file()
