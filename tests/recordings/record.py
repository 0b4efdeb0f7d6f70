"""Makes recordings of practice runs: what a version of this program leaves on disk, as data for the versions after it.

    PYTHONPATH=CHECKOUT .venv/bin/python tests/recordings/record.py FOLDER

runs the program of CHECKOUT, a checkout of the version to record, and writes a folder for each recording below FOLDER:
`profile.toml`, `plan.json` where a saved plan was applied, and `journal.sqlite`. Run it by hand, once per version: what
is there already stays. No test runs it, since a recording made today says nothing about yesterday's version.

Where a run is to be broken off, its process is killed at an event. It may get a little further before it dies, so each
recording says what has to be in its journal, and is made again when it is not.
"""

import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onboard.model.profile import Profile
from onboard.profiles.file import load, save

WORK = Path("/tmp/onboard-recording")  # a neutral folder: its path is in profiles and journals
ATTEMPTS = 20
SERVERS = 8  # one of each kind
Event = Mapping[str, Any]
Events = list[dict[str, Any]]


@dataclass(frozen=True)
class Recording:
    """A practice run to record.

    hosts      the servers it is about; empty: all
    change     what its profile has besides
    saved      whether a plan is made, saved and then applied
    killed_at  the event at which apply is killed; None: it ends
    wanted     whether the events in the journal are those that the recording is for
    undone     whether the run is undone afterwards
    """

    hosts: tuple[str, ...] = ()
    change: Mapping[str, Any] = field(default_factory=dict)
    saved: bool = False
    killed_at: Callable[[Events], bool] | None = None
    wanted: Callable[[Events], bool] = lambda told: True
    undone: bool = False


def number(told: Events, event: str, **fields: str) -> int:
    return sum(line["event"] == event and fields.items() <= line.items() for line in told)


THREE = ("clone", "healthy-debian", "healthy-rhel")  # one of the two clones alone is a healthy server
ONE_AT_A_TIME = {"run": {"concurrency": 1}}
RECORDINGS = {
    "ended": Recording(saved=True),
    "judged-only": Recording(
        hosts=THREE,
        killed_at=lambda told: number(told, "host_judged") == 3,
        wanted=lambda told: number(told, "host_judged") == 3 and not number(told, "step_started"),
    ),
    "confirmed-without-end": Recording(
        hosts=THREE,
        change=ONE_AT_A_TIME,
        saved=True,
        killed_at=lambda told: number(told, "step_finished", step="confirm") == 1,
        wanted=lambda told: (
            number(told, "step_finished", step="confirm") == 1
            and number(told, "step_started", step="configure_agent") == 1
            and not number(told, "host_finished")
        ),
    ),
    "steps-under-way": Recording(
        hosts=THREE,
        change={"run": {"canary": 0}},
        killed_at=lambda told: number(told, "step_started", step="register_agent") == 1,
        wanted=lambda told: (
            number(told, "step_started", step="register_agent") > 0 and not number(told, "step_started", step="confirm")
        ),
    ),
    "some-of-each": Recording(
        hosts=THREE,
        change=ONE_AT_A_TIME,
        saved=True,
        killed_at=lambda told: number(told, "step_started", step="install_agent") == 2,
        wanted=lambda told: (
            number(told, "step_finished", step="confirm") == 1
            and number(told, "step_started", step="install_agent") == 2
            and number(told, "step_started", step="confirm") == 1
        ),
    ),
    "undone": Recording(hosts=("healthy-debian", "healthy-rhel"), undone=True),
    "with-a-fix": Recording(
        hosts=("healthy-debian", "no-amazon-roots"), change={"run": {"fixes": ("install_roots",)}}, saved=True
    ),
    "with-tags": Recording(
        hosts=("healthy-debian", "healthy-rhel"),
        change={
            "activation": {"tags": {"Owner": "operations", "Cost centre": "4711"}},
            "host_tags": {"healthy-rhel": {"Name": "db-1", "Tier": "data"}},
        },
        saved=True,
    ),
}


