"""Make and undo a run's changes in AWS, and journal each one before and after."""

from collections.abc import Generator, Iterable

from onboard.aws.changes import catalog
from onboard.aws.changes.base import Planned, RunChange, Undo, Undone
from onboard.aws.session import Aws
from onboard.engine.journal import Journal, NotUnderstood, RunRecord, told
from onboard.engine.registrations import Registrations
from onboard.model.cancel import CancelToken
from onboard.model.changes import Phase
from onboard.model.errors import AwsError
from onboard.model.events import Event
from onboard.model.profile import Profile


def make_all(
    planned: Iterable[tuple[RunChange, Planned]],
    run: str,
    aws: Aws,
    journal: Journal,
    cancel: CancelToken,
    registrations: Registrations,
) -> Generator[Event, None, None]:
    """Make what is planned. Add the activations that this creates to `registrations`."""
    for change, plan in planned:
        for part in plan.parts:
            journal.write(run, "", change.name, Phase.INTENT, part.planned_undo())
            try:
                made = part.make(aws, cancel)
            except AwsError as error:
                if not error.unanswered:
                    journal.write(run, "", change.name, Phase.FAILED)
                raise
            journal.write(run, "", change.name, Phase.DONE, made.kept)
            if made.activation:
                registrations.add(made.activation)
            yield from made.told


def end_all(
    run: str, profile: Profile, aws: Aws, journal: Journal, cancel: CancelToken | None = None
) -> Generator[Event, None, None]:
    """Undo the changes that end with their run, including those of an interrupted earlier attempt of it.

    AWS is asked once more for what the journal does not know, because AWS's answer was lost.
    """
    for change in reversed(catalog.RUN_CHANGES):
        if change.ends_with_run:
            yield from take_back(change, run, profile, aws, journal, cancel=cancel)


def end_former(
    run: str, profile_path: str, account: str, aws: Aws, journal: Journal, cancel: CancelToken | None = None
) -> Generator[Event, None, None]:
    """Do the same as `end_all` for earlier runs of this profile that were interrupted, or ended while AWS did not let
    them undo everything. `run`, which calls it, is left out.
    """
    for record in journal.runs():
        if record.run == run or (record.command, record.profile_path) != ("apply", profile_path):
            continue
        if not _is_something_left(record, journal):
            continue
        try:
            plan, profile = record.content("plan"), record.read_profile()
        except NotUnderstood as error:
            yield from told([error])
            continue
        if (plan.get("account"), plan.get("region")) == (account, aws.region) and not journal.is_held(record.run):
            yield from end_all(record.run, profile, aws, journal, cancel)


def _is_something_left(record: RunRecord, journal: Journal) -> bool:
    entries = journal.entries(record.run, host="")
    ending = [change for change in catalog.RUN_CHANGES if change.ends_with_run]
    return any(change.left(entries) or (not record.finished and change.unknown(entries)) for change in ending)


def take_back(
    change: RunChange,
    run: str,
    profile: Profile,
    aws: Aws,
    journal: Journal,
    own: frozenset[str] = frozenset(),
    *,
    cancel: CancelToken | None = None,
) -> Generator[Event, None, None]:
    """Undo one change, if anything of it is left. `own`: see `Undo`."""
    entries = journal.entries(run, host="")
    left = {**(change.unknown(entries) if change.ends_with_run else {}), **change.left(entries)}
    if not left:
        return
    is_whole = True
    for item in change.undo(Undo(aws, profile, run, left, own, cancel or CancelToken())):
        if isinstance(item, Undone):
            journal.write(run, "", item.change, item.phase, item.kept)
            yield item.told
        else:
            is_whole = False
            yield item
    if is_whole and change.ends_with_run:
        journal.write(run, "", change.name, Phase.UNDONE)
