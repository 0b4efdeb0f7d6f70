"""Earlier runs, as the journal keeps them: which there are, and what undoing one would touch."""

import json
from collections.abc import Iterator

from onboard.engine.journal import Journal, RunRecord
from onboard.engine.undo import undoing_of
from onboard.model.events import Event, KeptRun, RunFinished, RunsListed, UndoShown

LISTED = 50


def runs(journal: Journal, path: str = "") -> Iterator[Event]:
    """List the newest runs of all profiles, and the newest of the profile at `path`."""
    records = journal.runs()
    of_profile = [record for record in records if path and record.profile_path == path]
    listed = {record.run for record in (*records[:LISTED], *of_profile[:LISTED])}
    yield RunsListed(runs=tuple(_kept(record, journal) for record in records if record.run in listed))
    yield RunFinished(run="", hosts={})


def undo_preview(record: RunRecord, journal: Journal) -> Iterator[Event]:
    """Tell what undoing the run would touch; touches nothing."""
    undoing = undoing_of(journal.entries(record.run))
    deletes = undoing.role.get("delete") == "role"
    yield UndoShown(
        run=record.run,
        servers=tuple(undoing.steps),
        nodes=undoing.nodes,
        role=undoing.role.get("role", ""),
        deletes_role=deletes,
        role_region="" if deletes else undoing.role.get("region", ""),
        detaches_policy=undoing.role.get("delete") == "policy",
    )
    yield RunFinished(run="", hosts={})


def _kept(record: RunRecord, journal: Journal) -> KeptRun:
    profile = json.loads(record.profile)
    about = json.loads(record.plan) if record.plan else profile
    return KeptRun(
        run=record.run,
        command=record.command,
        profile=profile.get("name", ""),
        path=record.profile_path,
        started=record.started,
        finished=record.finished,
        held=not record.finished and journal.is_held(record.run),
        hosts=record.hosts,
        servers=len(about.get("hosts", ())),
        proven=len(journal.proven_in(record.run)) if record.command == "apply" else 0,
        who=record.who,
        arn=record.arn,
        undoes=record.undoes,
    )
