"""The recordings beside this file: what versions before this one left on disk."""

import json
import re
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from onboard.engine.journal import Journal, RunRecord
from onboard.model.plan import Plan, plan_from_json
from onboard.model.profile import Profile

FOLDER = Path(__file__).parent
RECORDINGS = tuple(
    sorted(f"{path.parent.parent.name}/{path.parent.name}" for path in FOLDER.glob("*/*/journal.sqlite"))
)
SAVED_PLANS = tuple(name for name in RECORDINGS if (FOLDER / name / "plan.json").exists())


def take(recording: str, home: Path) -> None:
    """Lay a copy of the recording's journal into a program's home."""
    home.mkdir(exist_ok=True)
    shutil.copy(FOLDER / recording / "journal.sqlite", home / "journal.sqlite")


def run_of(journal: Journal, command: str = "apply") -> RunRecord:
    """The recording's only run of a command."""
    (record,) = [record for record in journal.runs() if record.command == command]
    return record


def hashes_of(plan: Plan) -> dict[str, str]:
    """package → SHA-256 of what the plan installs."""
    changes = [change for host in plan.hosts for change in host.changes if change.name == "install_agent"]
    return {change.detail["package"]: change.detail["sha256"] for change in changes}


def move(home: Path, practice: Profile, hashes: Mapping[str, str]) -> Profile:
    """Let the recorded runs have been about the servers of the same names of a practice that runs now.

    A practice's ports, and the file of its key, differ each time, and the hash of its agent packages (`hashes`) with
    each version of its stand-in agent. The rest stays; the moved profile.
    """
    ports = {host.name: host.port for host in practice.hosts}
    with closing(sqlite3.connect(home / "journal.sqlite")) as db, db:
        (text,) = db.execute("SELECT profile FROM runs WHERE command = 'apply'").fetchone()
        was = Profile.model_validate(json.loads(text))
        moved = {f'"port": {host.port}': f'"port": {ports[host.name]}' for host in was.hosts}
        moved[f"{was.aws.endpoint_url}"] = f"{practice.aws.endpoint_url}"
        (key_file,), (new_key_file,) = (
            [credential.key_file for credential in profile.credentials.values()] for profile in (was, practice)
        )
        moved[f"{key_file}"] = f"{new_key_file}"
        for (plan,) in db.execute("SELECT plan FROM runs WHERE plan <> ''").fetchall():
            recorded = hashes_of(plan_from_json(json.loads(plan)))
            moved |= {old: hashes[package] for package, old in recorded.items()}
        place = re.compile("|".join(rf"{re.escape(old)}\b" for old in moved))
        for run, profile, plan in db.execute("SELECT run, profile, plan FROM runs").fetchall():
            texts = [place.sub(lambda found: moved[found[0]], text) for text in (profile, plan)]
            db.execute("UPDATE runs SET profile = ?, plan = ? WHERE run = ?", (*texts, run))
        (text,) = db.execute("SELECT profile FROM runs WHERE command = 'apply'").fetchone()
    return Profile.model_validate(json.loads(text))
