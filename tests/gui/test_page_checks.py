"""The page Checks: the matrix streams in, is filtered, explained, repaired and checked again."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fleet
import pytest
from pictures_checks import show_finding
from PySide6.QtCore import QCoreApplication, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from session_feed import feed, tell, without_child

from onboard.gui.models.check_causes import ACTION, SERVERS
from onboard.gui.models.check_matrix import CHECKS, FIRST_CHECK, SERVER, SYSTEM, Group, short_system
from onboard.gui.pages.checks import ChecksPage
from onboard.gui.session import Session
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.verbatim import Verbatim
from onboard.gui.window import Window
from onboard.model import events
from onboard.model import orders as to_engine
from onboard.model.status import HostStatus

COUNT = 248
CLOCK = FIRST_CHECK + CHECKS.index("clock_in_sync")
Show = Callable[..., None]


@pytest.fixture
def orders(session: Session) -> list[Mapping[str, Any]]:
    return without_child(session)


@pytest.fixture
def page(session: Session, orders: object, show: Show) -> Iterator[ChecksPage]:
    """The page in a window, with a fleet that has not been checked yet."""
    session.editor.use(fleet.profile(COUNT), None, None)
    feed(session, "account", *fleet.account())
    window = Window(session)
    show(window, 1280, 800)
    window.visit("checks")
    page = window.page
    assert isinstance(page, ChecksPage)
    QAbstractItemModelTester(page.matrix, QAbstractItemModelTester.FailureReportingMode.Warning, page)
    QAbstractItemModelTester(page.causes, QAbstractItemModelTester.FailureReportingMode.Warning, page)
    yield page
    session.editor.use(session.view.draft, session.view.draft, None)  # nothing unsaved that closing would ask about


@pytest.fixture
def checked(page: ChecksPage) -> ChecksPage:
    page.primary()
    finish(page, *fleet.checked(COUNT))
    return page


def test_a_silent_aws_is_named_while_servers_are_asked(page: ChecksPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.gui.widgets.busy_indicator.NOTICED", 0.0)
    monkeypatch.setattr("onboard.gui.widgets.busy_indicator.LONG", 0.0)
    page.primary()
    feed(page.session, "check", events.Noted.of("Waiting for AWS: sts:GetCallerIdentity", waiting=True))
    tell(page.session)
    assert "Waiting for AWS: sts:GetCallerIdentity" in page.busy.text()


def finish(page: ChecksPage, *told: events.Event) -> None:
    """Feed the rest of a run, and let the page sort it."""
    feed(page.session, "check", *told)
    QCoreApplication.processEvents()


def rows(page: ChecksPage) -> list[str]:
    return [page.matrix.key(row) for row in range(page.matrix.rowCount())]


def mark(page: ChecksPage, server: str, column: int = SERVER) -> object:
    return page.matrix.data(page.matrix.index(page.matrix.row_of(server), column), CellRole.MARK)


def cause_row(page: ChecksPage, words: str) -> int:
    texts = [page.causes.index(row, 0).data() for row in range(page.causes.rowCount())]
    return next(row for row, text in enumerate(texts) if words in text)


def test_the_primary_button_runs_the_checks_until_they_ran(page: ChecksPage, orders: list[Mapping[str, Any]]) -> None:
    assert page.primary_label() == "&Run the checks"
    assert page.matrix.rowCount() == 0
    assert page.primary()
    assert [order["do"] for order in orders] == ["check"]
    assert page.primary_label() == ""
    finish(page, *fleet.checked(COUNT))
    assert page.primary_label() == ""
    assert not page.primary()
    assert page.session.view.running == ""


def test_servers_show_who_has_answered_while_they_are_asked_and_do_not_move(page: ChecksPage) -> None:
    page.primary()
    feed(page.session, "check", *fleet.asked(COUNT, 130))
    tell(page.session)
    listed = fleet.names(COUNT)
    assert rows(page) == listed
    assert mark(page, listed[0]) == Mark.HERE
    assert mark(page, listed[118]) == Mark.BAD
    assert mark(page, listed[200]) == Mark.WAITING
    assert page.matrix.progress == (130, COUNT)
    told = list(fleet.judged(COUNT))
    feed(page.session, "check", *told[:100])
    tell(page.session)
    assert rows(page) == listed
    assert mark(page, listed[21], CLOCK) == Mark.BAD
    finish(page, *told[100:])
    assert mark(page, rows(page)[0]) == Mark.BAD
    assert mark(page, rows(page)[-1]) == Mark.DONE
    assert sorted(rows(page)) == sorted(listed)


def test_what_streams_in_while_another_page_is_shown_is_there_on_coming_back(page: ChecksPage) -> None:
    window = page.window()
    assert isinstance(window, Window)
    page.primary()
    window.visit("servers")
    feed(page.session, "check", *fleet.asked(COUNT, 100))
    tell(page.session)
    window.visit("checks")
    assert page.matrix.rowCount() == COUNT
    assert page.matrix.progress == (100, COUNT)


def test_counts_filter_and_add_up(checked: ChecksPage) -> None:
    counts = checked.matrix.counts
    kinds = (Group.READY, Group.WARNED, Group.BLOCKED, Group.UNREACHABLE)
    assert sum(counts[kind] for kind in kinds) == counts[Group.ALL] == COUNT
    for kind in kinds:
        checked.chips.pick(kind)
        assert checked.matrix.rowCount() == counts[kind] > 0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("SRV-DB-07", 1), ("site=muc", COUNT // 2), ("7 minutes", 3), ("no such thing", 0)],
)
def test_the_filter_looks_into_names_tags_and_causes(checked: ChecksPage, text: str, wanted: int) -> None:
    checked.filter.setText(text)
    assert checked.matrix.rowCount() == wanted
    checked.filter.clear()
    assert checked.matrix.rowCount() == COUNT


def test_nothing_found_offers_all_servers_again(checked: ChecksPage) -> None:
    checked.filter.setText("no such thing")
    checked.chips.pick(Group.BLOCKED)
    checked.table.empty_action.emit()
    assert checked.matrix.rowCount() == COUNT


def test_causes_are_grouped_with_counts_and_filter(checked: ChecksPage) -> None:
    row = cause_row(checked, "Clock 7 minutes slow")
    assert row == 0  # most servers first
    assert checked.causes.index(row, SERVERS).data() == "3 servers"
    checked.cause_table.selectRow(row)
    assert checked.matrix.rowCount() == 3
    detail = checked.detail.detail
    assert detail is not None
    assert detail.title == "3 servers · Clock"
    assert "5 minutes" in detail.why
    assert detail.remedy == "Set the clock and keep it correct"
    assert detail.commands == fleet.CLOCK_COMMANDS
    assert checked.cancel()
    assert checked.matrix.rowCount() == COUNT
    assert not checked.cancel()


def test_a_cell_tells_the_evidence_verbatim(checked: ChecksPage) -> None:
    show_finding(checked, "srv-web-04", "clock_in_sync")
    detail = checked.detail.detail
    assert detail is not None
    assert detail.title == "srv-web-04 · Clock"
    assert detail.seen == "-423 s against the endpoints"
    assert detail.status == "Clock 7 minutes slow"
    checked.table.setCurrentIndex(checked.matrix.index(checked.matrix.row_of(fleet.LONG), SERVER))
    worst = checked.detail.detail
    assert worst is not None
    assert worst.title == f"{fleet.LONG} · Endpoints"
    assert worst.facts == (("TLS", "not known: not known: who issued the endpoints' certificates"),)


def test_a_server_that_was_not_reached_says_so_in_the_connection_column(checked: ChecksPage) -> None:
    lost = fleet.names(COUNT)[118]
    assert mark(checked, lost, FIRST_CHECK) == Mark.BAD
    assert mark(checked, lost, CLOCK) is None
    show_finding(checked, lost, "reachable")
    detail = checked.detail.detail
    assert detail is not None
    assert detail.seen == "10.20.1.4:22 timed out"


def test_a_fix_is_allowed_counts_at_once_and_can_be_forbidden_again(checked: ChecksPage) -> None:
    blocked = checked.matrix.counts[Group.BLOCKED]
    order = rows(checked)
    row = cause_row(checked, "root certificates")
    action = checked.causes.index(row, ACTION)
    assert action.data() == "Add the five roots"
    checked.cause_table.clicked.emit(QModelIndex(action))
    view = checked.session.view
    assert view.draft.run.fixes == ("install_roots",)
    assert checked.matrix.counts[Group.BLOCKED] == blocked - 1
    assert checked.causes.index(row, ACTION).data() == "Roots will be added"
    assert rows(checked) == order, "the check results stay, and the rows where they are"
    checked.cause_table.selectRow(row)
    detail = checked.detail.detail
    assert detail is not None
    assert detail.action == "Do not add the roo&ts"
    checked.detail.acted.emit()
    assert checked.session.view.draft.run.fixes == ()
    assert checked.matrix.counts[Group.BLOCKED] == blocked


def test_only_what_failed_is_checked_again_and_the_rest_stays(
    checked: ChecksPage, orders: list[Mapping[str, Any]]
) -> None:
    listed = fleet.names(COUNT)
    able = checked.matrix.counts[Group.READY] + checked.matrix.counts[Group.WARNED]
    checked.run_failed.click()
    asked = [host["name"] for host in orders[-1]["profile"]["hosts"]]
    assert len(asked) == COUNT - able
    assert mark(checked, listed[21]) == Mark.WAITING
    assert mark(checked, listed[0]) == Mark.DONE
    assert checked.matrix.progress == (0, len(asked))
    good = tuple(fleet.findings(0))
    told = [events.RunStarted(run="r2", command="check", profile="", hosts=tuple(asked), started="")]
    told += [events.HostFinished(host=name, status=HostStatus.READY, findings=good) for name in asked]
    finish(checked, *told, events.RunFinished(run="r2", hosts={"ready": len(asked)}))
    assert checked.matrix.counts[Group.READY] + checked.matrix.counts[Group.WARNED] == COUNT
    assert not checked.run_failed.isEnabled()
    assert checked.causes.rowCount() == 1  # what was warned of


def test_selection_stays_on_its_server_when_rows_are_sorted(checked: ChecksPage) -> None:
    show_finding(checked, "srv-web-04", "clock_in_sync")
    checked.table.sortByColumn(SERVER, Qt.SortOrder.DescendingOrder)
    assert checked.table.selected_keys() == ["srv-web-04"]
    assert rows(checked) == sorted(rows(checked), key=str.casefold, reverse=True)
    checked.filter.setText("srv-web")
    assert checked.table.selected_keys() == ["srv-web-04"]


def test_columns_that_most_servers_fail_come_first(checked: ChecksPage) -> None:
    header = checked.table.horizontalHeader()
    assert header.logicalIndex(FIRST_CHECK) == CLOCK
    assert header.logicalIndex(SERVER) == SERVER


def test_aws_that_could_not_be_asked_is_said_where_it_belongs(page: ChecksPage) -> None:
    page.primary()
    told = list(fleet.checked(COUNT))
    failure = events.RunFailed(kind="aws", what="AWS could not be asked", why="expired", remedy="Log in again")
    finish(page, *told[:-1], failure, told[-1])
    assert page.error.isVisible()
    assert "Log in again" in page.error.copied_text()
    page.session.commands.run(to_engine.Check())
    assert not page.error.isVisible()


def test_a_new_region_makes_the_results_worthless_and_says_so(checked: ChecksPage) -> None:
    checked.session.editor.put("region.name", "eu-west-1")
    tell(checked.session)
    assert checked.matrix.rowCount() == 0
    assert checked.primary_label() == "&Run the checks"


def test_findings_older_than_an_installation_or_an_undo_say_so(checked: ChecksPage) -> None:
    assert not checked.older.isVisible()
    after = ((to_engine.Apply(), "before the last installation"), (to_engine.Undo(run="r"), "before a run was undone"))
    for order, words in after:
        command = to_engine.name_of(order)
        checked.session.commands.run(order)
        begun = events.RunStarted(run=command, command=command, profile="", hosts=("a",), started="now")
        ended = events.HostFinished(host="a", status=HostStatus.READY)
        feed(checked.session, command, begun, ended, events.RunFinished(run=command, hosts={}))
        tell(checked.session)
        assert checked.older.isVisible()
        assert words in checked.older.accessibleName()
        assert checked.table.isVisible(), "they can still be read"
    checked.run_all.click()
    assert not checked.older.isVisible()
    finish(checked, *fleet.checked(COUNT))
    assert not checked.older.isVisible()


def test_stopping_asks_the_engine_to(page: ChecksPage, orders: list[Mapping[str, Any]]) -> None:
    page.primary()
    assert page.cancel()
    assert orders[-1]["do"] == "stop"


def test_rows_are_copied_as_text_with_words(checked: ChecksPage) -> None:
    show_finding(checked, "srv-web-04", "clock_in_sync")
    checked.table.setFocus()
    QTest.keyClick(checked.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("srv-web-04\tRed Hat Enterprise Linux 8.9 (Ootpa)\tfailed\t")


def first_line(box: Verbatim) -> float:
    """The width of its first line. Qt's layout of it goes with its text: no wrapper of it may stay behind."""
    return box.document().firstBlock().layout().lineAt(0).width()


