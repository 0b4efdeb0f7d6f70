"""onboard runs: what was run on this computer."""

import argparse
import json
import sys
from contextlib import closing

from rich.markup import escape
from rich.table import Table

from onboard.cli.arguments import Commands, add_json
from onboard.cli.text import LOG_WIDTH, Paper
from onboard.engine.journal import Journal, RunRecord
from onboard.home import home


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("runs", help="list earlier runs, the newest first")
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    with closing(Journal(home())) as journal:
        records = journal.runs()
        not_understood = journal.not_understood()
        held = {record.run for record in records if not record.finished and journal.is_held(record.run)}
    for error in not_understood:
        sys.stderr.write(f"Skipped. {error}\n")
    if options.json:
        for record in records:
            print(json.dumps(_fields(record)))  # noqa: T201 - the command's result
        return 0
    console = Paper(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
    if not records:
        console.print("No runs yet. Start with: onboard check --profile P")
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Run", "Command", "Started (UTC)", "Ended", "By", "Servers", "Profile"):
        table.add_column(column, no_wrap=column not in ("Servers", "Profile"), overflow="fold")
    for record in records:
        servers = ", ".join(f"{count} {status}" for status, count in sorted(record.hosts.items()))
        ended = record.finished[11:19] or ("running" if record.run in held else "interrupted")
        started = record.started[5:16].replace("T", " ")
        row = (record.run, record.command, started, ended, record.who, servers, record.profile_path)
        table.add_row(*map(escape, row))
    console.print(table)
    return 0


def _fields(record: RunRecord) -> dict[str, object]:
    return {
        "event": "run",
        "run": record.run,
        "command": record.command,
        "started": record.started,
        "finished": record.finished or None,
        "profile": record.profile_path,
        "hosts": dict(record.hosts),
        "who": record.who or None,
        "arn": record.arn or None,
        "undoes": record.undoes or None,
    }
