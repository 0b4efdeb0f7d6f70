"""onboard undo: undo what a run changed."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from onboard.cli.arguments import Commands, add_again, add_json
from onboard.cli.exits import WELL
from onboard.cli.output import UNCHANGED, JsonLines, follow
from onboard.cli.workplace import Place, show_for, undo_workplace
from onboard.model.errors import NobodyAgrees
from onboard.model.events import RunFinished, undo_sentences
from onboard.model.state import State
from onboard.model.words import servers

if TYPE_CHECKING:
    from onboard.engine.undo import Undoing


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("undo", help="undo what a run changed, on the servers and in AWS")
    parser.add_argument("of_run", metavar="RUN", help="the run's id, or the beginning of it")
    parser.add_argument(
        "--profile",
        "-p",
        type=Path,
        metavar="P",
        help="log in with this profile's credentials instead of the run's own",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_again(parser)
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    from onboard.engine.undo import undo, undoing_now, undoing_of

    with undo_workplace(options) as (place, record):
        undoing = undoing_of(place.tools.journal.entries(record.run))
        if undoing.is_empty:
            sys.stderr.write(f"Nothing of run {record.run} is left to undo.\n")
        elif not options.yes and not _agreed(undoing_now(record, place.tools.journal), record.run, place):
            sys.stderr.write(UNCHANGED)
            if options.json:
                JsonLines().event(RunFinished(run="", hosts={}), State())
            return WELL
        stream = undo(place.profile, record, place.tools, place.cancel, profile_path=record.profile_path)
        return follow(stream, show_for(options, place), place.cancel)[1]


def _agreed(undoing: "Undoing", run: str, place: Place) -> bool:
    if not sys.stdin.isatty():
        raise NobodyAgrees("undo", remedy="Give --yes")
    lines = [f"  {words}\n" for words in undo_sentences(undoing.lines)]
    return place.questions.agrees(
        f"Undoing run {run} restores {servers(len(undoing.steps))} and deregisters {len(undoing.nodes)} nodes.\n"
        f"{''.join(lines)}Continue?"
    )
