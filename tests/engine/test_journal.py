"""The journal keeps what a run did, for the run after a crash."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from onboard.cli.output import JsonLines, follow
from onboard.engine.command import Begun, conduct
from onboard.engine.journal import VERSION, Journal
from onboard.engine.workbench import Tools
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError, ProfileError
from onboard.model.event_json import event_from_json
from onboard.model.events import AccountIdentified, Event, HostFinished, Noted, RunFailed, RunFinished
from onboard.model.profile import Host, Profile

if TYPE_CHECKING:
    from onboard.hosts.connection import Connector


def test_entries_come_back_in_order_and_with_their_data(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.begin("r1", "apply", "p.toml", "{}")
        journal.write("r1", "web1", "install_agent", "intent", {"before": "none"})
        journal.write("r1", "web1", "install_agent", "done")
    with closing(Journal(tmp_path)) as journal:
        entries = journal.entries("r1")
    assert [(entry.host, entry.change, entry.phase) for entry in entries] == [
        ("web1", "install_agent", "intent"),
        ("web1", "install_agent", "done"),
    ]
    assert entries[0].data == {"before": "none"}


def test_an_entry_survives_the_sudden_death_of_its_process(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from onboard.engine.journal import VERSION, Journal
journal = Journal(Path({str(tmp_path)!r}))
journal.begin("r1", "apply", "p.toml", "{{}}")
journal.write("r1", "web1", "register_agent", "intent")
os.kill(os.getpid(), 9)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -9
    with closing(Journal(tmp_path)) as journal:
        assert [entry.change for entry in journal.entries("r1")] == ["register_agent"]
        journal.hold("r1").release()


def test_a_run_is_worked_on_by_one_process_at_a_time(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as first, closing(Journal(tmp_path)) as second:
        with first.held("r1"), pytest.raises(OnboardError, match="another process"):
            second.hold("r1")
        assert (tmp_path / "r1.lock").exists(), "whoever waits for this file must not get one that nobody else sees"
        second.hold("r1").release()


def test_entries_of_many_threads_share_one_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[str] = []
    connect = sqlite3.connect

    def traced(*given: Any, **options: Any) -> sqlite3.Connection:
        db = connect(*given, **options)
        db.set_trace_callback(lambda said: commits.append(said) if said == "COMMIT" else None)
        return db

    monkeypatch.setattr("sqlite3.connect", traced)
    threads = 20
    with closing(Journal(tmp_path)) as journal, closing(connect(tmp_path / "journal.sqlite")) as other:
        journal.begin("r1", "apply", "p.toml", "{}")
        commits.clear()
        other.execute("BEGIN IMMEDIATE")  # nobody else may write now
        arrived = threading.Barrier(threads + 1)

        def write(name: str) -> None:
            arrived.wait()
            journal.write("r1", name, "install_agent", "intent", {"of": name})
            journal.write_all("r1", [name, f"{name}-twin"], "install_agent", "done")

        with ThreadPoolExecutor(threads) as pool:
            written = [pool.submit(write, f"web{number}") for number in range(threads)]
            arrived.wait()
            time.sleep(0.5)  # until nearly all wait for the first one
            other.rollback()
        for one in written:
            one.result()
        entries = journal.entries("r1")
    assert len(commits) < 1.5 * threads, "of 40"
    assert len(entries) == 3 * threads
    for number in range(threads):
        mine = [(entry.phase, entry.data) for entry in entries if entry.host == f"web{number}"]
        assert mine == [("intent", {"of": f"web{number}"}), ("done", {})]


def test_each_thread_hears_that_its_entry_was_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.engine.journal.PATIENCE", 0.05)
    with closing(Journal(tmp_path)) as journal, closing(sqlite3.connect(tmp_path / "journal.sqlite")) as other:
        journal.begin("r1", "apply", "p.toml", "{}")
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(4) as pool:
            tried = [pool.submit(journal.write, "r1", f"web{n}", "install_agent", "intent") for n in range(4)]
            assert {type(one.exception()) for one in tried} == {OnboardError}
        other.rollback()
        journal.write("r1", "web9", "install_agent", "intent")
        assert [entry.host for entry in journal.entries("r1")] == ["web9"]


def test_others_may_write_and_read_while_a_run_goes_on(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as first, closing(Journal(tmp_path)) as second:
        first.begin("r1", "apply", "p.toml", "{}")
        first.record("r1", Noted(text="one"))
        second.begin("r2", "check", "p.toml", "{}")
        second.record("r2", Noted(text="two"))
        assert [event["text"] for event in second.events("r1")] == ["one"]
        assert {record.run for record in first.runs()} == {"r1", "r2"}


def test_a_run_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        for run in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
            journal.begin(run, "apply", "p.toml", "{}")
        assert journal.run("20260102").run == "20260102-000000-bbbb"
        for wrong, why in (("2026", "more than one run"), ("", "no run"), ("1999", "no run")):
            with pytest.raises(ProfileError) as refused:
                journal.run(wrong)
            assert why in str(refused.value.problems[0])


def test_a_proof_counts_until_it_is_undone(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.write("r1", "web1", "confirm", "done", {"instance_id": "mi-1"})
        journal.write("r1", "web2", "confirm", "done", {"instance_id": "mi-2"})
        journal.write("r1", "web2", "confirm", "undone", {"instance_id": "mi-2"})
        assert journal.proven() == {("web1", "mi-1")}


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "home")) as journal:
        journal.begin("r1", "apply", "p.toml", "{}")
        modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "home").iterdir()}
    assert modes
    assert not any(modes.values()), modes


def test_a_change_is_on_the_disk_when_write_returns(tmp_path: Path) -> None:
    """SQLite waits for the disk only with synchronous=FULL; a WAL alone may lose the last commits."""
    with closing(Journal(tmp_path)) as journal:
        level: int = journal._db.execute("PRAGMA synchronous").fetchone()[0]
    assert level == 2
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.parametrize(
    ("content", "why", "remedy"),
    [(b"no database, however long it is " * 40, "not a database", "Move it away"), (None, "directory", "ONBOARD_HOME")],
)
def test_a_file_that_is_no_journal_is_told(tmp_path: Path, content: bytes | None, why: str, remedy: str) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content) if content else path.mkdir()
    with pytest.raises(OnboardError) as told:
        Journal(tmp_path)
    assert told.value.where == str(path)
    assert why in told.value.why or "unable to open" in told.value.why
    assert remedy in told.value.remedy


def test_a_journal_that_another_process_never_lets_go_of_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboard.engine.journal.PATIENCE", 0.1)
    with closing(Journal(tmp_path)) as journal, closing(sqlite3.connect(tmp_path / "journal.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OnboardError, match="locked"):
            journal.write("r1", "a", "step", "intent")


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def test_a_journal_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal(tmp_path)) as journal:
        journal.begin("r1", "apply", "p.toml", "{}")
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    content = path.read_bytes()
    with pytest.raises(OnboardError, match="newer version of Onboard") as refused:
        Journal(tmp_path)
    assert refused.value.where == str(path)
    assert f"version {VERSION + 1}" in refused.value.why
    assert "Use that version" in refused.value.remedy
    assert path.read_bytes() == content


def test_a_newer_journal_whose_writer_was_killed_is_refused_too(tmp_path: Path) -> None:
    """Its version stands in the write-ahead log only, which a look must not write into the file."""
    program = f"""
