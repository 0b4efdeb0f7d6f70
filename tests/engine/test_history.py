"""Earlier runs as the wizard lists them, and what undoing one would touch."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from engine.conftest import Bench

from onboard.engine.apply import apply
from onboard.engine.history import last_run, replay, runs, undo_preview
from onboard.engine.journal import Journal
from onboard.engine.workbench import Tools
from onboard.home import JOURNAL
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model import events
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError, ProfileError
from onboard.model.event_json import event_from_json
from onboard.model.plan import HostPlan, Plan
from onboard.model.profile import Host, Profile
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.wizard.replay import Replay

if TYPE_CHECKING:
    from onboard.hosts.connection import Connector

PLAN = Plan(account="1", region="r", hosts=(HostPlan(host="a"), HostPlan(host="b"), HostPlan(host="c")))


def listed(journal: Journal) -> tuple[events.KeptRun, ...]:
    return fold(runs(journal)).runs


def test_a_run_that_was_broken_off_says_how_far_it_came(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.begin("r1", "apply", "/p.toml", json.dumps({"name": "Lab", "hosts": [{}] * 5}))
        journal.approve("r1", json.dumps(asdict(PLAN)))
        journal.write("r1", "a", "confirm", "done", {"instance_id": "mi-1"})
        journal.write("r1", "b", "confirm", "done", {"instance_id": "mi-2"})
        journal.write("r1", "b", "confirm", "undone", {"instance_id": "mi-2"})
        (run,) = listed(journal)
        assert (run.profile, run.path, run.servers, run.proven) == ("Lab", "/p.toml", 3, 1)
        assert run.is_broken_off
        with closing(Journal(tmp_path)) as other, other.held("r1"):
            assert not listed(journal)[0].is_broken_off, "another process works on it"
        journal.finish("r1", {"online": 3})
        assert not listed(journal)[0].is_broken_off
        assert listed(journal)[0].hosts == {"online": 3}


def test_what_undo_would_touch_is_what_it_touches(bench: Callable[..., Bench]) -> None:
    practice = bench(2)
    run = practice.apply().run
    with practice.tools() as tools:
        shown = fold(undo_preview(tools.journal.run(run), tools.journal)).undoing
    assert shown is not None
    undone = practice.undo(run)
    assert set(shown.servers) == {name for name, host in undone.hosts.items() if "undone" in host.steps.values()}
    gone = {change.subject for change in undone.aws_changes if change.change == "deregister"}
    assert set(shown.nodes.values()) == gone
    assert len(gone) == 2
    roles = [change.subject for change in undone.aws_changes if change.change == "delete_role"]
    assert roles == [shown.role] == [practice.profile.role.name]
    assert shown.deletes_role
    (line,) = shown.lines
    assert (line.change, line.subject, line.stays) == ("ensure_role", shown.role, False)
    assert event_from_json(json.loads(json.dumps(shown.to_json()))) == shown
    with practice.tools() as tools:
        again = fold(undo_preview(tools.journal.run(run), tools.journal)).undoing
    assert again == events.UndoShown(run=run, servers=(), nodes={})


def test_what_a_later_run_changed_is_not_shown_as_undone(tmp_path: Path) -> None:
    """An undo skips those servers, and then leaves the role."""
    profile = Profile(hosts=tuple(Host(name=name, address=f"{name}.example") for name in ("a", "b")))
    with closing(Journal(tmp_path)) as journal:
        for run in ("r1", "r2"):
            journal.begin(run, "apply", "/p.toml", profile.model_dump_json(by_alias=True))
        journal.write("r1", "", "ensure_role", "done", {"role": "Ours", "delete": "role"})
        for host, node in (("a", "mi-1"), ("b", "mi-2")):
            journal.write("r1", host, "register_agent", "done", {"node": node})
        (before,) = [event for event in undo_preview(journal.run("r1"), journal) if isinstance(event, events.UndoShown)]
        assert (before.servers, before.nodes, before.role) == (("a", "b"), {"a": "mi-1", "b": "mi-2"}, "Ours")
        with sqlite3.connect(tmp_path / JOURNAL) as db:
            db.execute("UPDATE runs SET started = '2026-01-01' WHERE run = 'r1'")
        db.close()
        journal.write("r2", "a", "configure_agent", "done", {})
        (shown,) = [event for event in undo_preview(journal.run("r1"), journal) if isinstance(event, events.UndoShown)]
    assert (shown.servers, shown.nodes, shown.role) == (("b",), {"b": "mi-2"}, "")
    assert [line.change for line in before.lines] == ["ensure_role"]
    assert shown.lines == ()


def replayed(practice: Bench, run: str) -> Replay:
    shown = Replay()
    with practice.tools() as tools:
        *recorded, end = replay(tools.journal.run(run), tools.journal)
    assert end == events.RunFinished(run="", hosts={})
    for event in recorded:
        assert isinstance(event, events.Recorded)
        shown.fold(event)
    return shown


def ends(state: State) -> dict[str, tuple[HostStatus | None, str | None, bool]]:
    return {name: (host.status, host.instance_id, host.is_proven) for name, host in state.hosts.items()}


def test_a_run_is_replayed_as_it_ended_with_what_undid_it_since(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = bench(2)
    applied = practice.apply()
    shown = replayed(practice, applied.run)
    assert set(shown.states) == {"apply"}
    state = shown.states["apply"]
    assert (state.run, state.started, state.who, state.finished) == (
        applied.run,
        applied.started,
        applied.who,
        True,
    )
    assert state.who
    assert ends(state) == ends(applied)
    assert state.account == applied.account
    assert all(line.time is not None for line in shown.logs["apply"].lines)
    assert any(str(line.text).startswith("install_agent done") for line in shown.logs["apply"].lines)
    undone = practice.undo(applied.run)
    for run in (applied.run, undone.run):
        shown = replayed(practice, run)
        assert ends(shown.states["apply"]) == ends(applied), "the run itself ended as it did"
        assert ends(shown.states["undo"]) == ends(undone)
    with pytest.raises(ProfileError) as refused:
        practice.apply(resume=applied.run)
    assert undone.run in str(refused.value)
    assert "apply without --resume" in str(refused.value)
    monkeypatch.setattr(Journal, "undone_since_it_began", lambda *_: None)  # as in versions that resumed it
    again = practice.apply(resume=applied.run)
    shown = replayed(practice, applied.run)
    assert "undo" not in shown.states, "it was undone before it was resumed"
    assert ends(shown.states["apply"]) == ends(again)


def test_the_last_run_of_a_profile_is_its_newest_apply_that_has_ended(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal, closing(Journal(tmp_path)) as other:
        for run, command, path, name in (
            ("r1", "apply", "/p.toml", "Lab"),
            ("r2", "apply", "/p.toml", "Lab"),
            ("r3", "check", "/p.toml", "Lab"),
            ("r4", "apply", "/q.toml", "Lab"),
            ("r5", "apply", "", "Lab"),
        ):
            journal.begin(run, command, path, json.dumps({"name": name}))

        def last(path: str, name: str = "Lab") -> str:
            record = last_run(journal, path, name)
            return record.run if record else ""

        assert [last("/p.toml"), last("/q.toml"), last("/r.toml"), last(""), last("", "Other")] == [
            "r2",
            "r4",
            "",
            "r5",
            "",
        ]
        with other.held("r2"):
            assert last("/p.toml") == "", "another process works on it"


def test_a_run_of_which_nothing_was_recorded_is_told(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.begin("r1", "apply", "/p.toml", "{}")
        with pytest.raises(OnboardError, match="contains no events"):
            list(replay(journal.run("r1"), journal))


def test_a_resumed_run_tells_who_is_online_once_it_has_asked_again(bench: Callable[..., Bench]) -> None:
    practice = bench(2)
    run = practice.apply().run
    again = practice.apply(resume=run)
    confirmed = {name: (host.steps["confirm"], host.instance_id) for name, host in again.hosts.items()}
    assert {outcome for outcome, _ in confirmed.values()} == {"done"}
    assert all(node and node.startswith("mi-") for _, node in confirmed.values())


def test_a_run_does_not_go_on_with_another_server_of_the_same_name(bench: Callable[..., Bench]) -> None:
    practice = bench(2)
    run = practice.apply().run
    first, second = practice.profile.hosts
    practice.profile = practice.profile.model_copy(update={"hosts": (first, second.model_copy(update={"port": 1}))})
    calls = practice.practice.cloud.calls.count
    with pytest.raises(ProfileError) as refused:
        practice.apply(resume=run)
    (problem,) = refused.value.problems
    assert problem.key == second.name
    assert practice.practice.cloud.calls.count == calls, "refused before anything is asked"


def test_only_a_run_of_apply_goes_on(bench: Callable[..., Bench]) -> None:
    practice = bench(1)
    run = practice.check().run
    with pytest.raises(ProfileError) as refused:
        practice.apply(resume=run)
    assert "a run of check" in str(refused.value.problems[0])


@pytest.mark.parametrize("is_approved", [True, False])
def test_a_run_that_was_stopped_while_servers_were_asked_goes_on(
    bench: Callable[..., Bench], *, is_approved: bool
) -> None:
    practice = bench(2)
    approved = practice.plan().plan if is_approved else None
    with practice.tools() as tools:
        cancel, state = CancelToken(), State()
        for event in apply(practice.profile, tools, cancel, approved=approved):
            state.fold(event)
            if isinstance(event, events.PhaseStarted):
                cancel.stop()
        assert bool(tools.journal.run(state.run).plan) is is_approved, "what was approved is kept, and nothing else"
    assert state.counts() == {"skipped": 2}
    assert practice.apply(resume=state.run).counts() == {"online": 2}


def test_a_run_that_another_process_works_on_is_left_alone(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal, closing(Journal(tmp_path)) as other:
        journal.begin("r1", "apply", "/p.toml", json.dumps({"name": "Lab", "hosts": []}))
        tools = Tools(cast("Connector", None), journal, tmp_path / "packages", KnownHosts(tmp_path / "known_hosts"))
        with other.held("r1"), pytest.raises(OnboardError, match="another process"):
            fold(apply(Profile(), tools, CancelToken(), resume=journal.run("r1")))
        assert list(journal.events("r1")) == []
        assert journal.run("r1").finished == ""


def test_a_run_resumed_into_its_state_takes_up_every_server_anew() -> None:
    state = State()
    began = events.RunStarted(run="r", command="apply", profile="p", hosts=("a", "b", "c"), started="now")
    for event in (
        began,
        events.StepFinished(host="a", step="confirm", outcome="done", instance_id="mi-1"),
        events.HostFinished(host="b", status=HostStatus.FAILED, reason="no"),
        events.RunFailed(kind="error", what="The engine ended by itself"),
    ):
        state.fold(event)
    assert state.hosts["a"].is_proven
    assert state.hosts["a"].instance_id == "mi-1"
    state.fold(began)
    assert (state.failure, state.finished) == (None, False)
    assert not state.hosts["a"].is_proven, "it is asked again"
    assert (state.hosts["b"].status, state.hosts["b"].finished) == (None, False)
    assert list(state.hosts) == ["a", "b", "c"], "their order stays"
