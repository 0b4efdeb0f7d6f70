"""The page Start: what it offers, and what a crash left."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from parts import part
from session_feed import feed, tell, without_child

from onboard.gui.pages.start import StartPage
from onboard.gui.session import Session
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.home import JOURNAL, home
from onboard.model.events import KeptRun, RunsListed
from onboard.wizard.recent import FILE, Recent


def kept(path: Path, **more: object) -> KeptRun:
    values: dict[str, object] = {
        "run": "r1",
        "command": "apply",
        "profile": "Frankfurt",
        "path": str(path),
        "started": "2026-11-24T05:00:00+00:00",
        "finished": "",
        "held": False,
        "hosts": {},
        "servers": 242,
        "proven": 118,
    }
    return KeptRun(**{**values, **more})  # type: ignore[arg-type]


def test_runs_are_asked_for_once_there_is_a_journal(session: Session) -> None:
    orders = without_child(session)
    page = StartPage(session)
    page.enter()
    assert orders == []
    (home() / JOURNAL).touch()
    page.enter()
    assert [order["do"] for order in orders] == ["runs"]
    page.deleteLater()


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, True),
        ({"held": True}, False),
        ({"finished": "2026-11-24T06:00:00+00:00", "hosts": {"online": 242}}, False),
        ({"finished": "2026-11-24T06:00:00+00:00", "hosts": {"online": 2, "skipped": 240}}, True),
        ({"command": "check"}, False),
    ],
)
def test_an_interrupted_run_is_shown(session: Session, tmp_path: Path, more: dict[str, object], shown: bool) -> None:
    without_child(session)
    page = StartPage(session)
    session.commands.states_changed.connect(page.states_changed)
    path = tmp_path / "p.toml"
    path.touch()
    feed(session, "runs", RunsListed(runs=(kept(path, **more),)))
    tell(session)
    assert part(page, "interrupted", Banner).isHidden() is not shown
    if shown:
        assert "118 of 242" in part(page, "interrupted", Banner).accessibleName()
    page.deleteLater()


def test_a_run_whose_profile_is_gone_is_not_shown(session: Session, tmp_path: Path) -> None:
    without_child(session)
    page = StartPage(session)
    session.commands.states_changed.connect(page.states_changed)
    feed(session, "runs", RunsListed(runs=(kept(tmp_path / "gone.toml"),)))
    tell(session)
    assert part(page, "interrupted", Banner).isHidden()
    page.deleteLater()


def test_practice_that_does_not_start_says_why_and_is_offered_again(
    session: Session, show: Callable[..., None]
) -> None:
    page = StartPage(session)
    show(page, 1000, 700)
    session.practice.started.emit()
    assert not part(page, "try", Button).isVisible()
    assert part(page, "busy", BusyIndicator).is_busy
    session.practice.failed.emit(
        "Practice did not start", "onboard: Practice needs libraries that are not installed\nmoto is missing"
    )
    assert part(page, "failure", ErrorPanel).copied_text().splitlines()[1:] == [
        "Practice needs libraries that are not installed",
        "moto is missing",
    ]
    assert part(page, "try", Button).isVisible()
    assert not part(page, "busy", BusyIndicator).is_busy


def test_columns_are_named_once_a_profile_is_listed(session: Session, tmp_path: Path) -> None:
    page = StartPage(session)
    page.enter()
    assert part(page, "recents", DataTable).horizontalHeader().isHidden()
    path = tmp_path / "p.toml"
    path.touch()
    listed = [asdict(Recent(str(path), "Lab", 3, "", "2026-11-24T05:00:00+00:00"))]
    (home() / FILE).write_text(json.dumps(listed), encoding="utf-8")
    page.enter()
    assert not part(page, "recents", DataTable).horizontalHeader().isHidden()
    page.deleteLater()
