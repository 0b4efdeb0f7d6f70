"""onboard hosts import: add the servers of a list to a profile."""

import argparse
import json
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from onboard.cli.arguments import Commands, add_json, add_profile
from onboard.cli.text import Paper
from onboard.lists import catalog
from onboard.lists.merge import merged
from onboard.lists.reader import Preview
from onboard.model.errors import Problem, ProfileError
from onboard.model.profile import Profile
from onboard.model.words import servers
from onboard.profiles.file import load_unfinished, save, stamp

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "": "none"}


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("hosts", help="add the servers of a list to a profile")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    load_list = actions.add_parser("import", help="import a list such as a CSV file; its form is detected")
    load_list.add_argument("file", type=Path, metavar="FILE")
    add_profile(load_list)
    load_list.add_argument("--replace", action="store_true", help="replace the profile's servers, do not add to them")
    load_list.add_argument("--dry-run", action="store_true", help="show what was understood; write nothing")
    add_json(load_list)
    load_list.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    found = catalog.read(options.file)
    if found.preview is not None and not options.json:
        _show(found.preview)
    if found.problems:
        raise ProfileError(str(options.file), found.problems)
    if not found.hosts:
        problem = Problem(str(options.file), "it contains no servers", "Write one line for each server: name,address")
        raise ProfileError(str(options.file), (problem,))
    before = stamp(options.profile)
    profile = load_unfinished(options.profile) if options.profile.exists() else Profile()
    try:
        hosts = merged(profile.hosts, found.hosts, replace=options.replace)
    except ProfileError as error:
        if profile.hosts and not options.replace:
            error.remedy = "To replace the profile's servers with these, add --replace"
        raise
    if not options.dry_run:
        if stamp(options.profile) != before:
            problem = Problem(
                str(options.profile), "another program changed it during the import", "Import the list again"
            )
            raise ProfileError(str(options.profile), (problem,))
        save(profile.model_copy(update={"hosts": hosts}), options.profile)
    summary = {
        "event": "hosts_imported",
        "file": str(options.file),
        "profile": str(options.profile),
        "found": len(found.hosts),
        "hosts": len(hosts),
        "written": not options.dry_run,
    }
    if options.json:
        print(json.dumps(summary))  # noqa: T201 - the command's result
    else:
        verb = "would have" if options.dry_run else "has"
        new = "" if options.replace else f", {len(hosts) - len(profile.hosts)} new"
        print(f"{servers(len(found.hosts))} found{new}; {options.profile} {verb} {len(hosts)}")  # noqa: T201
    return 0


def _show(preview: Preview) -> None:
    """How the table was read, and its first rows."""
    console = Paper(stderr=True, highlight=False)
    header = "with headers" if preview.has_header else "without headers"
    console.print(f"Read as {preview.encoding}, delimiter {DELIMITERS[preview.delimiter]}, {header}")
    for number, column in preview.unused:
        console.print(escape(f"Column {column.header or number} is not used: {column.why}"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in preview.columns:
        if column.field:
            table.add_column(escape(column.field))
    for row in preview.rows:
        table.add_row(*map(escape, row))
    console.print(table)
