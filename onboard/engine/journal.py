"""The append-only journal: each run's profile, plan, changes before and after they are made, and events.

One SQLite file for all runs. Entries about changes are on the disk before and after each change (synchronous=FULL);
events, which can be lost without harm, use a separate connection that does not wait for the disk.

The file contains VERSION as SQLite's user_version; files from before it was written contain 0. A change of SCHEMA that
an older program would misread raises VERSION, and `_open` upgrades older files. A column with a default is not misread:
it is added where it is missing (ADDED), and VERSION stays.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from onboard.files import make_private_folder, refuse_others
from onboard.home import JOURNAL
from onboard.model.changes import ChangeName, Phase
from onboard.model.errors import OnboardError, Problem, ProfileError
from onboard.model.events import AccountIdentified, Event, Noted
from onboard.model.formats import shown
from onboard.model.place import Place
from onboard.model.plan import Plan, plan_from_json
from onboard.model.profile import Host, Profile
from onboard.model.words import Text

VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, started TEXT NOT NULL, command TEXT NOT NULL, profile_path TEXT NOT NULL,
    profile TEXT NOT NULL, plan TEXT NOT NULL DEFAULT '',
    finished TEXT NOT NULL DEFAULT '', hosts TEXT NOT NULL DEFAULT '{}',
    who TEXT NOT NULL DEFAULT '', arn TEXT NOT NULL DEFAULT '', undoes TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, time TEXT NOT NULL, host TEXT NOT NULL, change TEXT NOT NULL,
    phase TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_run ON entries (run);
CREATE INDEX IF NOT EXISTS entries_by_host ON entries (host, change);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, event TEXT NOT NULL, time TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS events_by_run ON events (run);
"""

# For queries that read the JSON: otherwise one damaged row would fail the whole query.
READABLE = """
PRAGMA temp_store=MEMORY;
CREATE TEMP VIEW readable_runs AS SELECT run, CASE WHEN json_valid(plan) THEN plan ELSE '{}' END AS plan FROM runs;
CREATE TEMP VIEW readable_entries AS
    SELECT id, run, host, change, phase, CASE WHEN json_valid(data) THEN data ELSE '{}' END AS data FROM entries;
"""

# (table, column) that files of earlier versions lack
ADDED = (("runs", "who"), ("runs", "arn"), ("runs", "undoes"), ("events", "time"))

_ABOUT_NODES = (ChangeName.REGISTER_AGENT, ChangeName.CONFIRM, ChangeName.DEREGISTER)
GLANCE = 0.2  # seconds; another process that only checks whether a run is held releases it much sooner
PATIENCE = 30.0  # seconds for another process to release the file
_MOVE_AWAY = (
    "Move it away, with the files next to it whose names begin with its name. A new one is created without earlier runs"
)
_REMEDIES = {
    sqlite3.SQLITE_FULL: "Free some disk space, then continue the run: apply --resume RUN",
    sqlite3.SQLITE_IOERR: "Free some disk space, or check the disk; then continue the run: apply --resume RUN",
    sqlite3.SQLITE_BUSY: "Another process is using it: stop that process, or wait until it is done",
    sqlite3.SQLITE_NOTADB: _MOVE_AWAY,
    sqlite3.SQLITE_CORRUPT: _MOVE_AWAY,
}


class NotUnderstood(OnboardError):
    """A record of the journal that a newer version wrote, or that is damaged. The others can still be used."""

    def __init__(self, run: str, why: str) -> None:
        super().__init__(
            "The journal's record of this run cannot be read",
            where=f"run {shown(run)}",
            why=why,
            remedy="A newer version of Onboard may have written it: use that version for this run",
        )