import os, sqlite3
db = sqlite3.connect({str(tmp_path / "journal.sqlite")!r})
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA user_version={VERSION + 1}")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], check=False)
    content = (tmp_path / "journal.sqlite").read_bytes()
    with pytest.raises(OnboardError, match="newer version of Onboard"):
        Journal(tmp_path)
    assert (tmp_path / "journal.sqlite").read_bytes() == content


def test_a_journal_from_before_versions_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(Journal(tmp_path)) as journal:
        journal.begin("r1", "apply", "p.toml", "{}")
    assert version_of(path) == VERSION
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=0")
    with closing(Journal(tmp_path)) as journal:
        assert [record.run for record in journal.runs()] == ["r1"]
    assert version_of(path) == VERSION


EARLIER = """
CREATE TABLE runs (
    run TEXT PRIMARY KEY, started TEXT NOT NULL, command TEXT NOT NULL, profile_path TEXT NOT NULL,
    profile TEXT NOT NULL, plan TEXT NOT NULL DEFAULT '',
    finished TEXT NOT NULL DEFAULT '', hosts TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, time TEXT NOT NULL, host TEXT NOT NULL, change TEXT NOT NULL,
    phase TEXT NOT NULL, data TEXT NOT NULL
);
CREATE TABLE events (id INTEGER PRIMARY KEY, run TEXT NOT NULL, event TEXT NOT NULL);
INSERT INTO runs VALUES ('r1', '2026-11-24T08:00:00.000+00:00', 'apply', 'p.toml', '{}', '', '', '{}');
INSERT INTO entries VALUES (1, 'r1', '2026-11-24T09:30:00.000+00:00', 'a', 'confirm', 'undone', '{}');
INSERT INTO events VALUES (1, 'r1', '{"event": "run_finished", "v": 1, "run": "r1", "hosts": {}}');
INSERT INTO runs VALUES ('u1', '2026-11-24T09:00:00.000+00:00', 'undo', 'p.toml', '{}', '',
    '2026-11-24T10:00:00.000+00:00', '{}');
INSERT INTO runs VALUES ('u2', '2026-11-24T09:50:00.000+00:00', 'undo', 'p.toml', '{}', '', '', '{}');
"""


