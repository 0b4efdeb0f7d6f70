"""onboard report: a run as a document."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from onboard.cli.arguments import Commands, add_json
from onboard.engine.journal import Journal, RunRecord
from onboard.files import refuse_unwritable, write_private
from onboard.home import home
from onboard.model.errors import Problem, ProfileError
from onboard.report.csv_report import csv_report
from onboard.report.document import Report, document, report_of
from onboard.report.html import html_report


def json_report(report: Report) -> str:
    return json.dumps(document(report), indent=1) + "\n"


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "html": html_report,
    "csv": csv_report,
    "json": json_report,
}


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("report", help="write a run's report")
    parser.add_argument("of_run", metavar="RUN", help="the run's id, or the beginning of it")
    parser.add_argument("--format", choices=tuple(FORMATS), default="json")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE instead of standard output")
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    if options.json and options.format != "json":
        problem = Problem("--json", f"it contradicts --format {options.format}", "Leave out --json or --format")
        raise ProfileError("report", (problem,))
    if options.output:
        refuse_unwritable(options.output, "--output")
    with closing(Journal(home())) as journal:
        record = journal.run(options.of_run)
        report, passed_over = report_of_run(record, journal), journal.passed_over(record.run)
    if passed_over:
        sys.stderr.write(f"Run {record.run}: {passed_over} records cannot be read, and are not in the report.\n")
    text = json.dumps(document(report)) + "\n" if options.json else FORMATS[options.format](report)
    if options.output:
        write_private(options.output, text)
    else:
        print(text, end="")  # noqa: T201 - the command's result
    return 0


def report_of_run(record: RunRecord, journal: Journal) -> Report:
    """The report of a run in the journal."""
    about = {
        "run": record.run,
        "command": record.command,
        "profile": record.profile_path,
        "started": record.started,
        "finished": record.finished or None,
    }
    return report_of(about, journal.events(record.run))