def test_what_is_to_be_typed_stands_within_its_box_beside_a_scroll_bar(checked: ChecksPage) -> None:
    for height in range(560, 900, 20):
        checked.window().resize(1280, height)
        checked.cause_table.clearSelection()
        checked.cause_table.selectRow(2)
        QTest.qWait(20)
        for box in checked.detail.findChildren(Verbatim):
            assert first_line(box) == box.viewport().width(), f"{box.accessibleName()} at {height}"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Red Hat Enterprise Linux 8.9 (Ootpa)", "RHEL 8.9"),
        ("Debian GNU/Linux 12 (bookworm)", "Debian 12"),
        ("SUSE Linux Enterprise Server 15 SP5", "SLES 15 SP5"),
        ("Ubuntu 22.04.4 LTS", "Ubuntu 22.04.4 LTS"),
        ("", ""),
    ],
)
def test_a_system_is_named_so_that_its_version_is_in_sight(name: str, short: str) -> None:
    assert short_system(name) == short


def test_the_whole_name_of_a_system_stands_in_the_tool_tip(checked: ChecksPage) -> None:
    index = checked.matrix.index(checked.matrix.row_of("srv-web-04"), SYSTEM)
    assert index.data(Qt.ItemDataRole.DisplayRole) == "RHEL 8.9"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "Red Hat Enterprise Linux 8.9 (Ootpa)"


def test_the_command_line_does_the_same(page: ChecksPage, tmp_path: Path) -> None:
    assert page.command_line() == ""
    path = tmp_path / "my servers.toml"
    page.session.editor.save(path)
    assert page.command_line() == f"onboard check --profile '{path}'"