def earlier_journal(folder: Path) -> None:
    """A journal as the first versions wrote it: without who, without times of events, an undo without its run."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        db.executescript(EARLIER)


def test_a_journal_of_an_earlier_version_is_read_and_goes_on(tmp_path: Path) -> None:
    earlier_journal(tmp_path)
    with closing(Journal(tmp_path)) as journal:
        assert (journal.run("r1").who, journal.run("r1").arn) == ("", "")
        assert [time for time, _ in journal.timed_events("r1")] == [""]
        assert [undo.run for undo in journal.undos_of("r1")] == ["u1"], "the one in whose time it was undone"
        journal.begin("r2", "undo", "p.toml", "{}", who="ada", undoes="r1")
        assert journal.run("r2").who == "ada"
        assert [undo.run for undo in journal.undos_of("r1")] == ["u1", "r2"]
        assert journal.undos_of("r2") == []


def test_an_account_is_kept_with_its_run(tmp_path: Path) -> None:
    identified = AccountIdentified(account="1", arn="arn:aws:iam::1:user/ada", partition="aws", region="r")
    with closing(Journal(tmp_path)) as journal:
        for run in ("r1", "r2"):
            journal.begin(run, "apply", "p.toml", "{}")
        journal.record("r1", identified)
        assert [journal.run(run).arn for run in ("r1", "r2")] == [identified.arn, ""]
        ((time, event),) = journal.timed_events("r1")
        assert (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds() < 60
        assert event_from_json(event) == identified


def full(journal: Journal) -> None:
    """From here on the disk is full, as far as the journal can tell."""
    for db in (journal._db, journal._events):
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count={pages}")


def test_a_run_whose_disk_is_full_stops_and_says_so(tmp_path: Path) -> None:
    cancel = CancelToken()
    with closing(Journal(tmp_path)) as journal:
        tools = Tools(cast("Connector", None), journal, tmp_path, KnownHosts(tmp_path / "known_hosts"))

        def body(_: str) -> Generator[Event, None, None]:
            full(journal)
            for _ in range(2000):
                cancel.check()
                yield Noted(text="x" * 100)

        hosts = (Host(name="a"),)
        told = list(conduct(Begun(command="apply", profile=Profile(), hosts=hosts), body, tools, cancel))
        assert len(told) < 1000
        assert isinstance(told[-1], RunFinished)
        failed = next(event for event in told if isinstance(event, RunFailed))
        assert "full" in failed.why
        assert "Free some disk space" in failed.remedy
        (end,) = [event for event in told if isinstance(event, HostFinished)]
        assert end.reason == "The journal of runs cannot be used"
        assert follow(told, JsonLines(), cancel)[1] == 1, "nobody interrupted it"
        with pytest.raises(OnboardError, match="full"):
            journal.write("r", "a", "step", "intent", {"text": "x" * 1_000_000})
