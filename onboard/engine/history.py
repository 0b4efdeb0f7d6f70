"""Earlier runs from the journal: list them, replay one, and preview what undoing one would change."""

from collections.abc import Iterator
from typing import Any

from onboard.aws.changes import catalog
from onboard.engine.journal import Journal, NotUnderstood, RunRecord, told
from onboard.engine.undo import undoing_now
from onboard.model.errors import OnboardError
from onboard.model.event_json import event_from_json
from onboard.model.events import (
    Event,
    KeptRun,
    Recorded,
    RunFinished,
    RunsListed,
    RunStarted,
    UndoShown,
)

LISTED = 50


def runs(journal: Journal, path: str = "") -> Iterator[Event]:
    """List the newest runs of all profiles, and the newest of the profile at `path`."""
    records = journal.runs()
    of_profile = [record for record in records if path and record.profile_path == path]
    listed = {record.run for record in (*records[:LISTED], *of_profile[:LISTED])}
    kept: list[KeptRun] = []
    not_understood = journal.not_understood()
    for record in records:
        if record.run in listed:
            try:
                kept.append(_kept(record, journal))
            except NotUnderstood as error:
                not_understood.append(error)
    yield from told(not_understood)
    yield RunsListed(runs=tuple(kept))
    yield RunFinished(run="", hosts={})


def last_run(journal: Journal, path: str, name: str) -> RunRecord | None:
    """The newest apply run of the profile at `path`, or called `name` if it has no file. None while it is running."""
    for record in journal.runs():
        if record.command == "apply" and record.profile_path == path and (path or _name(record) == name):
            return None if not record.finished and journal.is_held(record.run) else record
    return None


def replay(record: RunRecord, journal: Journal) -> Iterator[Event]:
    """A run's recorded events, then those of the runs that undid it later, without the facts.

    For an undo, the run that it undid is replayed. Raises OnboardError if nothing was recorded.
    """
    if record.undoes:
        record = journal.run(record.undoes)
    began = ""
    for recorded in _recorded(record, journal):
        if isinstance(recorded.told, RunStarted):
            began = (
                recorded.time or recorded.told.started
            )  # the recorded time is finer: an undo may take less than a second
        yield recorded
    if not began:
        raise OnboardError("The journal contains no events of this run", where=record.run)
    for undo in journal.undos_of(record.run):
        if undo.started >= began:  # otherwise the run was resumed after that undo
            yield from _recorded(undo, journal)
    yield RunFinished(run="", hosts={})


def _recorded(record: RunRecord, journal: Journal) -> Iterator[Recorded]:
    for time, line in journal.timed_events(record.run):
        event = event_from_json(line)
        if event is not None:
            yield Recorded(command=record.command, time=time, told=event)


def undo_preview(record: RunRecord, journal: Journal) -> Iterator[Event]:
    """Show what undoing the run would change; changes nothing."""
    undoing = undoing_now(record, journal)
    older: dict[str, Any] = {}
    for change in catalog.RUN_CHANGES:
        older |= change.older_fields(undoing.aws.get(change.name, {}))
    yield UndoShown(
        run=record.run,
        servers=tuple(undoing.steps),
        nodes=undoing.nodes,
        lines=undoing.lines,
        **older,
    )
    yield RunFinished(run="", hosts={})


def _name(record: RunRecord) -> str:
    try:
        return str(record.content().get("name", ""))
    except NotUnderstood:
        return ""


def _kept(record: RunRecord, journal: Journal) -> KeptRun:
    profile = record.content()
    about = record.content("plan") or profile
    hosts = about.get("hosts", ())
    return KeptRun(
        run=record.run,
        command=record.command,
        profile=str(profile.get("name", "")),
        path=record.profile_path,
        started=record.started,
        finished=record.finished,
        held=not record.finished and journal.is_held(record.run),
        hosts=record.hosts,
        servers=len(hosts) if isinstance(hosts, list) else 0,
        proven=len(journal.proven_in(record.run)) if record.command == "apply" else 0,
        who=record.who,
        arn=record.arn,
        undoes=record.undoes,
    )
