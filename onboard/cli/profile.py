"""onboard profile check | schema."""

import argparse
import json
from pathlib import Path

from onboard.cli.arguments import Commands, add_json
from onboard.profiles.file import load
from onboard.profiles.json_schema import schema


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
    if options.json:
        print(json.dumps({"event": "profile_checked", "file": str(options.file), "hosts": len(profile.hosts)}))  # noqa: T201
    else:
        print(f"{options.file}: no mistakes, {len(profile.hosts)} servers")  # noqa: T201
    return 0


def run_schema(options: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=None if options.json else 2))  # noqa: T201
    return 0
