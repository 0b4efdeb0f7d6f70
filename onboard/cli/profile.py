"""onboard profile check | schema."""

import argparse
import csv
import json
import sys
from pathlib import Path

from onboard.cli.arguments import Commands, add_json
from onboard.model.errors import Problem, ProfileError
from onboard.model.profile import Profile
from onboard.model.validation import nearest
from onboard.model.words import servers
from onboard.profiles.file import load
from onboard.profiles.json_schema import schema
from onboard.resources import text


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("profile", help="check a profile, or print the JSON Schema of profiles")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="find every mistake in a profile")
    check.add_argument("file", type=Path, metavar="FILE")
    add_json(check)
    check.set_defaults(act=run_check)
    published = actions.add_parser("schema", help="print the JSON Schema, for editors")
    add_json(published)
    published.set_defaults(act=run_schema)


def run_check(options: argparse.Namespace) -> int:
    profile = load(options.file)
    if profile == Profile():
        problem = Problem("the file", "nothing is set in it", "Set at least region.name, a credential and servers")
        raise ProfileError(str(options.file), (problem,))
    _warn_of_region(profile.region.name)
    if options.json:
        print(json.dumps({"event": "profile_checked", "file": str(options.file), "hosts": len(profile.hosts)}))  # noqa: T201
    else:
        print(f"{options.file}: no mistakes, {servers(len(profile.hosts))}")  # noqa: T201
    return 0


def _warn_of_region(name: str | None) -> None:
    """Of one that is not on the map: it may be misspelt, or newer than this program."""
    known = [row["region"] for row in csv.DictReader(text("map/regions.csv").splitlines())]
    if name and name not in known:
        guess = nearest(name, known)
        meant = f". Did you mean {guess}?" if guess else "."
        sys.stderr.write(f"Warning: region.name: {name} is not a Region that this version knows{meant}\n")


def run_schema(options: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=None if options.json else 2))  # noqa: T201
    return 0
