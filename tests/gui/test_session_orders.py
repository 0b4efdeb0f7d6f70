"""Orders and their events: used only while they are relevant, stopped by their own number, never mixed up."""

import gc
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import scenes
from session_feed import tell, without_child

from onboard.gui import engine_child, practice_child
from onboard.gui.models.outcome import Ended, ended, status_words
from onboard.gui.session import Session
from onboard.model import events
from onboard.model import orders as to_engine
from onboard.model.plan import HostPlan, Plan
from onboard.model.profile import Profile
from onboard.model.status import HostStatus

Orders = list[Mapping[str, Any]]


@pytest.fixture
def orders(session: Session) -> Orders:
    session.editor.use(scenes.profile(), scenes.profile(), None)
    return without_child(session)


def told(session: Session, order: Mapping[str, Any], *some: events.Event) -> None:
    """The event as the child sends it."""
    session.orders.engine.told.emit([(order["id"], event) for event in some])


def test_another_profile_hears_nothing_of_the_former_ones_account(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Account())
    session.editor.new()
    assert orders[-1] == {"do": "stop_now", "id": orders[0]["id"]}
    assert not session.view.running
    told(session, orders[0], *scenes.account())
    assert session.view.state("account").account is None


def test_a_run_on_servers_is_left_to_finish_what_is_under_way(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Apply())
    session.editor.new()
    assert orders[-1] == {"do": "stop", "id": orders[0]["id"]}


def test_what_an_edit_makes_worthless_is_not_heard_to_its_end(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Check())
    began, *rest = scenes.check()
    told(session, orders[0], began)
    session.editor.put("region.name", "eu-west-1")
    told(session, orders[0], *rest)
    assert not session.view.state("check").hosts
    assert not session.view.running
    session.commands.run(to_engine.Check())
    told(session, orders[-1], *scenes.check())
    assert session.view.state("check").hosts


def test_a_server_that_is_another_now_is_not_judged_by_the_former_one(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Check())
    first, *others = session.view.draft.hosts
    session.editor.edit(
        session.view.draft.model_copy(update={"hosts": (first.model_copy(update={"port": 2222}), *others)})
    )
    assert orders[-1] == {"do": "stop_now", "id": orders[0]["id"]}


def test_the_last_order_of_a_command_is_the_one_that_counts(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Account())
    session.commands.run(to_engine.Account())
    told(session, orders[0], *scenes.account())
    assert session.view.state("account").account is None
    told(session, orders[-1], *scenes.account())
    assert session.view.state("account").account is not None


def test_what_waits_its_turn_is_stopped_alone(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Apply())
    session.commands.run(to_engine.Regions())
    session.orders.stop_now("regions")
    assert orders[2:] == [{"do": "stop_now", "id": orders[1]["id"]}]
    assert not session.view.held, "the installation goes on"
    session.orders.stop("apply")
    assert session.view.held == "stopping"


def test_a_question_of_a_dropped_command_gets_its_no(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Check())
    session.editor.put("region.name", "eu-west-1")
    told(session, orders[0], events.SecretWanted(name="linux", question="Password?"))
    assert orders[-1] == {"do": "secret", "name": "linux", "value": None, "keep": False}


def test_nobody_has_to_wait_for_aws(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Account())
    session.commands.give_up("account")
    assert not session.view.running
    failure = session.view.state("account").failure
    assert failure is not None
    assert "Stopped" in failure.what


def test_a_new_installation_takes_an_undo_off_the_books(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Undo(run="r1"))
    told(session, orders[0], events.HostFinished(host="a", status=HostStatus.READY, reason="Restored"))
    session.commands.run(to_engine.Apply())
    assert not session.view.state("undo").hosts