def told(errors: Iterable[NotUnderstood]) -> Iterator[Noted]:
    """Warnings that these records were skipped."""
    return (Noted.warning(Text("Skipped. {error}", error=error)) for error in errors)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as `onboard runs` lists it. Times are ISO 8601 in UTC.

    `finished` is "" for a run in progress, and for an interrupted one: see `Journal.is_held`.
    `who`: the operating system's user; `arn`: the identity in AWS; `undoes`: the run that an undo undoes. Each is ""
    if it is not known, as in files of earlier versions.
    """

    run: str
    started: str
    command: str
    profile_path: str
    profile: str
    plan: str
    finished: str
    who: str = ""
    arn: str = ""
    undoes: str = ""
    hosts: Mapping[str, int] = field(kw_only=True)

    def read_profile(self) -> Profile:
        """The profile that it ran with. Raises NotUnderstood."""
        with _understood(self.run, "its profile"):
            return Profile.model_validate_json(self.profile)

    def read_plan(self) -> Plan | None:
        """The plan that was approved, None if there is none yet. Raises NotUnderstood."""
        with _understood(self.run, "its plan"):
            return plan_from_json(json.loads(self.plan)) if self.plan else None

    def content(self, of: Literal["profile", "plan"] = "profile") -> Mapping[str, Any]:
        """The profile or plan as JSON, with any keys of a newer version; {} if there is none. Raises NotUnderstood."""
        with _understood(self.run, f"its {of}"):
            content = json.loads((self.profile if of == "profile" else self.plan) or "{}")
            if not isinstance(content, dict):
                raise TypeError("it is not an object")
            return content

    def places(self) -> dict[str, Place]:
        """Name → place of its servers, ignoring what else a newer version wrote about them. Raises NotUnderstood."""
        with _understood(self.run, "its servers"):
            hosts = self.content().get("hosts", ())
            known = [{key: host[key] for key in _PLACING if key in host} for host in hosts]
            return {host.name: host.place for host in map(Host.model_validate, known)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A change. `host` is "" for one in AWS; `data` contains no secret."""

    host: str
    change: str  # a ChangeName, except in files of later versions
    phase: Phase
    data: Mapping[str, str]


_PLACING = ("name", "address", "port", "protocol", "jump")
_RUN = re.compile(r"[A-Za-z0-9-]{1,64}")  # it is part of a lock's file name


