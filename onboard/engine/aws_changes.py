"""Make and undo a run's changes in AWS, and journal each one before and after."""

from collections.abc import Generator, Iterable

from onboard.aws.changes import catalog
from onboard.aws.changes.base import Planned, RunChange, Undo, Undone
from onboard.aws.session import Aws
from onboard.engine.journal import Journal, NotUnderstood, told
from onboard.engine.registrations import Registrations
from onboard.model.cancel import CancelToken
from onboard.model.changes import Phase
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
            made = part.make(aws, cancel)
            journal.write(run, "", change.name, Phase.DONE, made.kept)
            if made.activation:
                registrations.add(made.activation)
            yield from made.told


def end_all(run: str, profile: Profile, aws: Aws, journal: Journal) -> Generator[Event, None, None]:
    """Undo the changes that end with their run, including those of an interrupted earlier attempt of it."""
    for change in reversed(catalog.RUN_CHANGES):
        if change.ends_with_run:
            yield from take_back(change, run, profile, aws, journal)


def end_former(run: str, profile_path: str, account: str, aws: Aws, journal: Journal) -> Generator[Event, None, None]:
    """Do the same as `end_all` for interrupted earlier runs of this profile. `run`, which calls it, is left out."""
    for record in journal.runs():
        if record.run == run or record.finished or (record.command, record.profile_path) != ("apply", profile_path):
            continue
        try:
            plan, profile = record.content("plan"), record.read_profile()
        except NotUnderstood as error:
            yield from told([error])
            continue
        if (plan.get("account"), plan.get("region")) == (account, aws.region) and not journal.is_held(record.run):
            yield from end_all(record.run, profile, aws, journal)


def take_back(
    change: RunChange, run: str, profile: Profile, aws: Aws, journal: Journal, own: frozenset[str] = frozenset()
) -> Generator[Event, None, None]:
    """Undo one change, if anything of it is left. `own`: see `Undo`."""
    left = change.left(journal.entries(run))
    if not left:
        return
    for item in change.undo(Undo(aws, profile, run, left, own)):
        if isinstance(item, Undone):
            journal.write(run, "", item.change, item.phase, item.kept)
            yield item.told
        else:
            yield item
