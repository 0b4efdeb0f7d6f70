"""The Region page, fed with events, and once with a real measurement in Practice."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import region_scenes as scenes
from parts import part
from PySide6.QtCore import QModelIndex, QSettings, Qt, QTimer
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from session_feed import feed, tell, without_child

from onboard.gui.models.regions import ORIGINS, Column, RegionsModel, tip
from onboard.gui.pages.region import RegionPage
from onboard.gui.regions import words
from onboard.gui.regions.server_choice import MOST, ServerChoice
from onboard.gui.session import Session
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.label import Label
from onboard.gui.window import Window
from onboard.model import events
from onboard.model import orders as to_engine
from onboard.model.events import THIS_COMPUTER
from onboard.model.latency import Latency
from onboard.model.profile import Credential, CredentialKind, Host, Profile
from onboard.model.status import HostStatus
from onboard.wizard.regions import Nearness

HERE = scenes.distances()
SERVER = {region: scenes.latency((one.median_ms or 0) + 0.6) for region, one in HERE.items()}
HOSTS = tuple(Host(name=f"srv-db-{number:02d}", tags={"site": "fra"}) for number in range(1, 4))
LOG_IN = {"default": Credential(kind=CredentialKind.SSH_AGENT, username="ops")}
Show = Callable[..., None]
Orders = list[Mapping[str, Any]]


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path) -> None:
    QSettings.setPath(QSettings.defaultFormat(), QSettings.Scope.UserScope, str(tmp_path))


@pytest.fixture
def orders(session: Session) -> Orders:
    return without_child(session)


@pytest.fixture
def window(session: Session, orders: Orders, show: Show) -> Iterator[Window]:
    made = Window(session)
    session.editor.use(Profile(hosts=HOSTS, credentials=LOG_IN), None, None)
    show(made, 1280, 800)
    made.visit("region")
    yield made
    part(made, "autosave", QTimer).stop()
    session.editor.use(Profile(), None, None)  # nothing is left to be saved
    part(made, "autosave", QTimer).stop()


@pytest.fixture
def page(window: Window) -> RegionPage:
    found = window.page
    assert isinstance(found, RegionPage)
    return found


def fed(page: RegionPage, *told: events.Event) -> None:
    feed(page.session, "regions", *told)
    tell(page.session)


def texts(page: RegionPage, column: int, rows: int = 5) -> list[str]:
    model = model_of(page)
    return [str(model.index(row, column).data()) for row in range(min(rows, model.rowCount()))]


def said(label: Label) -> str:
    return label.text().replace("\N{NO-BREAK SPACE}", " ")


def model_of(page: RegionPage) -> RegionsModel:
    model = page.table.model()
    assert isinstance(model, RegionsModel)
    return model


def selected(page: RegionPage) -> str:
    """The Region whose row is selected, if the table has the keyboard focus."""
    index = page.table.currentIndex()
    return str(index.data(CellRole.KEY)) if page.table.selectionModel().isSelected(index) else ""


def choose(page: RegionPage, region: str) -> None:
    page.session.editor.put("region.name", region)


def test_before_anything_is_measured_it_says_what_to_do(window: Window, page: RegionPage, orders: Orders) -> None:
    assert model_of(page).rowCount() == 34
    assert texts(page, Column.NAME, 2) == ["Cape Town", "Hong Kong"]
    assert {spot.nearness for spot in page.map.spots} == {Nearness.UNKNOWN}
    assert selected(page) == ""
    assert part(window, "footer", Footer).primary.text() == "&Measure"
    assert not page.card.measure_button.isVisible()  # never twice
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    assert orders[-1]["do"] == "regions"
    assert orders[-1]["servers"] == []


def test_by_keyboard_from_measuring_to_the_next_page(window: Window, page: RegionPage) -> None:
    QTest.keyClick(window.page.table, Qt.Key.Key_Return)  # Measure
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    assert selected(page) == "eu-central-1"
    assert part(window, "footer", Footer).primary.text() == "&Use Frankfurt"
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    assert page.session.view.draft.region.name == "eu-central-1"
    assert part(window, "footer", Footer).primary.text() == "&Next: Role"
    measured = page.session.view.draft.region.measured
    assert measured is not None
    assert measured.recommended == "eu-central-1"
    assert len(measured.medians) == 34
    assert part(window, "footer", Footer).message().startswith(("Measured", "Account"))


def test_rows_keep_their_places_while_it_is_measured(page: RegionPage) -> None:
    page.card.measure.emit()
    page.table.select_key("eu-west-1")
    before = texts(page, Column.ID, 34)
    fed(page, *scenes.began(), scenes.sampled(HERE, 3))
    assert texts(page, Column.ID, 34) == before
    assert all(texts(page, Column.MEDIAN, 34))
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    assert texts(page, Column.ID, 34) != before
    assert texts(page, Column.ID, 3) == ["eu-central-1", "eu-central-2", "eu-west-3"]
    assert selected(page) == "eu-west-1"
    assert page.map.selected == "eu-west-1"


def test_the_selection_is_one_on_map_and_table(page: RegionPage) -> None:
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    place = page.map.point(next(spot for spot in page.map.spots if spot.key == "us-west-2")).toPoint()
    QTest.mouseClick(page.map, Qt.MouseButton.LeftButton, pos=place)
    assert selected(page) == "us-west-2"
    QTest.keyClick(page.table, Qt.Key.Key_Up)
    assert page.map.selected == selected(page) != "us-west-2"
    page.map.setFocus()
    QTest.keyClick(page.map, Qt.Key.Key_Home)
    assert selected(page) == "eu-central-1"
    QTest.keyClick(page.map, Qt.Key.Key_Return)
    assert page.session.view.draft.region.name == "eu-central-1"


def test_a_region_is_chosen_by_hand_and_a_far_one_warned_of(window: Window, page: RegionPage) -> None:
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    choose(page, "eu-central-1")
    page.table.select_key("af-south-1")
    assert page.card.use_button.isVisible()
    page.card.use_button.click()
    view = page.session.view
    assert view.draft.region.name == "af-south-1"
    assert view.state("regions").ranking is not None  # what was measured is not forgotten
    assert not page.card.use_button.isVisible()
    text = said(part(page, "warning", Label))
    assert "Cape Town is in use: each connection takes 131 ms longer than to Frankfurt" in text
    assert "Cape Town is not enabled in this account" in text
    assert texts(page, Column.USE, 34).count("in use, not enabled") == 1
    assert next(spot for spot in page.map.spots if spot.chosen).key == "af-south-1"


def test_a_near_region_chosen_by_hand_is_not_warned_of(page: RegionPage) -> None:
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    choose(page, "eu-west-3")
    assert said(part(page, "warning", Label)) == ""


def test_a_tie_is_called_one(page: RegionPage) -> None:
    tie = {**HERE, "eu-west-3": scenes.latency((HERE["eu-central-1"].median_ms or 0) + 0.1)}
    fed(page, *scenes.measured({THIS_COMPUTER: tie}))
    assert texts(page, Column.REMARK, 3) == ["nearest", "tie", ""]
    assert "A tie with Paris" in said(part(page, "reasons", Label))
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    assert "so this is not a tie" in said(part(page, "reasons", Label))
    assert "34 Regions, 12 samples each, none lost." in said(part(page, "reasons", Label))


def test_nearer_ones_that_are_closed_or_lossy_are_named(page: RegionPage) -> None:
    near = {**HERE, "eu-central-2": scenes.latency(2.0), "eu-west-2": scenes.latency(1.0, 6, 6)}
    fed(page, *scenes.measured({THIS_COMPUTER: near}))
    text = said(part(page, "reasons", Label))
    assert "Zurich is nearer (2.0 ms), but not enabled in this account." in text
    assert "London would be nearer (1.0 ms), but 6 of 12 connections were lost." in text
    assert "6 lost" in text
    assert model_of(page).row("eu-west-2").lossy  # type: ignore[union-attr]
    assert texts(page, Column.SAMPLES, 34).count("6 of 12") == 1


def test_the_servers_figures_decide_and_it_says_why(page: RegionPage) -> None:
    servers = {"srv-db-01": {**SERVER, "eu-central-1": scenes.latency(60)}}
    fed(page, *scenes.measured({THIS_COMPUTER: HERE, **servers}))
    assert part(page, "place", Label).text() == "Paris"
    assert "From here, Frankfurt is nearest (4.0 ms). The servers' figures decide" in said(part(page, "reasons", Label))
    assert said(part(page, "medians", Label)) == "10.7 ms from here, 11.3 ms from srv-db-01"
    shown = [column for column in ORIGINS if not page.table.isColumnHidden(column)]
    assert [model_of(page).headerData(column, Qt.Orientation.Horizontal, 0) for column in shown] == [
        "from this computer"
    ]
    assert model_of(page).headerData(Column.MEDIAN, Qt.Orientation.Horizontal, 0) == "ms from srv-db-01"
    many = {f"srv-db-0{number}": SERVER for number in (1, 2, 3)}
    fed(page, *scenes.measured({THIS_COMPUTER: HERE, **many}))
    assert len([column for column in ORIGINS if not page.table.isColumnHidden(column)]) == 4
    assert said(part(page, "medians", Label)) == "4.0 ms from here, 4.6 to 4.6 ms from 3 servers"


def test_a_server_that_did_not_measure_says_why(page: RegionPage) -> None:
    failed = events.HostFinished(
        host="srv-db-02", status=HostStatus.UNTRUSTED, reason="Its key is not approved", remedy="Approve it."
    )
    fed(page, *scenes.measured({THIS_COMPUTER: HERE, "srv-db-01": SERVER}, more=(failed,)))
    assert part(page, "trouble", Banner).isVisible()
    assert "1 server did not measure" in part(page, "trouble", Banner).accessibleName()
    assert "srv-db-02: Its key is not approved. Approve it." in part(page, "trouble", Banner).accessibleName()


def test_offline_it_says_so_and_a_region_can_still_be_chosen(window: Window, page: RegionPage) -> None:
    fed(page, *scenes.unreachable())
    assert part(page, "error", ErrorPanel).isVisible()
    assert "No Region could be reached" in part(page, "error", ErrorPanel).copied_text()
    assert "HTTPS_PROXY" in part(page, "error", ErrorPanel).copied_text()
    assert set(texts(page, Column.REMARK, 34)) == {"no answer"}
    assert {spot.nearness for spot in page.map.spots} == {Nearness.SILENT}
    assert part(page, "place", Label).text() == "No Region answered"
    assert part(window, "footer", Footer).primary.text() == "&Measure"
    page.table.select_key("eu-west-1")
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    assert page.session.view.draft.region.name == "eu-west-1"
    assert page.session.view.draft.region.measured is None


def test_measuring_can_be_cancelled(page: RegionPage, orders: Orders) -> None:
    assert not page.cancel()
    page.card.measure.emit()
    assert not page.card.measure_button.isVisible()
    assert page.card.busy.is_busy
    fed(page, *scenes.began(("srv-db-01",)), scenes.sampled(HERE, 9))
    assert page.card.busy.progress == (9, 22)
    QTest.keyClick(page.table, Qt.Key.Key_Escape)
    assert orders[-1] == {"do": "stop_now", "id": orders[0]["id"]}
    fed(page, events.RunFinished(run="r1", hosts={}))
    assert not page.card.busy.is_busy
    assert not any(texts(page, Column.MEDIAN, 34))  # half a measurement says nothing


def test_a_new_measurement_is_kept_where_a_region_is_chosen(page: RegionPage) -> None:
    choose(page, "eu-west-1")
    assert page.session.view.draft.region.measured is None
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    measured = page.session.view.draft.region.measured
    assert measured is not None
    assert measured.date == scenes.MEASURED
    assert page.session.view.draft.region.name == "eu-west-1"


def test_evidence_makes_no_result_stale_and_another_region_does(page: RegionPage) -> None:
    choose(page, "eu-west-1")
    checked = events.HostFinished(host="srv-db-01", status=HostStatus.READY)
    feed(page.session, "check", checked)
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    assert page.session.view.draft.region.measured is not None
    assert page.session.view.state("check").hosts
    choose(page, "eu-central-1")
    assert not page.session.view.state("check").hosts
    assert page.session.view.state("regions").regions


def test_a_reopened_profile_shows_what_was_kept(page: RegionPage) -> None:
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    page.table.select_key("eu-central-1")
    page.card.use.emit()
    kept = page.session.view.draft
    page.session.editor.use(kept, kept, None)
    assert not page.session.view.state("regions").regions
    assert texts(page, Column.ID, 2) == ["eu-central-1", "eu-central-2"]
    assert texts(page, Column.MEDIAN, 1) == ["4.0"]
    assert said(part(page, "medians", Label)) == "4.0 ms from here"
    assert texts(page, Column.REMARK, 1) == ["nearest"]


def test_of_a_proxy_and_of_practice_it_is_told(page: RegionPage, monkeypatch: pytest.MonkeyPatch) -> None:
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}, via="proxy 10.0.0.1:3128 (squid)", closed=None))
    assert "Measured through: proxy 10.0.0.1:3128 (squid)." in said(part(page, "reasons", Label))
    assert "Onboard does not know which Regions are enabled in this account." in said(part(page, "reasons", Label))
    monkeypatch.setattr(type(page.session.practice.child), "is_up", True)
    assert "simulated" in words.reasons(page.session.view)


def test_servers_are_ticked_to_measure(page: RegionPage, orders: Orders, until: Callable[..., None]) -> None:
    page.card.servers_button.click()
    sheet = page.findChild(ServerChoice)
    assert sheet is not None
    assert sheet.chosen == ("srv-db-01",)  # one of each kind
    until(sheet.isActiveWindow)
    sheet.table.selectRow(1)
    QTest.keyClick(sheet.table, Qt.Key.Key_Space)
    assert sheet.primary.text() == "&Measure from 2 servers"
    sheet.accept()
    assert orders[-1]["servers"] == ["srv-db-01", "srv-db-02"]
    fed(page, *scenes.measured({THIS_COMPUTER: HERE, "srv-db-02": SERVER}))
    page.card.measure_button.click()
    assert orders[-1]["servers"] == ["srv-db-02"]  # again from where it was measured


def test_only_so_many_servers_measure(qapp: object) -> None:
    hosts = [Host(name=f"web-{number}") for number in range(MOST + 2)]
    sheet = ServerChoice(None, hosts, [])
    assert not sheet.primary.isEnabled()
    for host in hosts[:MOST]:
        sheet.model.turn(host.name)
    assert sheet.primary.isEnabled()
    sheet.model.turn(hosts[-1].name)
    assert not sheet.primary.isEnabled()
    sheet.reject()


def test_every_control_has_a_name_and_a_letter(page: RegionPage) -> None:
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    for button in (page.card.measure_button, page.card.use_button, page.card.servers_button):
        assert "&" in button.text()
    for widget in (page.map, page.table, page.card):
        assert widget.accessibleName()


# The model


def test_the_model_is_one_that_qt_accepts(session: Session, orders: Orders) -> None:
    model = RegionsModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(session.view)
    session.commands.run(to_engine.Regions())
    for told in (scenes.sampled(HERE, 1), scenes.sampled(HERE, 2), *scenes.measured({THIS_COMPUTER: HERE})):
        session.commands.take("regions", [told])
        model.show(session.view)
    assert model.rowCount() == 34
    assert model.rowCount(model.index(0, 0)) == 0
    tester.deleteLater()


def test_only_rows_that_changed_are_told(session: Session, orders: Orders) -> None:
    model = RegionsModel()
    model.show(session.view)
    session.commands.run(to_engine.Regions())
    session.commands.take("regions", [scenes.sampled(HERE, 1)])
    model.show(session.view)
    told = QSignalSpy(model.dataChanged)
    model.show(session.view)
    assert told.count() == 0
    medians = {region: one.median_ms or 0.0 for region, one in HERE.items()}
    row = next(number for number, one in enumerate(model.rows) if one.region == "eu-west-1")
    changed = events.RegionsSampled(origin=THIS_COMPUTER, done=2, total=11, medians={**medians, "eu-west-1": 1.0})
    session.commands.take("regions", [changed])
    model.show(session.view)
    first: QModelIndex = told.at(0)[0]
    last: QModelIndex = told.at(0)[1]
    assert (first.row(), last.row()) == (row, row)


def test_bars_whiskers_and_tool_tips_have_the_figures(session: Session, orders: Orders) -> None:
    model = RegionsModel()
    found = {**HERE, "eu-west-2": Latency(7.0, 2.0, 6.5, 8.0, 11, 1), "ap-east-1": Latency(lost=11, error="refused")}
    session.commands.take("regions", scenes.measured({THIS_COMPUTER: found}))
    model.show(session.view)
    row = next(number for number, one in enumerate(model.rows) if one.region == "eu-west-2")
    bar = model.index(row, Column.BAR)
    assert bar.data(CellRole.LATENCY) == (7.0, 6.5, 8.0)
    assert bar.data() == "6.5 to 8.0"
    assert bar.data(CellRole.TONE) == "ok"
    assert model.longest() == 50
    assert tip(model.rows[row]).splitlines()[-3:] == [
        "7.0 ms; the median lies between 6.5 and 8.0 ms with 95 % confidence",
        "11 samples, 1 lost",
        "Enabled in this account",
    ]
    silent = model.row("ap-east-1")
    assert silent is not None
    assert "refused" in tip(silent)
    assert silent.nearness is Nearness.SILENT


def test_a_region_that_is_on_no_map_is_in_the_table(page: RegionPage) -> None:
    fed(page, *scenes.measured({THIS_COMPUTER: HERE}))
    state = page.session.view.state("regions")
    assert state.ranking is not None
    new = events.Region(
        region="eu-moon-1",
        long_name="Europe (Moon)",
        origin=THIS_COMPUTER,
        median_ms=1.0,
        spread_ms=0.1,
        low_ms=0.9,
        high_ms=1.1,
        samples=10,
        lost=0,
    )
    ranked = events.RegionsRanked(
        origin=THIS_COMPUTER,
        via="direct",
        measured=scenes.MEASURED,
        order=("eu-moon-1", *state.ranking.order),
        recommended="eu-central-1",
        ties=(),
        why=(),
    )
    fed(page, new, ranked)
    assert texts(page, Column.NAME, 1) == ["Europe (Moon)"]
    assert len(page.map.spots) == 34


# All of it


def test_practice_is_measured_through_the_child(session: Session, show: Show, until: Callable[..., None]) -> None:
    failed: list[str] = []
    up: list[bool] = []
    session.practice.failed.connect(lambda *said: failed.append(" ".join(said)))
    session.practice.ready.connect(lambda: up.append(True))
    session.practice.start(2)
    until(lambda: up or failed, 60)
    assert not failed, failed
    window = Window(session)
    show(window, 1280, 800)
    server = session.view.draft.hosts[0].name
    session.commands.run(to_engine.Trust())
    until(lambda: not session.view.running, 40)
    keys = {name: host.keys[0].fingerprint for name, host in session.view.state("trust").hosts.items()}
    session.commands.run(to_engine.Trust(approve=keys))
    until(lambda: not session.view.running, 40)
    window.visit("region")
    page = window.page
    assert isinstance(page, RegionPage)
    session.editor.put("region.name", "")
    page.table.clearSelection()
    assert part(window, "footer", Footer).primary.text() == "&Measure"
    QTest.keyClick(page.table, Qt.Key.Key_Return)  # Measure
    until(lambda: session.view.state("regions").finished, 40)
    tell(session)
    assert part(page, "place", Label).text() == "Frankfurt"
    assert "simulated" in said(part(page, "reasons", Label))
    page.measure_from((server,))
    until(lambda: session.view.state("regions").finished, 40)
    tell(session)
    assert session.view.state("regions").ranking.origin == server  # type: ignore[union-attr]
    assert server in said(part(page, "medians", Label))
    QTest.keyClick(page.table, Qt.Key.Key_Return)  # Use
    assert session.view.draft.region.name == selected(page)
    assert session.view.draft.region.measured is not None
    part(window, "autosave", QTimer).stop()