@contextmanager
def _understood(run: str, what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotUnderstood(run, f"{what}: {type(error).__name__}") from None


def _record(columns: Sequence[Any]) -> RunRecord:
    """The record from a row of the table `runs`. Raises NotUnderstood."""
    run = columns[0]
    with _understood(str(run), "its entry in the list of runs"):
        if not all(isinstance(text, str) for text in columns) or not _RUN.fullmatch(run):
            raise TypeError
        *texts, hosts = columns
        record = RunRecord(*texts, hosts={str(status): int(count) for status, count in json.loads(hosts).items()})
        for time in (record.started, record.finished or record.started):
            datetime.fromisoformat(time)
        return record


def _entry(host: Any, change: Any, phase: Any, data: Any) -> Entry | None:
    """The entry from a row; None if the row cannot be read."""
    try:
        content, known = json.loads(data), Phase(phase)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (host, change, *content.values()) if isinstance(content, dict) else (None,)
    return Entry(host, change, known, content) if all(isinstance(text, str) for text in texts) else None


def _event(line: Any) -> dict[str, Any] | None:
    """The event from a row; None if the row cannot be read."""
    try:
        content = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _version_of(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def _add_columns(db: sqlite3.Connection) -> None:
    if not _lacking(db):
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        for table, column in _lacking(db):  # another process may have added them in the meantime
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")


def _lacking(db: sqlite3.Connection) -> list[tuple[str, str]]:
    there = {table: {row[1] for row in db.execute(f"PRAGMA table_info({table})")} for table, _ in ADDED}
    return [(table, column) for table, column in ADDED if column not in there[table]]


@dataclass(slots=True, eq=False)
class _Unwritten:
    """Entries that a thread wants on the disk."""

    entries: list[tuple[str, ...]]
    is_written: bool = False


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Journal:
    """Safe to use from several threads; several processes may read while one writes a run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / JOURNAL
        self._lock = threading.Lock()
        self._unwritten: list[_Unwritten] = []
        with self._told():
            make_private_folder(folder)
            self._path.touch(mode=0o600)
            refuse_others(self._path)
            if self._path.is_file():  # otherwise, opening it gives the best error
                self._refuse_newer()
            self._db = self._open(self._path, synchronous="FULL")
            self._events = self._open(self._path, synchronous="NORMAL")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn errors of the file into messages for people."""
        try:
            yield
        except (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.IntegrityError):
            raise  # a defect of this program
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended code
            raise OnboardError(
                "The journal of runs cannot be used",
                where=str(self._path),
                why=getattr(error, "strerror", None) or str(error),
                remedy=_REMEDIES.get(
                    code, "Make sure that you own its folder and can write to it, or set ONBOARD_HOME"
                ),
            ) from None

    def _refuse_newer(self) -> None:
        """Raise OnboardError if a newer version of this program wrote the file. Opens it read-only."""
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as db:
            version = _version_of(db)
        if version > VERSION:
            raise OnboardError(
                "The journal of runs was written by a newer version of Onboard",
                where=str(self._path),
                why=Text(
                    "It has version {version}; this program can read versions up to {known}",
                    version=version,
                    known=VERSION,
                ),
                remedy="Use that version, or set ONBOARD_HOME to a different folder, which will not show earlier runs",
            )

    @staticmethod
    def _open(path: Path, *, synchronous: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, check_same_thread=False, timeout=PATIENCE)
        db.text_factory = lambda text: text.decode(
            "utf-8", "replace"
        )  # so that a row with damaged text can still be read
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(f"PRAGMA synchronous={synchronous}")
            db.executescript(SCHEMA)
            if _version_of(db) < VERSION:
                db.execute(f"PRAGMA user_version={VERSION}")
            _add_columns(db)
            db.executescript(READABLE)
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        with self._lock:
            self._events.close()
            self._db.close()

    def hold(self, run: str) -> FileLock:
        """Take the run's lock, until it is released or the process ends. OnboardError if another process works on it.
        ValueError if `run` is not a run's id, because it is part of the lock's path.

        The lock file is never removed: otherwise one process could hold the old file, and another one a new file.
        """
        if not _RUN.fullmatch(run):
            raise ValueError("not the id of a run")
        lock = FileLock(self._folder / f"{run}.lock", mode=0o600)
        with self._told():
            try:
                lock.acquire(timeout=GLANCE, poll_interval=GLANCE / 20)
            except Timeout:
                raise OnboardError(
                    "This run is being worked on by another process",
                    where=run,
                    remedy="Wait until it has ended, or stop it first",
                ) from None
        return lock

    @contextmanager
    def held(self, run: str) -> Iterator[None]:
        """Hold the run's lock during a block; see `hold`."""
        lock = self.hold(run)
        try:
            yield
        finally:
            lock.release()

    def is_held(self, run: str) -> bool:
        """Whether a process works on the run."""
        try:
            self.hold(run).release()
        except OnboardError:
            return True
        return False

    def begin(
        self, run: str, command: str, profile_path: str, profile: str, *, who: str = "", undoes: str = ""
    ) -> None:
        with self._lock, self._told(), self._db:
            self._db.execute(
                "INSERT INTO runs (run, started, command, profile_path, profile, who, undoes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run, now(), command, profile_path, profile, who, undoes),
            )

    def forget(self, run: str) -> None:
        """Delete a run that was begun and then did nothing at all."""
        with self._lock, self._told(), self._db:
            self._db.execute("DELETE FROM runs WHERE run = ?", (run,))

    def begin_again(self, run: str) -> None:
        """Mark a run as unfinished because it continues: if it is interrupted now, it has not ended."""
        with self._lock, self._told(), self._db:
            self._db.execute("UPDATE runs SET finished = '' WHERE run = ?", (run,))

    def approve(self, run: str, plan: str) -> None:
        """Keep the plan that was approved, as JSON."""
        with self._lock, self._told(), self._db:
            self._db.execute("UPDATE runs SET plan = ? WHERE run = ?", (plan, run))

    def finish(self, run: str, hosts: Mapping[str, int]) -> None:
        with self._lock, self._told(), self._db:
            self._db.execute(
                "UPDATE runs SET finished = ?, hosts = ? WHERE run = ?", (now(), json.dumps(dict(hosts)), run)
            )

    def write(
        self, run: str, host: str, change: ChangeName, phase: Phase, data: Mapping[str, str] | None = None
    ) -> None:
        """Add an entry, which is on the disk when this returns."""
        self._add([(run, now(), host, change, phase, json.dumps(dict(data or {})))])

    def write_all(self, run: str, hosts: Iterable[str], change: ChangeName, phase: Phase) -> None:
        """Add the same entry for each of these servers."""
        self._add([(run, now(), host, change, phase, "{}") for host in hosts])

    def _add(self, entries: list[tuple[str, ...]]) -> None:
        """Whoever gets the lock writes what all others wait with, so that many servers share one wait for the disk."""
        mine = _Unwritten(entries)
        self._unwritten.append(mine)
        with self._lock:
            if mine.is_written:
                return
            together = list(self._unwritten)
            try:
                with self._told(), self._db:
                    self._db.executemany(
                        "INSERT INTO entries (run, time, host, change, phase, data) VALUES (?, ?, ?, ?, ?, ?)",
                        [entry for one in together for entry in one.entries],
                    )
            except BaseException:
                self._unwritten.remove(mine)  # the others try again
                raise
            del self._unwritten[: len(together)]
            for one in together:
                one.is_written = True

    def record(self, run: str, event: Event) -> None:
        """Add an event."""
        with self._lock, self._told(), self._events:
            self._events.execute(
                "INSERT INTO events (run, event, time) VALUES (?, ?, ?)", (run, event.to_line(), now())
            )
            if isinstance(event, AccountIdentified):
                self._events.execute("UPDATE runs SET arn = ? WHERE run = ?", (event.arn, run))

    def runs(self) -> list[RunRecord]:
        """All runs that can be read, the newest first."""
        return [record for record in self._records() if isinstance(record, RunRecord)]

    def not_understood(self) -> list[NotUnderstood]:
        """The runs that `runs` skips, and why."""
        return [record for record in self._records() if isinstance(record, NotUnderstood)]

    def _records(self) -> list[RunRecord | NotUnderstood]:
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT run, started, command, profile_path, profile, plan, finished, who, arn, undoes, hosts FROM runs"
                " ORDER BY started DESC, rowid DESC"
            ).fetchall()
        records: list[RunRecord | NotUnderstood] = []
        for row in rows:
            try:
                records.append(_record(row))
            except NotUnderstood as error:
                records.append(error)
        return records

    def run(self, run: str) -> RunRecord:
        """The run whose id begins with `run`. Raises ProfileError if there is none, or more than one."""
        found = [record for record in self.runs() if record.run.startswith(run)] if run else []
        if len(found) == 1 or (found and found[0].run == run):
            return found[0]
        for error in self.not_understood():
            if run and error.where == f"run {shown(run)}":
                raise error
        what = "no run has this id" if not found else "more than one run has an id that begins with this"
        raise ProfileError("RUN", (Problem(run or "''", what, "List the ids with: onboard runs"),))

    def entries(self, run: str, *, host: str | None = None) -> list[Entry]:
        """The run's entries in order, without those that cannot be read (see `passed_over`). `host`: only its own;
        "" for those in AWS.
        """
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT host, change, phase, data FROM entries WHERE run = :run AND (:host IS NULL OR host = :host)"
                " ORDER BY id",
                {"run": run, "host": host},
            ).fetchall()
        return [entry for row in rows if (entry := _entry(*row))]

    def passed_over(self, run: str) -> int:
        """How many entries and events of the run cannot be read."""
        with self._lock, self._told():
            entries = self._db.execute("SELECT host, change, phase, data FROM entries WHERE run = ?", (run,)).fetchall()
            events = self._db.execute(
                "SELECT event FROM events WHERE run = ? AND NOT coalesce(json_valid(event), 0)", (run,)
            ).fetchall()
        return sum(_entry(*row) is None for row in entries) + len(events)

    def events(self, run: str) -> Iterator[dict[str, Any]]:
        """The run's events as JSON objects, in order, without those that cannot be read (see `passed_over`)."""
        with self._lock, self._told():
            rows = self._db.execute("SELECT event FROM events WHERE run = ? ORDER BY id", (run,)).fetchall()
        return (event for (line,) in rows if (event := _event(line)) is not None)

    def timed_events(self, run: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The same as `events`, each with its recording time (ISO 8601 in UTC, "" in files of earlier versions), but
        without the facts, which are the largest part of a run.
        """
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT time, event FROM events WHERE run = ?"
                " AND CASE WHEN json_valid(event) THEN json_extract(event, '$.event') END <> 'facts_gathered'"
                " ORDER BY id",
                (run,),
            ).fetchall()
        return ((str(time), event) for time, line in rows if (event := _event(line)) is not None)

    def undos_of(self, run: str) -> list[RunRecord]:
        """The runs that undid it, the earliest first. Runs of earlier versions do not say what they undo; they are
        found by the entries that were undone while they were running.
        """
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT run FROM runs WHERE command = 'undo' AND (undoes = :run OR (undoes = '' AND EXISTS"
                " (SELECT 1 FROM entries WHERE entries.run = :run AND phase = :undone AND time >= started"
                " AND (finished = '' OR time <= finished))))",
                {"run": run, "undone": Phase.UNDONE},
            ).fetchall()
        found = {undo for (undo,) in rows}
        return [record for record in reversed(self.runs()) if record.run in found]

    def undone_since_it_began(self, run: str) -> RunRecord | None:
        """The newest undo of the run that began after the run was last started or resumed."""
        began = [
            time or str(event.get("started", ""))
            for time, event in self.timed_events(run)
            if event.get("event") == "run_started"
        ]
        undos = [undo for undo in self.undos_of(run) if undo.started >= max(began, default="")]
        return undos[-1] if undos else None

    def proven_in(self, run: str) -> dict[str, str]:
        """server → mi- id, for the servers whose nonce came back in this run and that were not undone later."""
        proven: dict[str, str] = {}
        for entry in self.entries(run):
            if entry.change == ChangeName.CONFIRM and entry.phase == Phase.DONE:
                proven[entry.host] = entry.data.get("instance_id", "")
            elif entry.change == ChangeName.CONFIRM:
                proven.pop(entry.host, None)
        return proven

    def registered(self, account: str, region: str) -> frozenset[str]:
        """mi- ids that runs registered there and did not prove or deregister later."""
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT change, json_extract(data, '$.node'), json_extract(data, '$.instance_id')"
                " FROM readable_entries JOIN readable_runs USING (run)"
                " WHERE change IN (?, ?, ?) AND phase = ?"
                " AND json_extract(plan, '$.account') = ? AND json_extract(plan, '$.region') = ?"
                " ORDER BY id",
                (*_ABOUT_NODES, Phase.DONE, account, region),
            ).fetchall()
        nodes: set[str] = set()
        for change, registered, other in rows:
            nodes.add(registered or "") if change == ChangeName.REGISTER_AGENT else nodes.discard(other)
        return frozenset(nodes - {""})

    def activations_of(self, run: str) -> frozenset[str]:
        """Ids of the activations that the run created, as far as they were journalled."""
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT DISTINCT json_extract(data, '$.id') FROM entries WHERE run = ?"
                " AND change IN ('create_activation', 'delete_activation') AND json_extract(data, '$.id') IS NOT NULL",
                (run,),
            ).fetchall()
        return frozenset(activation for (activation,) in rows)

    def activations_for(self, run: str, host: str) -> frozenset[str]:
        """Ids of the activations of all runs of `run`'s profile that began to register this server."""
        rows = self._of_profile(
            run,
            "SELECT DISTINCT json_extract(data, '$.id') FROM readable_entries"
            " WHERE change IN (:created, :deleted) AND json_extract(data, '$.id') IS NOT NULL"
            " AND run IN (SELECT run FROM entries WHERE host = :host AND change = :registered AND run IN same)",
            host=host,
            created=ChangeName.CREATE_ACTIVATION,
            deleted=ChangeName.DELETE_ACTIVATION,
            registered=ChangeName.REGISTER_AGENT,
        )
        return frozenset(activation for (activation,) in rows)

    def claimants(self, run: str, node: str) -> dict[str, bool]:
        """server → whether this node answered with the server's nonce, for all servers that runs of `run`'s profile
        registered as this node or proved by it.
        """
        rows = self._of_profile(
            run,
            "SELECT host, max(change = :confirmed) FROM readable_entries WHERE run IN same"
            " AND ((change = :registered AND json_extract(data, '$.node') = :node) OR"
            " (change = :confirmed AND phase = :done AND json_extract(data, '$.instance_id') = :node))"
            " GROUP BY host",
            node=node,
            confirmed=ChangeName.CONFIRM,
            registered=ChangeName.REGISTER_AGENT,
            done=Phase.DONE,
        )
        return {host: bool(proven) for host, proven in rows}

    def _of_profile(self, run: str, query: str, **values: str) -> list[Any]:
        """Rows of a query in which `same` contains the apply runs with the same profile as `run`."""
        same = (
            "WITH same(run) AS (SELECT run FROM runs WHERE command = 'apply'"
            " AND profile_path = (SELECT profile_path FROM runs WHERE run = :run)) "
        )
        with self._lock, self._told():
            return self._db.execute(same + query, {"run": run, **values}).fetchall()

    def proven(self) -> frozenset[tuple[str, str]]:
        """(server's name, mi- id) of every node whose nonce came back in any run and that was not undone later."""
        with self._lock, self._told():
            rows = self._db.execute(
                "SELECT host, phase, json_extract(data, '$.instance_id') FROM readable_entries"
                " WHERE change = ? ORDER BY id",
                (ChangeName.CONFIRM,),
            ).fetchall()
        proofs: set[tuple[str, str]] = set()
        for host, phase, instance_id in rows:
            (proofs.add if phase == Phase.DONE else proofs.discard)((host, instance_id))
        return frozenset(proofs)