def test_practice_that_starts_ends_what_is_under_way_and_ends_with_another_profile(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = without_child(session)
    session.commands.run(to_engine.Account())
    folder = tmp_path / "practice"
    folder.mkdir()
    (folder / "profile.toml").write_text('schema = 1\nname = "practice"\n')
    (folder / "env").write_text("AWS_ENDPOINT_URL=http://127.0.0.1:1\n")
    practice = session.practice.child
    closed: list[bool] = []
    monkeypatch.setattr(practice, "_folder", folder)
    monkeypatch.setattr(type(practice), "is_running", property(lambda _: not closed))
    monkeypatch.setattr(type(practice), "is_up", property(lambda _: not closed))
    monkeypatch.setattr(practice, "close", lambda: closed.append(True))
    monkeypatch.setattr(practice, "start", lambda _: None)
    session.practice.start()
    practice.ready.emit()
    assert not session.view.running
    assert session.view.draft.name == "practice"
    assert session.view.practice
    assert session.orders.engine._environment is not None
    told(session, orders[0], *scenes.account())
    assert session.view.state("account").account is None

    session.editor.save(tmp_path / "kept.toml")
    assert session.view.practice, "to keep its profile elsewhere is no reason to leave"
    session.editor.new()
    assert closed
    assert not session.view.practice
    assert session.orders.engine._environment is None
    assert session.view.draft == Profile()


def test_practice_that_comes_up_over_an_edited_profile_is_given_up(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []
    session.practice.failed.connect(lambda what, _: failed.append(what))
    monkeypatch.setattr(session.practice.child, "start", lambda _: None)
    moved_to: list[object] = []
    monkeypatch.setattr(session.orders.engine, "use", moved_to.append)
    session.practice.start()
    session.editor.put("name", "mine")
    session.practice.child.ready.emit()
    assert failed == ["Practice was not opened"]
    assert session.view.draft.name == "mine"
    assert not session.practice.child.is_running
    assert not moved_to, "what the engine does for this profile goes on"


def test_a_profile_that_another_program_changed_is_known_to_be_another(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    session.editor.save(path)
    assert not session.editor.file.is_changed_elsewhere
    path.write_text(path.read_text() + "# a colleague's\n")
    assert session.editor.file.is_changed_elsewhere
    session.editor.save(path)
    assert not session.editor.file.is_changed_elsewhere
    path.unlink()
    assert not session.editor.file.is_changed_elsewhere, "there is nothing to replace"


def test_servers_under_way_when_the_engine_dies_do_not_run_on(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Apply())
    names = ("srv-app-01", "srv-app-02", "earlier")
    begun = events.RunStarted(run="r1", command="apply", profile="", hosts=names, started="2026-11-24T14:00:00+00:00")
    plan = Plan(account="1", region="r", hosts=(HostPlan(host="srv-app-01"), HostPlan(host="srv-app-02")))
    told(
        session,
        orders[0],
        begun,
        events.PlanMade(plan=plan),
        events.StepStarted(host="srv-app-01", step="install_agent"),
        events.StepFinished(host="srv-app-02", step="confirm", outcome="done", instance_id="mi-1"),
    )
    session.orders.engine.died.emit("killed")
    hosts = session.view.state("apply").hosts
    assert hosts["srv-app-01"].status is HostStatus.SKIPPED
    assert "Interrupted" in hosts["srv-app-01"].reason
    assert {name: ended(host) for name, host in hosts.items()} == {
        "srv-app-01": Ended.SKIPPED,
        "srv-app-02": Ended.ONLINE,
        "earlier": Ended.NOT_ONLINE,
    }
    assert status_words(hosts["earlier"]) == "Not finished"


def test_an_engine_that_cannot_be_started_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    monkeypatch.setattr(engine_child, "console_program", lambda: ["/no/such/program"])
    died: list[str] = []
    session.commands.engine_died.connect(died.append)
    session.commands.run(to_engine.Account())
    until(lambda: died)
    assert session.view.state("account").failure is not None
    assert not session.view.running


def test_a_practice_that_cannot_be_started_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    monkeypatch.setattr(practice_child, "console_program", lambda: ["/no/such/program"])
    failed: list[str] = []
    session.practice.failed.connect(lambda what, _: failed.append(what))
    session.practice.start()
    until(lambda: failed)
    assert not session.practice.child.is_running


def test_an_engine_that_died_in_the_middle_of_a_line_leaves_nothing_to_the_next(
    session: Session, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    half = ["/bin/sh", "-c", """printf '{"id": 1, "ev'; exit 1"""]
    monkeypatch.setattr(engine_child, "console_program", lambda: half)
    died: list[str] = []
    session.commands.engine_died.connect(died.append)
    for number in (1, 2):
        session.commands.run(to_engine.Account())
        until(lambda number=number: len(died) == number)
        assert session.view.state("account").failure is not None
    assert session.orders.engine._rest == b""


def test_a_run_that_is_resumed_is_newer_than_a_plan_made_meanwhile(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Apply())
    begun = scenes.began("apply", scenes.names())
    told(session, orders[0], begun, events.RunFinished(run=begun.run, hosts={}))
    session.commands.run(to_engine.Plan())
    told(session, orders[1], *scenes.plan())
    assert session.view.outdated_by("plan") == ""
    session.commands.resume(begun.run)
    assert session.view.outdated_by("plan") == "apply"


def recorded(*some: events.Event) -> list[events.Event]:
    time = "2026-11-20T10:00:00+00:00"
    return [
        *(events.Recorded(command="apply", time=time, told=one) for one in some),
        events.RunFinished(run="", hosts={}),
    ]


def test_an_earlier_run_that_is_looked_at_outdates_nothing(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Plan())
    told(session, orders[0], *scenes.plan())
    session.commands.show_run("earlier")
    told(session, orders[1], *recorded(scenes.began("apply", scenes.names(), "earlier")))
    assert session.view.state("apply").run == "earlier"
    assert session.view.outdated_by("plan") == "", "it was made since"


def test_a_plan_stays_used_up_when_an_earlier_run_is_looked_at(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Plan())
    told(session, orders[0], *scenes.plan())
    session.commands.run(to_engine.Apply())
    told(session, orders[1], scenes.began("apply", scenes.names()), events.RunFinished(run="r", hosts={}))
    session.commands.show_run("earlier")
    told(session, orders[-1], *recorded(scenes.began("apply", scenes.names(), "earlier")))
    assert session.view.state("apply").run == "earlier"
    assert session.view.outdated_by("plan") == "apply"


class Garbage:
    """An object in a reference cycle, which only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self


def test_what_became_garbage_while_a_command_told_is_collected_after_its_end(session: Session, orders: Orders) -> None:
    session.commands.run(to_engine.Check())
    began, *rest = scenes.check()
    told(session, orders[0], began)
    gc.disable()  # else it might be collected before it is told
    gone = weakref.ref(Garbage())
    tell(session)
    gc.enable()
    gc.collect()
    assert gone() is not None, "nothing is looked through while much is told"
    told(session, orders[0], *rest)
    gc.collect()
    assert gone() is None


def test_practice_gets_what_was_asked_of_it(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(session.practice.child, "start", given.append)
    session.practice.start()
    session.practice.start(2, "--images=slow")
    assert given == [[], ["--hosts=2", "--images=slow"]]
