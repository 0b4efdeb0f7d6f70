"""Arguments that several commands share."""

import argparse
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", "-p", type=Path, required=True, metavar="P", help="the profile, a TOML file")


def add_debug_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debug-log", metavar="FILE", help="write a detailed log, free of secrets, to FILE")


def add_json(parser: argparse.ArgumentParser) -> None:
    """What every command has that people and programs call."""
    add_debug_log(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line on standard output")


def add_again(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--forgive",
        action="append",
        default=[],
        metavar="ACCOUNT",
        help="use an account again that was stopped after two refused log-ins",
    )
