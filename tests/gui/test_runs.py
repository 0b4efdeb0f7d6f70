"""Earlier runs: Finish shows the last one when its profile is opened, and any can be chosen from a list."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import scenes
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel
from session_feed import feed, tell, without_child

from onboard.gui.models.runs import end_words
from onboard.gui.runs_sheet import RunsSheet
from onboard.gui.session import Session
from onboard.gui.text import date_and_time, say
from onboard.gui.window import Window
from onboard.model import orders as to_engine
from onboard.model.event_json import event_from_json
from onboard.model.events import Event, HostFinished, KeptRun, Recorded, RunFailed, RunFinished, RunsListed
from onboard.model.profile import Profile
from onboard.model.status import HostStatus
from onboard.wizard.interrupted import interrupted
from onboard.wizard.stages import BY_NAME, Mark, blocked_by, standing

Orders = list[Mapping[str, Any]]
END = RunFinished(run="", hosts={})
NAME = scenes.profile().name
TIME = "2026-11-24T13:05:00.000+00:00"


@pytest.fixture
def session(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "home"))
    one = Session()
    yield one
    one.close()
    one.deleteLater()


@pytest.fixture
def orders(session: Session) -> Orders:
    return without_child(session)


def recorded(*told: Event, command: str = "apply") -> tuple[Event, ...]:
    """Events as the engine replays them: through their JSON."""
    wrapped = (Recorded(command=command, time=TIME, told=event) for event in told)
    read = [event_from_json(json.loads(json.dumps(event.to_json()))) for event in wrapped]
    return tuple(event for event in read if event is not None)


def kept(run: str = "r1", **more: object) -> KeptRun:
    values: dict[str, object] = {
        "run": run,
        "command": "apply",
        "profile": NAME,
        "path": "",
        "started": scenes.STARTED,
        "finished": "2026-11-24T13:08:11+00:00",
        "held": False,
        "hosts": {"online": 241, "blocked": 6, "failed": 1},
        "servers": 248,
        "proven": 241,
        "who": "ada",
        "arn": "arn:aws:iam::1:user/ada",
    }
    return KeptRun(**{**values, **more})  # type: ignore[arg-type]


def undone() -> tuple[Event, ...]:
    names = scenes.able()
    restored = [HostFinished(host=name, status=HostStatus.READY, reason="Restored") for name in names]
    told = (scenes.began("undo", names, "u1"), *restored)
    return recorded(*told, scenes.ended(told), command="undo")


def words(session: Session, stage: str) -> tuple[Mark, str]:
    found = standing(BY_NAME[stage], session.view)
    return found.mark, say(found.words)


def saved(session: Session, path: Path, profile: Profile | None = None) -> Path:
    session.editor.use(profile or scenes.profile(), None, None)
    session.editor.save(path)
    return path


def test_the_last_run_is_there_once_its_profile_is_opened(
    session: Session, orders: Orders, show: Callable[..., None], tmp_path: Path
) -> None:
    path = saved(session, tmp_path / "p.toml")
    window = Window(session)
    show(window, 1280, 800)
    assert window.files.open(path)
    asked = [order for order in orders if order["do"] in ("runs", "show_run")]
    assert [(order["do"], order["path"], order.get("run")) for order in asked] == [
        ("runs", str(path), None),
        ("show_run", str(path), ""),
    ]
    assert blocked_by(BY_NAME["finish"], session.view)
    feed(session, "runs", RunsListed(runs=(kept(path=str(path)),)), END)
    feed(session, "show_run", *recorded(*scenes.whole_apply()), END)
    tell(session)
    assert window.current.name == "account", "it is shown where one looks for it"
    state = session.view.state("apply")
    assert (state.finished, sum(host.is_proven for host in state.hosts.values())) == (True, 241)
    assert all(line.time is not None for line in session.view.log("apply").lines)
    mark, said = words(session, "finish")
    assert mark is Mark.ATTENTION
    assert said.endswith("241 of 248 servers came online")
    assert words(session, "install") == (Mark.ATTENTION, "1 server failed")
    window.visit("finish")
    assert window.current.name == "finish"
    window.close()


def test_a_run_that_was_undone_since_is_shown_as_undone(session: Session, orders: Orders) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    session.commands.show_run("r1")
    feed(session, "show_run", *recorded(*scenes.whole_apply()), *undone(), END)
    assert session.view.is_undone
    for stage in ("install", "finish"):
        mark, said = words(session, stage)
        assert mark is Mark.TODO
        assert said.endswith("was undone")
    assert not blocked_by(BY_NAME["finish"], session.view)


def test_finish_says_when_the_run_and_its_undo_began(
    session: Session, orders: Orders, show: Callable[..., None]
) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    session.commands.show_run("r1")
    feed(session, "show_run", *recorded(*scenes.whole_apply()), *undone(), END)
    window = Window(session)
    show(window, 1280, 800)
    window.visit("finish")
    texts = " ".join(label.text() for label in window.page.findChildren(QLabel))
    begun = date_and_time(scenes.STARTED)
    assert f"Started {begun}. Undo started {begun}." in texts
    window.close()


def test_a_run_that_was_broken_off_is_shown_and_offered(session: Session, orders: Orders) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    broken = kept(scenes.began("apply", ()).run, finished="", hosts={}, profile=scenes.profile().name)
    feed(session, "runs", RunsListed(runs=(broken,)), END)
    session.commands.show_run()
    feed(session, "show_run", *recorded(*scenes.apply_begins(), *scenes.apply_goes_on()), END)
    assert not session.view.state("apply").finished
    assert interrupted(session.view) == broken
    assert not blocked_by(BY_NAME["finish"], session.view)
    assert words(session, "finish")[0] is Mark.ATTENTION
    session.commands.resume(broken.run)
    assert (orders[-1]["do"], orders[-1]["resume"]) == ("apply", broken.run)
    assert not session.view.is_replayed
    assert interrupted(session.view) is None


def test_what_is_read_does_not_take_the_place_of_what_is_being_done(session: Session, orders: Orders) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    session.commands.show_run()
    session.commands.run(to_engine.Apply())
    feed(session, "apply", *scenes.apply_begins())
    feed(session, "show_run", *recorded(*scenes.whole_apply()), END)
    assert not session.view.is_replayed
    assert session.view.running == "apply"
    assert not session.view.state("apply").finished
    feed(session, "apply", END)


# The list


def opened_sheet(session: Session, *runs: KeptRun) -> RunsSheet:
    feed(session, "runs", RunsListed(runs=runs), END)
    return RunsSheet(None, session)


def cells(sheet: RunsSheet, row: int) -> list[str]:
    model = sheet.table.model()
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


def test_the_list_tells_each_run_and_which_can_be_shown(
    session: Session, orders: Orders, show: Callable[..., None], tmp_path: Path
) -> None:
    path, other = saved(session, tmp_path / "p.toml"), tmp_path / "other.toml"
    other.touch()
    sheet = opened_sheet(
        session,
        kept("r4", path=str(path)),
        kept("r3", path=str(path), command="check", hosts={"ready": 3, "blocked": 1}, proven=0),
        kept("r2", path=str(other), finished="", hosts={}, proven=38, servers=150, who=""),
        kept("r1", path=str(tmp_path / "gone.toml")),
        kept("u1", path=str(path), command="undo", undoes="r0", hosts={"ready": 2}),
    )
    show(sheet)
    assert cells(sheet, 0)[1:] == ["Install", NAME, "ada", "6 minutes", "241 online, 6 blocked, 1 failed"]
    assert cells(sheet, 1)[1:] == ["Checks", NAME, "ada", "6 minutes", "3 ready, 1 blocked"]
    assert cells(sheet, 2)[1:] == ["Install", NAME, "", "", "Interrupted: 38 of 150 online"]
    assert cells(sheet, 4)[-1] == "2 restored"
    able = []
    for run in ("r4", "r3", "r2", "r1", "u1"):
        assert sheet.table.select_key(run)
        able.append(sheet.primary.isEnabled())
    assert able == [True, False, True, False, True]
    sheet.table.select_key("r1")
    assert "onboard undo r1" in sheet.primary.toolTip()
    sheet.only_own.setChecked(True)
    assert sheet.table.model().rowCount() == 3


def test_servers_that_were_undone_since_are_counted() -> None:
    assert end_words(kept(hosts={"online": 5}, proven=2)) == "5 online, 3 undone since"


def test_a_report_of_any_run_can_be_saved(
    session: Session, orders: Orders, show: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sheet = opened_sheet(session, kept("r3", command="check"))
    show(sheet)
    monkeypatch.setattr("onboard.gui.runs_sheet.report_path", lambda _, run: tmp_path / f"{run}.csv")
    save = next(button for button in sheet.findChildren(QAbstractButton) if button.text() == "Save &report…")
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    assert (orders[-1]["do"], orders[-1]["run"], orders[-1]["format"]) == ("report", "r3", "csv")
    feed(session, "report", END)


def test_by_keys_alone_a_run_of_another_profile_is_shown_on_finish(
    session: Session, orders: Orders, show: Callable[..., None], tmp_path: Path
) -> None:
    other = saved(session, tmp_path / "other.toml")
    saved(session, tmp_path / "p.toml")
    window = Window(session)
    show(window, 1280, 800)
    listed = RunsListed(runs=(kept("r2", path=str(tmp_path / "p.toml")), kept("r1", path=str(other))))

    def choose() -> None:
        sheet = QApplication.activeModalWidget()
        assert isinstance(sheet, RunsSheet)
        feed(session, "runs", listed, END)
        tell(session)
        QTest.keyClick(sheet.table, Qt.Key.Key_Down)
        QTest.keyClick(sheet.table, Qt.Key.Key_Return)

    QTimer.singleShot(0, choose)
    QTest.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert session.view.path == other
    assert (orders[-1]["do"], orders[-1]["run"]) == ("show_run", "r1")
    feed(session, "runs", listed, END)
    feed(session, "show_run", *recorded(*scenes.whole_apply()), END)
    tell(session)
    assert window.current.name == "finish"
    window.close()


def test_a_run_that_cannot_be_read_says_why(
    session: Session,
    orders: Orders,
    show: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    until: Callable[..., None],
) -> None:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    window = Window(session)
    show(window, 1280, 800)
    told: list[str] = []
    monkeypatch.setattr(
        "onboard.gui.earlier_runs.show_error", lambda _, title, error: told.append(f"{title}: {error.what}")
    )
    window.runs.show(kept())
    feed(session, "show_run", RunFailed(kind="error", what="The journal contains no events of this run"), END)
    tell(session)
    until(lambda: told)
    assert told == ["The run cannot be shown: The journal contains no events of this run"]
    window.close()
