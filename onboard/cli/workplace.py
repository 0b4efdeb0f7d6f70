"""Sets up what a command needs: the profile, the tools, a cancel token, and a way to show what happens."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from onboard.cli.interrupt import interruptible
from onboard.cli.output import JsonLines, Show
from onboard.cli.questions import Questions
from onboard.cli.text import People
from onboard.engine.journal import Journal, RunRecord
from onboard.engine.proof import DEFAULT_PATIENCE, Patience
from onboard.engine.workbench import Tools, workbench
from onboard.home import home
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.profile import Profile
from onboard.profiles.file import load


@dataclass(frozen=True, slots=True)
class Place:
    profile: Profile
    tools: Tools
    cancel: CancelToken
    questions: Questions


@contextmanager
def workplace(options: argparse.Namespace) -> Iterator[Place]:
    """Around a command over `--profile`. Raises ProfileError before anything else happens."""
    profile = load(options.profile)
    with placed(profile, home(), forgive=getattr(options, "forgive", ())) as place:
        yield place


@contextmanager
def undo_workplace(options: argparse.Namespace) -> Iterator[tuple[Place, RunRecord]]:
    """Around a command over an earlier run, with the profile that it ran with; those of `--profile` take precedence."""
    with closing(Journal(home())) as journal:
        record = journal.run(options.of_run)
    profile = record.read_profile()
    if options.profile:
        credentials = {**profile.credentials, **load(options.profile).credentials}
        profile = profile.model_copy(update={"credentials": credentials})
    with placed(profile, home(), forgive=options.forgive) as place:
        yield place, record


@contextmanager
def placed(
    profile: Profile,
    folder: Path,
    *,
    known_hosts: KnownHosts | None = None,
    patience: Patience = DEFAULT_PATIENCE,
    forgive: list[str] | tuple[str, ...] = (),
    alone: bool = False,
) -> Iterator[Place]:
    """A place whose own files are in `folder`. `alone`: neither a person nor the keyring is asked for secrets."""
    with interruptible() as cancel:
        questions = Questions(cancel)
        is_asked = sys.stdin.isatty() and not alone
        with workbench(
            folder,
            profile.credentials,
            prompt=questions.secret if is_asked else None,
            mfa_code=questions.code if is_asked else None,
            known_hosts=known_hosts,
            patience=patience,
            forgive=forgive,
            keyring=not alone,
        ) as tools:
            yield Place(profile, tools, cancel, questions)


def show_for(options: argparse.Namespace, place: Place, *, kept: bool = True) -> Show:
    """`kept`: whether the run is in the journal."""
    if options.json:
        return JsonLines()
    people = People(kept=kept)
    place.questions.aside = people.aside
    return people
