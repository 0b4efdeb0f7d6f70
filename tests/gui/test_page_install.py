"""The page Install: what it shows during a run, and what its buttons order."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
import scenes
from gui.conftest import settle
from machine import slowness
from parts import part
from pictures_install import interrupted
from PySide6.QtCore import QCoreApplication, QDeadlineTimer, QEventLoop, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QMenu
from session_feed import feed, tell, without_child

from onboard.gui.install.progress_card import ProgressCard
from onboard.gui.models.host_table import ALL
from onboard.gui.models.rollout import NODE, PROGRESS, STEP, RolloutModel
from onboard.gui.pages.install import InstallPage
from onboard.gui.session import Session
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.chips import Chips
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.log_view import LogView
from onboard.gui.widgets.progress_bar import ProgressBar
from onboard.gui.window import Window
from onboard.model import events, orders
from onboard.model.status import HostStatus
from onboard.steps.catalog import STEPS
from onboard.wizard.progress import Group
from onboard.wizard.step_words import doing

FAILED = scenes.able()[117]
Until = Callable[[Callable[[], object]], None]
PLANNED = {"account": scenes.account(), "preview": scenes.preview(), "check": scenes.check(), "plan": scenes.plan()}


def counts(page: InstallPage) -> Counter[str]:
    """Servers as the chips count them."""
    model = page.table.model()
    assert isinstance(model, RolloutModel)
    return model.counts


class Bench:
    """The window on Install with an approved plan, and the orders that it gave."""

    def __init__(self, session: Session, show: Callable[..., None]) -> None:
        self.session = session
        self.orders = without_child(session)
        self.window = Window(session)
        session.editor.use(scenes.profile(), scenes.profile(), None)  # nothing unsaved: closing asks nothing
        for command, told in PLANNED.items():
            feed(session, command, *told)
        tell(session)
        show(self.window, 1280, 800)
        self.window.visit("install")
        page = self.window.page
        assert isinstance(page, InstallPage)
        self.page = page
        self.end("runs")

    def feed(self, *told: events.Event, command: str = "apply") -> None:
        feed(self.session, command, *told)
        tell(self.session)

    def end(self, command: str) -> None:
        self.feed(events.RunFinished(run="", hosts={}), command=command)

    def begin(self) -> None:
        self.window.forward()
        self.feed(*scenes.apply_begins(), *scenes.apply_goes_on())

    def rows(self) -> list[str]:
        model = self.page.table.model()
        return [str(model.index(row, 0).data()) for row in range(model.rowCount())]

    def cell(self, name: str, column: int) -> str:
        return str(self.page.table.model().index(self.rows().index(name), column).data())

    @property
    def order(self) -> Mapping[str, Any]:
        return self.orders[-1]


@pytest.fixture
def bench(session: Session, show: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("onboard.gui.wakefulness._COMMANDS", {})
    yield Bench(session, show)
    session.close()  # nothing runs: closing asks nothing


def test_install_asks_nothing_more_and_carries_out_what_was_approved(bench: Bench) -> None:
    assert bench.page.primary_label() == "&Install on 242 servers"
    assert len(bench.rows()) == 242
    bench.window.forward()
    assert bench.order["do"] == "apply"
    assert bench.order["plan"] == json.loads(json.dumps(asdict(scenes.the_plan())))
    assert bench.page.primary_label() == "", "it runs: nothing to begin"
    bench.feed(*scenes.apply_begins())
    assert len(bench.rows()) == 242, "what was blocked before is not on this page"


def test_counts_words_and_figures_while_it_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.begin()
    page = bench.page
    assert [counts(page)[key] for key in (ALL, *Group)] == [242, 117, 10, 1, 114, 0]
    assert bench.cell(scenes.able()[0], STEP) == "Online"
    assert bench.cell(scenes.able()[0], NODE) == scenes.node(0), "known before the run has ended"
    assert bench.cell(FAILED, STEP) == f"Failed: {scenes.DPKG}"
    assert part(page, "wave", QLabel).text() == "Wave 2 of 2"
    assert part(page, "wave-more", QLabel).text() == "· canary of 5 passed"
    QTest.qWait(50)  # until it is laid out
    apart = (
        part(page, "wave-more", QLabel).x()
        - part(page, "wave", QLabel).x()
        - part(page, "wave", QLabel).sizeHint().width()
    )
    assert 0 < apart < 10, "one line of words, whatever room there is"
    assert part(page, "figures", QLabel).text() == "118 of 242"
    later = time.monotonic() + 60
    monkeypatch.setattr("onboard.gui.install.progress_card.time.monotonic", lambda: later)
    part(page, "progress", ProgressCard).refresh()
    assert part(page, "figures", QLabel).text() == "118 of 242 · 29 a minute · about 4 minutes left"


def test_an_aws_that_does_not_answer_is_named_while_servers_wait(bench: Bench) -> None:
    bench.begin()
    bench.feed(events.Noted.of("Waiting for AWS: ssm:SendCommand", waiting=True))
    assert part(bench.page, "wave-more", QLabel).text() == "· Waiting for AWS: ssm:SendCommand"
    bench.feed(events.HostFinished(host=scenes.able()[1], status=HostStatus.ONLINE))
    assert part(bench.page, "wave-more", QLabel).text() == "· canary of 5 passed"


def test_pause_go_on_and_both_ways_to_stop(bench: Bench) -> None:
    bench.begin()
    page = bench.page
    part(page, "pause", Button).click()
    assert bench.order["do"] == "pause"
    assert part(page, "wave", QLabel).text() == "Paused"
    assert part(page, "pause", Button).text() == "Res&ume"
    part(page, "pause", Button).click()
    assert bench.order["do"] == "go_on"
    for number, order in ((0, "stop"), (1, "stop_now")):
        assert page.cancel(), "Esc asks how to stop"
        (menu,) = page.findChildren(QMenu)
        menu.actions()[number].trigger()
        menu.close()
        QCoreApplication.sendPostedEvents(None, 52)  # deferred deletion
        assert bench.order["do"] == order
        assert part(page, "wave", QLabel).text() == "Stopping"
        assert not part(page, "pause", Button).isEnabled()


def test_a_chip_shows_its_group_and_rows_leave_it_when_they_do(bench: Bench) -> None:
    bench.begin()
    page = bench.page
    part(page, "chips", Chips).pick(Group.RUNNING)
    before = bench.rows()
    assert len(before) == 10
    page.table.select_key(before[3])
    done, waiting = before[0], scenes.able()[200]
    bench.feed(
        events.StepFinished(host=done, step="confirm", outcome="done"),
        events.StepStarted(host=waiting, step="configure_agent"),
    )
    assert bench.rows() == [*before[1:], waiting], "nothing else moved"
    assert page.table.selected_keys() == [before[3]]
    part(page, "chips", Chips).pick(ALL)
    part(page, "filter", FilterBox).setText("dpkg")
    assert bench.rows() == [FAILED], "reasons are searched too"


def test_many_rows_that_leave_at_once(bench: Bench) -> None:
    bench.begin()
    part(bench.page, "chips", Chips).pick(Group.WAITING)
    left = bench.rows()
    chosen = left[-1]
    bench.page.table.select_key(chosen)
    bench.feed(*(events.StepFinished(host=name, step="confirm", outcome="done") for name in left[:-1]))
    assert bench.rows() == [chosen]
    assert bench.page.table.selected_keys() == [chosen]


def test_the_log_is_that_of_the_selected_server_and_its_failure_says_what_to_do(bench: Bench, until: Until) -> None:
    bench.begin()
    page = bench.page
    assert "srv-app-01" in part(page, "log", LogView).toPlainText() or part(page, "log", LogView).blockCount() > 100
    page.table.select_key(FAILED)
    lines = part(page, "log", LogView).toPlainText().splitlines()
    assert lines
    assert all(f" {FAILED} " in line for line in lines)
    assert scenes.DPKG_REMEDY in part(page, "reason", ErrorPanel).copied_text()
    bench.feed(events.Noted(host=FAILED, text="lock is gone"), events.Noted(host="srv-app-01", text="not shown"))
    assert part(page, "log", LogView).toPlainText().splitlines()[-1].endswith("lock is gone")
    part(page, "log-of-all", Button).click()
    until(lambda: part(page, "log", LogView).toPlainText().splitlines()[-1].endswith("not shown"))
    assert not part(page, "reason", ErrorPanel).isVisible()


def test_retry_takes_up_what_is_not_online_in_the_same_run(bench: Bench, until: Until) -> None:
    bench.begin()
    assert not part(bench.page, "retry", Button).isEnabled(), "it still runs"
    bench.feed(*scenes.apply_ends(), scenes.ended(scenes.whole_apply()))
    until(lambda: bench.rows()[0] == FAILED)  # it ended: what needs a person comes first
    part(bench.page, "retry", Button).click()
    assert (bench.order["do"], bench.order["resume"]) == ("apply", bench.session.view.state("apply").run)
    bench.feed(scenes.began("apply", scenes.names()))
    counted = counts(bench.page)
    assert (counted[Group.ONLINE], counted[Group.FAILED]) == (0, 0), "it asks every server again"


def test_a_run_is_followed_from_elsewhere_too(bench: Bench, until: Until) -> None:
    bench.begin()
    bench.window.visit("review")
    bench.feed(*scenes.apply_ends(), scenes.ended(scenes.whole_apply()))
    until(lambda: bench.rows()[0] == FAILED)
    assert counts(bench.page)[Group.ONLINE] == 241
    bench.window.visit("install")
    assert part(bench.page, "title", QLabel).text() == "241 of 242 servers are online"


def test_what_was_told_meanwhile_is_shown_on_coming_back(bench: Bench, until: Until) -> None:
    bench.begin()
    online = counts(bench.page)[Group.ONLINE]
    waiting = next(name for name in reversed(bench.rows()) if name != FAILED)
    bench.window.visit("review")
    bench.feed(events.StepFinished(host=waiting, step="confirm", outcome="done", detail="seen last"))
    assert counts(bench.page)[Group.ONLINE] == online, "nobody looks"
    bench.window.visit("install")
    assert counts(bench.page)[Group.ONLINE] == online + 1
    until(lambda: "seen last" in part(bench.page, "log", LogView).toPlainText())


def test_an_engine_that_dies_leaves_a_run_to_resume(bench: Bench) -> None:
    bench.begin()
    bench.session.orders.engine.died.emit("killed")
    tell(bench.session)
    assert "stopped unexpectedly" in part(bench.page, "failure", ErrorPanel).copied_text()
    assert part(bench.page, "title", QLabel).text() == "Interrupted: 117 of 242 servers are online"
    part(bench.page, "resume", Button).click()
    assert bench.order["resume"] == bench.session.view.state("apply").run
    assert not part(bench.page, "failure", ErrorPanel).isVisible()


def test_an_interrupted_run_of_this_profile_is_offered(bench: Bench) -> None:
    other = events.KeptRun(**{**asdict(interrupted()), "path": "/another.toml"})
    bench.feed(events.RunsListed(runs=(other,)), command="runs")
    assert not part(bench.page, "interrupted", Banner).isVisible()
    bench.feed(events.RunsListed(runs=(interrupted(), other)), command="runs")
    assert part(bench.page, "interrupted", Banner).isVisible()
    part(bench.page, "resume-interrupted", Button).click()
    assert bench.order["resume"] == interrupted().run
    bench.feed(scenes.began("apply", scenes.names()))
    assert not part(bench.page, "interrupted", Banner).isVisible()


def test_a_plan_that_is_exceeded_leads_back_to_review(bench: Bench) -> None:
    bench.window.forward()
    refused = events.RunFailed(kind="plan", what="The world has changed", remedy="Make a new plan")
    skipped = events.HostFinished(host=scenes.able()[0], status=HostStatus.SKIPPED, reason="The run ended")
    bench.feed(*scenes.apply_begins(), refused, skipped, events.RunFinished(run="r", hosts={}))
    assert part(bench.page, "review", Button).isVisible()
    assert not part(bench.page, "resume", Button).isVisible()
    assert not part(bench.page, "retry", Button).isEnabled(), "the same plan would be refused again"
    part(bench.page, "review", Button).click()
    assert bench.window.current.name == "review"
    bench.window.visit("install")
    bench.session.editor.put("network.proxy", "http://proxy.example:3128")
    part(bench.page, "review", Button).click()
    assert bench.window.current.name == "checks", "Review needs them first"
    bench.session.editor.edit(scenes.profile())


def test_an_order_that_began_no_run_says_why_and_can_be_given_again(bench: Bench) -> None:
    bench.window.forward()
    why = events.RunFailed(
        kind="error", what="Another process is changing srv-app-01", remedy="Wait until it has ended"
    )
    bench.feed(why, events.RunFinished(run="", hosts={}))
    assert part(bench.page, "failure", ErrorPanel).isVisible()
    assert not part(bench.page, "resume", Button).isVisible(), "there is no run to go on with"
    settle()
    assert part(bench.window, "footer", Footer).message() == "Another process is changing srv-app-01"
    assert bench.page.primary_label() == "&Install on 242 servers"
    bench.begin()
    assert not part(bench.page, "failure", ErrorPanel).isVisible()


def test_a_new_plan_takes_the_place_of_a_refusal(bench: Bench) -> None:
    bench.window.forward()
    refused = events.RunFailed(kind="plan", what="The world has changed", remedy="Make a new plan")
    bench.feed(*scenes.apply_begins(), refused, events.RunFinished(run="r", hosts={}))
    assert part(bench.page, "failure", ErrorPanel).isVisible()
    bench.session.commands.run(orders.Plan())
    begun, *more = scenes.plan()
    assert isinstance(begun, events.RunStarted)
    bench.feed(replace(begun, started="2026-11-24T15:00:00+00:00"), *more, command="plan")
    assert not part(bench.page, "failure", ErrorPanel).isVisible()
    assert bench.page.primary_label() == "&Install on 242 servers"
    settle()
    assert part(bench.window, "footer", Footer).message() == "The new plan is not installed yet"


def test_an_undone_run_is_not_told_as_online(bench: Bench) -> None:
    bench.begin()
    bench.feed(*scenes.apply_ends(), events.RunFinished(run="r", hosts={}))
    assert "servers are online" in part(bench.page, "title", QLabel).text()
    bench.session.commands.run(orders.Undo(run="r"))
    bench.feed(events.RunFailed(kind="aws", what="No network"), events.RunFinished(run="r", hosts={}), command="undo")
    assert "servers are online" in part(bench.page, "title", QLabel).text(), "it was not taken back"
    bench.session.commands.run(orders.Undo(run="r"))
    bench.feed(events.RunFinished(run="r", hosts={}), command="undo")
    assert part(bench.page, "title", QLabel).text() == "The run is undone"


def shown(bench: Bench) -> set[str]:
    """The texts of the visible labels and buttons of the page."""
    said = (*bench.page.findChildren(QLabel), *bench.page.findChildren(QAbstractButton))
    return {one.text() for one in said if one.isVisible()}


def chips(bench: Bench) -> dict[str, bool]:
    """Words of the chips → whether they are shown."""
    shown = bench.page.findChildren(Chips)[0].findChildren(QAbstractButton)
    return {chip.text(): chip.isVisible() for chip in shown}


def test_an_undone_run_leaves_no_server_online_on_the_page(bench: Bench) -> None:
    bench.begin()
    bench.feed(*scenes.apply_ends(), scenes.ended(scenes.whole_apply()))
    assert chips(bench)["Online 241"]
    assert not chips(bench)["Restored 0"], "there is nothing undone"
    bench.session.commands.run(orders.Undo(run="r"))
    able = scenes.able()
    first = able[0]
    bench.feed(scenes.began("undo", able, "u"), events.StepStarted(host=first, step="place_nonce"), command="undo")
    assert bench.cell(first, STEP) == "Restoring"
    assert "The run is being undone" in shown(bench)
    restored = [events.HostFinished(host=name, status=HostStatus.READY, reason="Restored") for name in able]
    bench.feed(*restored, events.RunFinished(run="u", hosts={}), command="undo")
    assert {bench.cell(name, STEP) for name in able} == {"Restored"}
    assert {bench.cell(name, PROGRESS) for name in able} == {"0 %"}
    assert {bench.cell(name, NODE) for name in able} == {""}, "their nodes are deregistered"
    assert [words for words, shown in chips(bench).items() if shown] == [
        "All 242", "Online 0", "Running 0", "Failed 0", "Waiting 0", "Restored 242",
    ]  # fmt: skip
    assert bench.page.findChildren(ProgressBar)[0].fraction == 0
    assert "The run is undone" in shown(bench)
    assert "· 242 of 242 servers restored" in shown(bench)
    assert "online" not in part(bench.page, "log", LogView).toPlainText(), "what is written last is the undoing"
    assert "&Retry failed" not in shown(bench), "an undone run is not taken up again"
    assert bench.page.primary_label() == "&Look at the plan"
    assert bench.page.primary()
    assert bench.window.current.name == "review"


def test_a_server_that_was_not_restored_says_why(bench: Bench) -> None:
    bench.begin()
    bench.feed(*scenes.apply_ends(), scenes.ended(scenes.whole_apply()))
    bench.session.commands.run(orders.Undo(run="r"))
    one, other, *rest = scenes.able()
    told = [events.HostFinished(host=name, status=HostStatus.READY) for name in rest]
    gone = events.HostFinished(host=one, status=HostStatus.UNREACHABLE, reason="No route", remedy="Check the VPN")
    stopped = events.HostFinished(host=other, status=HostStatus.SKIPPED, reason="Stopped")
    bench.feed(scenes.began("undo", scenes.able(), "u"), *told, gone, stopped, command="undo")
    bench.end("undo")
    assert bench.rows()[:2] == [one, other], "what needs a person comes first"
    assert bench.cell(one, STEP) == "Not restored: No route"
    assert bench.cell(other, STEP) == "Not restored: Stopped"
    tone = bench.page.table.model().index(1, STEP).data(CellRole.TONE)
    assert tone == "muted", "no green for what was to go"
    assert bench.cell(other, NODE), "it is as the run left it"
    assert "240 of 242 servers restored" in shown(bench)
    bench.page.table.select_key(one)
    assert any("Check the VPN" in text for text in shown(bench))


@pytest.mark.parametrize("undone", [False, True])
def test_after_a_new_plan_all_on_the_page_is_of_that_plan(bench: Bench, undone: bool) -> None:
    bench.begin()
    bench.feed(*scenes.apply_ends(), scenes.ended(scenes.whole_apply()))
    if undone:
        bench.session.commands.run(orders.Undo(run="r"))
        restored = [events.HostFinished(host=name, status=HostStatus.READY) for name in scenes.able()]
        bench.feed(scenes.began("undo", scenes.able(), "u"), *restored, command="undo")
        bench.end("undo")
    bench.session.commands.run(orders.Plan())
    plan = replace(scenes.the_plan(), hosts=scenes.the_plan().hosts[:3])
    bench.feed(scenes.began("plan", scenes.names()), events.PlanMade(plan=plan), command="plan")
    bench.end("plan")
    assert "Install on 3 servers" in shown(bench)
    assert bench.rows() == list(scenes.able()[:3])
    assert {bench.cell(name, STEP) for name in bench.rows()} == {"Waiting"}
    assert [words for words, shown in chips(bench).items() if shown] == [
        "All 3", "Online 0", "Running 0", "Failed 0", "Waiting 3",
    ]  # fmt: skip
    assert not bench.page.findChildren(ProgressBar)[0].isVisible(), "it tells of a run"
    assert "&Retry failed" not in shown(bench)
    assert part(bench.page, "log", LogView).toPlainText() == ""
    assert bench.page.primary_label() == "&Install on 3 servers"
    bench.window.forward()
    bench.feed(scenes.began("apply", scenes.names(), "r2"))
    assert bench.order["do"] == "apply"
    assert "Installing on 3 servers" in shown(bench)


def test_every_control_has_a_name_and_every_button_its_letter(bench: Bench) -> None:
    bench.begin()
    bench.page.table.select_key(FAILED)
    page = bench.page
    for button in (
        part(page, "pause", Button),
        part(page, "stop", Button),
        part(page, "retry", Button),
        part(page, "log-of-all", Button),
        part(page, "resume", Button),
        part(page, "review", Button),
    ):
        assert "&" in button.text(), button.text()
    for widget in (page.table, part(page, "log", LogView), part(page, "filter", FilterBox), part(page, "chips", Chips)):
        assert widget.accessibleName()


def test_every_step_has_words() -> None:
    for name in (*(step.name for step in STEPS), "tag_node", "confirm"):
        assert doing(name) != name


@pytest.mark.measures
def test_ten_thousand_servers_cost_little_at_each_telling(qapp: object) -> None:
    """One update of all servers takes far less than the 50 ms that a person would notice."""
    from onboard.model.state import fold

    state = fold([*scenes.apply_begins(10_000), *scenes.apply_goes_on(5_000, 10_000)])
    steps = {plan.host: tuple(change.name for change in plan.changes) for plan in scenes.the_plan(10_000).hosts}
    model = RolloutModel()
    model.show(state, steps)
    names, took = list(steps)[:1000], []
    for _ in range(5):
        began = time.perf_counter()
        model.update(names)
        took.append(time.perf_counter() - began)
    print(f"1,000 of 10,000 servers told anew: {sorted(took)[2] * 1000:.1f} ms")
    assert sorted(took)[2] < 0.05 * slowness()
    model.deleteLater()


def wait(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = QDeadlineTimer(int(seconds * 1000))
    while not condition():
        assert not deadline.hasExpired(), "it took too long"
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 100)


@pytest.mark.timeout(300)
def test_on_practice_killed_in_the_middle_resumed_and_retried(session: Session, show: Callable[..., None]) -> None:
    """With the real engine: the child dies silently, the page offers to resume, and each server comes online once."""
    window = Window(session)
    show(window, 1280, 800)
    up: list[bool] = []
    session.practice.ready.connect(lambda: up.append(True))
    session.practice.start(3)
    wait(lambda: up)
    for command in ("account", "preview", "trust", "check", "plan"):
        if command == "trust":
            session.commands.run(orders.Trust())
            wait(lambda: not session.view.running)
            keys = {name: host.keys[0].fingerprint for name, host in session.view.state("trust").hosts.items()}
            session.commands.run(orders.Trust(approve=keys))
        else:
            session.commands.run(orders.ORDERS[command]())
        wait(lambda: not session.view.running)
    window.visit("install")
    wait(lambda: not session.view.running)
    page = window.page
    assert isinstance(page, InstallPage)
    assert page.primary_label() == "&Install on 3 servers"
    wait(part(window, "footer", Footer).primary.isEnabled)
    QTest.keyClick(window, Qt.Key.Key_Return)
    wait(lambda: session.view.progress("apply").done >= 1)
    os.kill(session.orders.engine.process_id, signal.SIGKILL)
    wait(lambda: part(page, "failure", ErrorPanel).isVisible())
    assert session.view.progress("apply").total == 3
    part(page, "resume", Button).click()
    wait(lambda: not session.view.running)
    assert session.view.state("apply").counts() == {"online": 3}
    assert counts(page)[Group.ONLINE] == 3
    assert session.view.state("apply").activations_left == ()
    assert window.current.name == "install"
    window.close()
