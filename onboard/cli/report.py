"""onboard report: a run as a document."""

import argparse
import json
from contextlib import closing
from pathlib import Path

from onboard.cli.arguments import Commands, add_json
from onboard.engine.journal import Journal
from onboard.files import write_private
from onboard.home import home
from onboard.report.document import document


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("report", help="write a run's report")
    parser.add_argument("of_run", metavar="RUN", help="the run's id, or the beginning of it")
    parser.add_argument("--format", choices=("json",), default="json")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE, not to standard output")
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    with closing(Journal(home())) as journal:
        record = journal.run(options.of_run)
        about = {
            "run": record.run,
            "command": record.command,
            "profile": record.profile_path,
            "started": record.started,
            "finished": record.finished or None,
        }
        content = document(about, journal.events(record.run))
    text = json.dumps(content, indent=None if options.json else 1) + "\n"
    if options.output:
        write_private(options.output, text)
    else:
        print(text, end="")  # noqa: T201 - the command's result
    return 0
