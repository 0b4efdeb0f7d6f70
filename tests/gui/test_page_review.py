"""The page Review: the plan is made, read, filtered and saved, so that the command line applies exactly that plan."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fleet
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLabel
from session_feed import feed, tell, without_child

from onboard.gui.pages.review import ReviewPage
from onboard.gui.session import Session
from onboard.gui.widgets.banner import Banner
from onboard.gui.window import Window
from onboard.model import events
from onboard.model import orders as to_engine
from onboard.model.plan import Plan
from onboard.model.status import HostStatus
from onboard.profiles.plan_file import load

COUNT = 248
Show = Callable[..., None]


@pytest.fixture
def orders(session: Session) -> list[Mapping[str, Any]]:
    return without_child(session)


@pytest.fixture
def page(session: Session, orders: object, show: Show) -> ReviewPage:
    profile = fleet.profile(COUNT)
    session.editor.use(profile, profile, None)
    feed(session, "account", *fleet.account())
    feed(session, "check", *fleet.checked(COUNT))
    window = Window(session)
    show(window, 1280, 800)
    window.visit("review")
    page = window.page
    assert isinstance(page, ReviewPage)
    QAbstractItemModelTester(page.plan, QAbstractItemModelTester.FailureReportingMode.Warning, page)
    return page


@pytest.fixture
def planned(page: ReviewPage) -> ReviewPage:
    page.primary()
    feed(page.session, "plan", *fleet.planned(COUNT))
    return page


def texts(page: ReviewPage, above: QModelIndex | None = None) -> list[str]:
    parent = above or QModelIndex()
    return [page.plan.index(row, 0, parent).data() for row in range(page.plan.rowCount(parent))]


def branch(page: ReviewPage, *words: str) -> QModelIndex:
    """The node found by descending to texts that begin with each of the words."""
    index = QModelIndex()
    for word in words:
        row = next(row for row, text in enumerate(texts(page, index)) if text.startswith(word))
        index = page.plan.index(row, 0, index)
    return index


def count(index: QModelIndex) -> object:
    return index.siblingAtColumn(1).data()


def test_a_silent_aws_is_named_while_the_plan_is_made(page: ReviewPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.gui.widgets.busy_indicator.NOTICED", 0.0)
    monkeypatch.setattr("onboard.gui.widgets.busy_indicator.LONG", 0.0)
    page.primary()
    feed(page.session, "plan", events.Noted.of("Waiting for AWS: iam:GetRole", waiting=True))
    tell(page.session)
    assert "Waiting for AWS: iam:GetRole" in page.busy.text()
    feed(page.session, "plan", events.PhaseStarted(phase="facts", total=COUNT))
    tell(page.session)
    assert "Waiting for AWS" not in page.busy.text()


def test_the_primary_button_makes_the_plan(page: ReviewPage, orders: list[Mapping[str, Any]]) -> None:
    assert page.primary_label() == "&Make the plan"
    assert page.empty.isVisible()
    assert page.primary()
    assert orders[-1]["do"] == "plan"
    assert page.primary_label() == ""
    assert page.cancel()
    assert orders[-1]["do"] == "stop"
    feed(page.session, "plan", *fleet.planned(COUNT))
    assert page.primary_label() == ""
    assert not page.primary()
    assert page.tree.isVisible()


def test_aws_stands_first_and_equal_servers_stand_together(planned: ReviewPage) -> None:
    assert texts(planned) == ["In AWS", "On servers", "Left out"]
    assert count(branch(planned, "In AWS")) == "3 changes"
    groups = branch(planned, "On servers")
    made = fleet.plan(COUNT)
    assert count(groups) == f"{len(made.hosts)} servers"
    sizes = [count(planned.plan.index(row, 0, groups)) for row in range(planned.plan.rowCount(groups))]
    assert sizes == ["158 servers", "80 servers", "3 servers"]
    servers = branch(planned, "On servers", "Place a nonce", "Servers")
    assert texts(planned, servers) == [host.host for host in made.hosts if len(host.changes) == 1]


def test_servers_that_are_left_out_are_listed_with_why(planned: ReviewPage) -> None:
    left = branch(planned, "Left out")
    assert count(left) == "7 servers"
    assert texts(planned, left)[0] == "Clock 7 minutes slow"
    assert not any(text.startswith("Not known") for text in texts(planned, left))
    planned.tree.setCurrentIndex(branch(planned, "Left out", "Clock"))
    detail = planned.detail.detail
    assert detail is not None
    assert detail.title == "3 servers · Clock"
    assert detail.commands == fleet.CLOCK_COMMANDS


def test_a_change_is_shown_in_full(planned: ReviewPage) -> None:
    planned.tree.setCurrentIndex(branch(planned, "In AWS", "Create role"))
    detail = planned.detail.detail
    assert detail is not None
    assert dict(detail.facts)["trust"] == fleet.TRUST


def test_what_is_altered_is_shown_as_it_is_and_as_it_will_be(page: ReviewPage) -> None:
    page.primary()
    feed(page.session, "plan", events.PlanMade(plan=fleet.altering(COUNT)), events.RunFinished(run="r", hosts={}))
    group = branch(page, "On servers", "Set Agent.Region in the agent's configuration, let the agent use")
    proxy = "https_proxy: old-proxy… → http://proxy.fra.example.com:3128"
    assert group.siblingAtColumn(2).data() == f"{proxy}, version: 3.2.582.0 → 3.3.4851.0"
    tip = str(group.siblingAtColumn(2).data(Qt.ItemDataRole.ToolTipRole))
    assert "https_proxy: http://old-proxy.example.com:8080 → http://proxy.fra.example.com:3128\n" in tip
    upgrade = page.plan.index(2, 0, group)
    shown = upgrade.siblingAtColumn(2).data()
    assert shown == "version: 3.2.582.0 → 3.3.4851.0, package: deb x86_64"
    assert page.plan.index(0, 0, group).siblingAtColumn(2).data().startswith("file: /etc/amazon")
    page.tree.setCurrentIndex(upgrade)
    detail = page.detail.detail
    assert detail is not None
    assert dict(detail.facts)["version"] == "3.2.582.0\n→ 3.3.4851.0"
    assert dict(detail.facts)["package"] == "deb x86_64"
    policy = branch(page, "In AWS", "Let this account")
    assert policy.siblingAtColumn(2).data() == "trust: … → …, role: OnboardSSMServiceRole"
    page.tree.setCurrentIndex(policy)
    detail = page.detail.detail
    assert detail is not None
    assert dict(detail.facts)["trust"] == f"{fleet.OLD_POLICY}\n→\n{fleet.TRUST}"
    page.filter.setText("old-proxy")
    assert texts(page) == ["On servers"]


def test_warnings_come_first(planned: ReviewPage) -> None:
    banners = [planned.warnings.itemAt(place).widget() for place in range(planned.warnings.count())]
    assert [type(banner) for banner in banners] == [Banner]
    assert banners[0].y() < planned.tree.mapTo(planned, planned.tree.rect().topLeft()).y()
    assert "USD" in banners[0].accessibleName()


def test_searching_keeps_what_holds_the_text(planned: ReviewPage) -> None:
    planned.filter.setText("srv-web-03")
    assert texts(planned) == ["On servers"]
    names = branch(planned, "On servers", "Set Agent", "Servers")
    assert texts(planned, names) == ["srv-web-03"]
    assert planned.tree.isExpanded(names)
    planned.filter.setText("AssumeRole")
    assert texts(planned) == ["In AWS"]
    planned.filter.setText("7 minutes")
    assert texts(planned) == ["Left out"]
    planned.filter.clear()
    assert texts(planned) == ["In AWS", "On servers", "Left out"]


def test_a_saved_plan_is_exactly_what_was_shown(planned: ReviewPage, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    planned.save_plan(file)
    assert load(file) == planned.session.view.state("plan").plan == fleet.plan(COUNT)
    assert planned.saved.isVisible()
    assert str(file) in planned.saved.accessibleName()


def test_a_plan_that_cannot_be_saved_says_so_on_the_page(planned: ReviewPage, tmp_path: Path) -> None:
    planned.save_plan(tmp_path / "missing" / "plan.json")
    assert planned.error.isVisible()
    assert "Choose a folder" in planned.error.copied_text()
    assert not planned.saved.isVisible()


def test_nothing_to_do_is_said_and_offers_no_file(page: ReviewPage) -> None:
    page.primary()
    nothing = Plan(account="123456789012", region="eu-central-1")
    online = [events.HostFinished(host=name, status=HostStatus.ONLINE) for name in fleet.names(COUNT)]
    ended = events.RunFinished(run="r", hosts={})
    feed(page.session, "plan", events.PlanMade(plan=nothing), *online, ended)
    assert page.empty.isVisible()
    assert not page.tree.isVisible()
    assert not page.save.isVisible()
    assert page.again.isVisible()


def test_a_plan_that_was_refused_says_why_where_it_belongs(page: ReviewPage) -> None:
    page.primary()
    failure = events.RunFailed(kind="aws", what="The service role cannot be used", why="Trust", remedy="Use another")
    feed(page.session, "plan", failure, events.RunFinished(run="r", hosts={}))
    assert "Use another" in page.error.copied_text()
    assert page.error.isVisible()
    assert page.primary_label() == "&Make the plan"


def test_an_edit_makes_the_plan_worthless(planned: ReviewPage, until: Callable[..., None]) -> None:
    planned.session.editor.put("activation.expires_in_hours", 8)
    until(lambda: not planned.tree.isVisible())
    assert planned.primary_label() == "&Make the plan"
    draft = planned.session.view.draft
    planned.session.editor.use(draft, draft, None)


def test_the_command_line_names_the_saved_file(planned: ReviewPage, tmp_path: Path) -> None:
    profile = tmp_path / "dc.toml"
    planned.session.editor.save(profile)
    draft = planned.session.view.draft
    assert planned.command_line() == f"onboard plan --profile {profile}"
    planned.save_plan(tmp_path / "plan.json")
    assert planned.command_line() == f"onboard plan --profile {profile} -o {tmp_path / 'plan.json'}"
    assert draft is planned.session.view.draft


def finished(host: str, status: HostStatus) -> events.HostFinished:
    return events.HostFinished(host=host, status=status)


def end(page: ReviewPage, command: str, *told: events.Event, run: str = "") -> None:
    page.session.commands.run(to_engine.Undo(run=run) if command == "undo" else to_engine.ORDERS[command]())
    names = fleet.names(COUNT)
    begun = events.RunStarted(run=run, command=command, profile="", hosts=names, started="2026-11-24T13:02:11+00:00")
    feed(page.session, command, begun, *told, events.RunFinished(run=run, hosts={}))
    tell(page.session)


def test_a_plan_that_was_carried_out_is_used_up(planned: ReviewPage, orders: list[Mapping[str, Any]]) -> None:
    assert not planned.used_up.isVisible()
    end(planned, "apply", finished("srv-web-03", HostStatus.ONLINE), run="r")
    assert planned.used_up.isVisible()
    assert planned.tree.isVisible(), "what was approved can still be read"
    assert not planned.save.isVisible(), "nobody is to apply it once more"
    assert not planned.again.isVisible(), "the primary button does it"
    assert planned.primary_label() == "&Make the plan again"
    assert planned.primary()
    assert orders[-1]["do"] == "plan"
    feed(planned.session, "plan", *fleet.planned(COUNT))
    tell(planned.session)
    assert not planned.used_up.isVisible()
    assert planned.save.isVisible()
    assert planned.primary_label() == ""


def test_a_plan_made_while_the_servers_were_online_says_nothing_after_the_undo(page: ReviewPage) -> None:
    end(page, "apply", finished("srv-web-03", HostStatus.ONLINE), run="r")
    online = [finished(name, HostStatus.ONLINE) for name in fleet.names(COUNT)]
    nothing = Plan(account="123456789012", region="eu-central-1")
    end(page, "plan", events.PlanMade(plan=nothing), *online)
    assert page.primary_label() == ""
    end(page, "undo", *(finished(name, HostStatus.READY) for name in fleet.names(COUNT)), run="u")
    shown = {label.text() for label in page.findChildren(QLabel) if label.isVisible()}
    assert "The plan is out of date" in shown
    assert not any("Nothing to do" in text or "0 servers changed" in text for text in shown), shown
    assert not page.tree.isVisible()
    assert page.primary_label() == "&Make the plan again"
