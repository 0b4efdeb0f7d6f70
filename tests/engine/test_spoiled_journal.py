"""Records that a newer version wrote, or that were damaged, are told by their run and passed over."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cli.conftest import Console, console  # noqa: F401 - a fixture
from engine.conftest import Bench

from onboard.engine.apply import apply
from onboard.engine.history import runs, undo_preview
from onboard.engine.journal import Journal, NotUnderstood
from onboard.engine.other_runs import other_run_on
from onboard.home import JOURNAL
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.events import Noted, RunsListed
from onboard.model.profile import Host, Profile
from onboard.model.state import fold
from onboard.model.status import HostStatus

WEB = Host(name="web", address="192.0.2.1")
NEWER = json.dumps({"name": "n", "colour": "red", "hosts": [{"name": "web", "address": "192.0.2.1", "shape": "round"}]})
DAMAGED = ("../../escape", "bad-hosts", "bad-time", "bad-type")


def spoil(folder: Path, path: str = "/p.toml") -> None:
    """A good run, and around it runs and records that are not."""
    with closing(Journal(folder)) as journal:
        journal.begin("good", "apply", path, Profile(name="n", hosts=(WEB,)).model_dump_json(by_alias=True))
        journal.write("good", "web", "register_agent", "done", {"node": "mi-1"})
        journal.begin("newer", "apply", path, NEWER)
        journal.begin("bad-profile", "apply", path, "[[[")
        journal.write("bad-profile", "", "create_activation", "intent")  # it may have left one in AWS
        for run in DAMAGED:
            journal.begin(run, "apply", path, "{}")
    with closing(sqlite3.connect(folder / JOURNAL)) as db, db:
        db.execute("UPDATE runs SET plan = '{' WHERE run = 'newer'")
        db.execute("UPDATE runs SET hosts = '[1' WHERE run = 'bad-hosts'")
        db.execute("UPDATE runs SET started = 'yesterday' WHERE run = 'bad-time'")
        db.execute("UPDATE runs SET who = x'ff00' WHERE run = 'bad-type'")
        entry = "INSERT INTO entries (run, time, host, change, phase, data) VALUES ('good', '', 'web', 'x', 'done', ?)"
        db.executemany(entry, [("{",), ('"text"',), ('{"node": 5}',), ("[" * 100_000,)])
        for event in ("{", "5", "\udcff".encode("utf-8", "surrogateescape")):
            db.execute("INSERT INTO events (run, event) VALUES ('good', cast(? AS TEXT))", (event,))


def test_damaged_runs_are_passed_over_and_told(tmp_path: Path) -> None:
    spoil(tmp_path)
    with closing(Journal(tmp_path)) as journal:
        assert {record.run for record in journal.runs()} == {"good", "newer", "bad-profile"}
        assert {error.where for error in journal.not_understood()} == {f'run "{run}"' for run in DAMAGED}
        told = list(runs(journal))
        notes = [event.text for event in told if isinstance(event, Noted) and event.level == "warning"]
        assert all(any(f'run "{run}"' in note for note in notes) for run in (*DAMAGED, "bad-profile", "newer"))
        (listed,) = [event for event in told if isinstance(event, RunsListed)]
        assert {run.run for run in listed.runs} == {"good"}
        with pytest.raises(NotUnderstood, match="bad-hosts"):
            journal.run("bad-hosts")


def test_damaged_entries_and_events_are_passed_over_and_counted(tmp_path: Path) -> None:
    spoil(tmp_path)
    with closing(Journal(tmp_path)) as journal:
        assert [entry.change for entry in journal.entries("good")] == ["register_agent"]
        assert (list(journal.events("good")), list(journal.timed_events("good"))) == ([], [])
        assert journal.passed_over("good") == 6
        assert journal.claimants("good", "mi-1") == {"web": False}
        assert journal.activations_for("good", "web") == frozenset()
        assert journal.registered("1", "r") == frozenset()
        assert journal.proven_in("good") == {}
        journal.proven()


def test_no_run_of_a_journal_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    with closing(Journal(tmp_path / "home")) as journal:
        for run in ("../escape", "a/b", "", "/tmp/escape", "a\0b", ".."):
            with pytest.raises(ValueError, match="not the id"):
                journal.hold(run)
    assert not (tmp_path / "escape.lock").exists()


def test_servers_of_a_newer_versions_run_are_known(tmp_path: Path) -> None:
    """While it goes on nothing else changes them; what it changed is not taken back before it."""
    spoil(tmp_path)
    known = KnownHosts(tmp_path / "known_hosts")
    with closing(Journal(tmp_path)) as journal, closing(Journal(tmp_path)) as other:
        assert journal.run("newer").places() == {"web": WEB.place}
        assert other_run_on([WEB], journal, known, own=()) is None
        with other.held("newer"):
            refusal = other_run_on([WEB], journal, known, own=())
            assert refusal is not None
            assert "changing web" in refusal.what
            assert other_run_on([Host(name="elsewhere")], journal, known, own=()) is None
        journal.write("newer", "web", "configure_agent", "done")
        with closing(sqlite3.connect(tmp_path / JOURNAL)) as db, db:
            db.execute("UPDATE runs SET started = '2026-01-01' WHERE run = 'good'")
        shown = fold(undo_preview(journal.run("good"), journal)).undoing
        assert shown is not None
        assert shown.servers == ()


def test_apply_and_undo_tell_of_them_and_go_on(bench: Callable[..., Bench], tmp_path: Path) -> None:
    practice = bench(1)
    spoil(practice.folder, str(tmp_path / "p.toml"))
    with practice.tools() as tools:
        state = fold(apply(practice.profile, tools, CancelToken(), profile_path=str(tmp_path / "p.toml")))
    assert state.failure is None
    assert {host.status for host in state.hosts.values()} == {HostStatus.ONLINE}
    assert all(any(run in note.text for note in state.notes) for run in (*DAMAGED, "bad-profile"))
    undone = practice.undo(state.run)
    assert undone.failure is None
    assert all(any(run in note.text for note in undone.notes) for run in DAMAGED)


def test_the_command_line_tells_of_them(console: Console) -> None:  # noqa: F811 - the fixture
    spoil(Path(console.environment["ONBOARD_HOME"]))
    listed = console("runs")
    assert "good" in listed.out
    assert all(run in listed.err for run in DAMAGED)
    assert "6 records cannot be read" in console("report", "good").err
    for run in ("bad-profile", "newer"):
        refused = console("undo", run, "--yes", code=1)
        assert f'run "{run}"' in refused.err
        assert "cannot be read" in refused.err