def main(folder: Path) -> None:
    for name, recording in RECORDINGS.items():
        if (folder / name).exists():
            continue
        for attempt in range(1, ATTEMPTS + 1):
            shutil.rmtree(WORK, ignore_errors=True)
            told = made(recording)
            if recording.wanted(told):
                break
            print(f"{name}: not what is wanted, attempt {attempt}")
        else:
            sys.exit(f"{name}: not got in {ATTEMPTS} attempts")
        keep(WORK, folder / name)
        print(f"{name}: {len(told)} events, {(folder / name / 'journal.sqlite').stat().st_size} bytes")
        shutil.rmtree(WORK)


def made(recording: Recording) -> Events:
    """Practise as the recording wants; the events of its apply as they stand in the journal."""
    WORK.mkdir()
    with practice() as environment:
        profile = changed(load(WORK / "practice" / "profile.toml"), recording)
        save(profile, WORK / "profile.toml")
        (WORK / "home").mkdir()
        shutil.copy(WORK / "practice" / "known_hosts", WORK / "home" / "known_hosts")
        with_profile = ("--profile", str(WORK / "profile.toml"))
        how = ["--yes"]
        if recording.saved:
            program(environment, "plan", *with_profile, "-o", str(WORK / "plan.json"))
            how = ["--plan", str(WORK / "plan.json")]
        apply(environment, recording.killed_at, "apply", *with_profile, *how)
        with closing(sqlite3.connect(WORK / "home" / "journal.sqlite")) as db:
            (run,) = db.execute("SELECT run FROM runs WHERE command = 'apply'").fetchone()
            lines = db.execute("SELECT event FROM events WHERE run = ? ORDER BY id", (run,)).fetchall()
        if recording.undone:
            program(environment, "undo", run, "--yes")
    return [json.loads(line) for (line,) in lines]


def changed(profile: Profile, recording: Recording) -> Profile:
    change = dict(recording.change)
    tags = change.pop("host_tags", {})
    hosts = [
        host.model_copy(update={"tags": tags.get(host.name, {})})
        for host in profile.hosts
        if not recording.hosts or host.name in recording.hosts
    ]
    sections = {name: getattr(profile, name).model_copy(update=values) for name, values in change.items()}
    return profile.model_copy(update={"hosts": tuple(hosts), **sections})


@contextmanager
def practice() -> Iterator[dict[str, str]]:
    """A practice that serves; the environment of programs that work on it."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ONBOARD_", "SSH_"))}
    command = [sys.executable, "-m", "onboard", "practice", "--serve", str(WORK / "practice"), "--hosts", str(SERVERS)]
    with subprocess.Popen(command, env=bare, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as serving:
        try:
            assert serving.stdout is not None
            assert serving.stdout.readline() == "ready\n"
            lines = (WORK / "practice" / "env").read_text().splitlines()
            variables = dict(line.split("=", 1) for line in lines)
            aws = {name: shlex.split(text)[0] if text else "" for name, text in variables.items()}
            yield {**bare, **aws, "HOME": str(WORK), "ONBOARD_HOME": str(WORK / "home")}
        finally:
            serving.send_signal(signal.SIGTERM)


def program(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "onboard", *arguments, "--json"], env=environment, capture_output=True, check=False
    )
    if done.returncode not in (0, 1):
        sys.exit(f"{arguments}: {done.returncode}\n{done.stderr.decode()}\n{done.stdout.decode()[-2000:]}")


def apply(environment: dict[str, str], killed_at: Callable[[Events], bool] | None, *arguments: str) -> None:
    command = [sys.executable, "-m", "onboard", *arguments, "--json"]
    told: Events = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(json.loads(line))
            if killed_at and killed_at(told):
                process.kill()
                break


def keep(work: Path, folder: Path) -> None:
    """Keep profile, plan and journal, and see that the practice's private key is not in them."""
    folder.mkdir(parents=True)
    for name in ("profile.toml", "plan.json"):
        if (work / name).exists():
            shutil.copy(work / name, folder / name)
    with closing(sqlite3.connect(work / "home" / "journal.sqlite")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("VACUUM")
    shutil.copy(work / "home" / "journal.sqlite", folder / "journal.sqlite")
    (folder / "journal.sqlite").chmod(0o644)
    key = (work / "practice" / "id_ed25519").read_text().splitlines()[2:-1]  # the lines before hold the public key
    for file in folder.iterdir():
        content = file.read_bytes()
        assert b"PRIVATE KEY" not in content, file
        assert not [line for line in key if line.encode() in content], file


if __name__ == "__main__":
    main(Path(sys.argv[1]))
