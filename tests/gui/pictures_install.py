"""Pictures of the pages Install and Finish in their states."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import scenes
from PySide6.QtWidgets import QWidget
from session_feed import feed, without_child

from onboard.gui.pages.finish import FinishPage
from onboard.gui.runs_sheet import RunsSheet
from onboard.gui.undo_dialog import undo_box
from onboard.gui.window import Window
from onboard.model import events, orders
from onboard.model.status import HostStatus

if TYPE_CHECKING:
    from screenshots import Desk

PLANNED = {
    "account": scenes.account(),
    "preview": scenes.preview(),
    "check": scenes.check(),
    "plan": scenes.plan(),
}


def install(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """Before the run; interrupted earlier; canary; running with a failed server selected; paused; ended; refused."""
    window = desk.window("install", PLANNED)
    without_child(window.session)
    yield "install-ready", window
    window = desk.window("install", PLANNED)
    window.session.orders.engine.let_go()  # it asks for the runs of this computer
    feed(window.session, "runs", events.RunsListed(runs=(interrupted(),)))
    yield "install-interrupted", window
    window = begun(desk)
    canary = list(scenes.apply_goes_on())
    feed(window.session, "apply", *scenes.apply_begins(), *canary[:25])
    yield "install-canary", window
    window = begun(desk)
    feed(window.session, "apply", *scenes.apply_begins(), *scenes.apply_goes_on())
    made_quicker(window)
    window.page.table.select_key(scenes.able()[117])
    yield "install", window
    window.session.orders.pause("apply")
    yield "install-paused", window
    feed(window.session, "apply", *scenes.apply_ends(), scenes.ended(scenes.whole_apply()))
    yield "install-ended", window
    window = begun(desk)
    refused = events.RunFailed(
        kind="plan",
        what="More changes are needed than when the plan was made; nothing was changed",
        why="srv-app-01: Install amazon-ssm-agent 3.3.4900.0",
        remedy="Make a new plan, review it, and apply that one",
    )
    told = [*scenes.apply_begins(), refused]
    skipped = [
        events.HostFinished(host=name, status=HostStatus.SKIPPED, reason="The run ended before its turn")
        for name in scenes.able()
    ]
    feed(window.session, "apply", *told, *skipped, scenes.ended([*told, *skipped]))
    yield "install-refused", window


def finish(desk: "Desk") -> Iterator[tuple[str, QWidget]]:
    """All but seven online; a report written; the question before undoing; undoing; an activation that remains."""
    window = desk.window("finish", {**PLANNED, "apply": scenes.whole_apply()})
    without_child(window.session)
    page = window.page
    assert isinstance(page, FinishPage)
    page.table.select_key(scenes.able()[117])
    yield "finish", window
    page.write_report(Path("/home/ada/onboard-20261124-130211-3f9a.html"))
    feed(window.session, "report", events.RunFinished(run="", hosts={}))
    yield "finish-report", window
    nodes = {name: scenes.node(number) for number, name in enumerate(scenes.able()) if number != 117}
    role = "OnboardSSMServiceRole"
    words = f"The role {role}, which this run created, is deleted."
    line = events.UndoLine(change="ensure_role", subject=role, words=words)
    shown = events.UndoShown(run="r", servers=scenes.able(), nodes=nodes, lines=(line,))
    box = undo_box(window, shown)
    box.show()
    yield "finish-undo-question", box
    box.close()
    box.deleteLater()
    window.session.commands.run(orders.Undo(run="r"))
    feed(window.session, "undo", scenes.began("undo", scenes.able()), *undone(101))
    yield "finish-undoing", window
    told = (*scenes.apply_begins(), *scenes.apply_goes_on(), *scenes.apply_ends(left="AccessDenied"))
    window = desk.window("finish", {**PLANNED, "apply": (*told, scenes.ended(told))})
    yield "finish-activation-left", window


def runs(desk: "Desk") -> Iterator[tuple[str, QWidget]]:
    """The list of runs; an earlier run on Finish, interrupted and undone."""
    window = desk.window("finish", {**PLANNED, "apply": scenes.whole_apply()})
    without_child(window.session)
    feed(window.session, "runs", events.RunsListed(runs=tuple(listed())), events.RunFinished(run="", hosts={}))
    sheet = RunsSheet(window, window.session)
    sheet.show()
    yield "runs", sheet
    sheet.table.selectRow(3)
    yield "runs-not-shown", sheet
    sheet.reject()
    applied = scenes.whole_apply()
    taken_back = (scenes.began("undo", scenes.able()), *undone(len(scenes.able())))
    for name, told, back in (
        ("runs-broken-off", (*scenes.apply_begins(), *scenes.apply_goes_on()), ()),
        ("runs-shown", applied, ()),
        ("runs-undone", applied, (*taken_back, scenes.ended(taken_back))),
    ):
        window.session.commands.show_run(interrupted().run)
        recorded = [events.Recorded(command="apply", time=scenes.STARTED, told=event) for event in told]
        recorded += [events.Recorded(command="undo", time=scenes.STARTED, told=event) for event in back]
        feed(window.session, "show_run", *recorded, events.RunFinished(run="", hosts={}))
        yield name, window
    window.visit("install")
    yield "runs-undone-install", window


def listed() -> Iterator[events.KeptRun]:
    first = replace(interrupted(), who="ada", arn="arn:aws:sts::123456789012:assumed-role/Onboarding/ada")
    ended = replace(first, finished="2026-11-24T13:08:11+00:00")
    judged = {"ready": 240, "warned": 2, "blocked": 6}
    yield replace(ended, run="20261125-081500-77aa", command="undo", undoes="r", hosts={"ready": 239, "skipped": 2})
    yield replace(ended, hosts={"online": 241, "blocked": 6, "failed": 1}, proven=2)
    yield replace(ended, run="20261124-120000-0001", command="plan", hosts=judged)
    yield replace(ended, run="20261124-110000-0001", command="check", hosts=judged)
    yield replace(first, run="20261123-110000-0001", path="/home/ada/branch-office.toml", profile="Branch office")
    yield replace(first, run="20261122-110000-0001", held=True, who="")
    yield replace(ended, run="20261121-110000-0001", command="regions", who="")


def after_undo(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """Install, Finish, Review and Checks after a run was undone, on all servers or all but two; then a new plan."""
    window = desk.window("finish", {**PLANNED, "apply": scenes.whole_apply()})
    without_child(window.session)
    window.session.commands.run(orders.Undo(run="r"))
    lost = events.HostFinished(
        host=scenes.able()[240],
        status=HostStatus.UNREACHABLE,
        reason="There is no route to it",
        remedy="Check the address, the route and the VPN, then undo the run again",
    )
    stopped = events.HostFinished(host=scenes.able()[241], status=HostStatus.SKIPPED, reason="Stopped")
    told = [scenes.began("undo", scenes.able(), "u"), *restored(240)]
    feed(window.session, "undo", *told, lost, stopped, scenes.ended([*told, lost, stopped], "u"))
    window.visit("install")
    window.page.table.select_key(lost.host)
    yield "undone-in-part-install", window
    window.visit("finish")
    window.page.table.select_key(lost.host)
    yield "undone-in-part-finish", window
    window.session.commands.run(orders.Undo(run="r"))
    told = [scenes.began("undo", scenes.able(), "u"), *restored(242)]
    feed(window.session, "undo", *told, scenes.ended(told, "u"))
    for stage in ("install", "finish", "review", "checks"):
        window.visit(stage)
        yield f"undone-{stage}", window
    window.session.commands.run(orders.Plan())
    feed(window.session, "plan", *scenes.plan())
    for stage in ("review", "install"):
        window.visit(stage)
        yield f"undone-planned-{stage}", window
    window = desk.window("review", {**PLANNED, "apply": scenes.whole_apply()})
    yield "review-used-up", window


def restored(count: int) -> Iterator[events.Event]:
    for name in scenes.able()[:count]:
        yield events.HostFinished(host=name, status=HostStatus.READY, reason="Restored")


def undone(count: int) -> Iterator[events.Event]:
    for name in scenes.able()[:count]:
        yield events.HostFinished(host=name, status=HostStatus.READY, reason="Restored")
    for name in scenes.able()[count : count + 5]:
        yield events.StepStarted(host=name, step="place_nonce")


def begun(desk: "Desk") -> Window:
    """The run was ordered and has reported nothing yet."""
    window = desk.window("install", PLANNED)
    without_child(window.session)
    window.forward()
    return window


def made_quicker(window: Window) -> None:
    """As if the proven servers had taken some minutes."""
    progress = window.session.view.progress("apply")
    times = list(progress._times)
    progress._since -= 340
    progress._times.clear()
    progress._times.extend(time - 85 + number * 85 / len(times) for number, time in enumerate(times))


def interrupted() -> events.KeptRun:
    return events.KeptRun(
        run="20261124-130211-3f9a",
        command="apply",
        profile="Frankfurt data centre",
        path="",
        started=scenes.STARTED,
        finished="",
        held=False,
        hosts={},
        servers=242,
        proven=118,
    )
