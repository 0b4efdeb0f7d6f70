"""Arguments that several commands share."""

import argparse
from pathlib import Path
from typing import TypeAlias

from onboard.model.errors import Problem, ProfileError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", "-p", type=Path, required=True, metavar="P", help="the profile, a TOML file")


def add_debug_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debug-log", metavar="FILE", help="write a detailed log, free of secrets, to FILE")


def add_json(parser: argparse.ArgumentParser) -> None:
    """The options that every command for people and programs has."""
    add_debug_log(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per line on standard output")


def refuse_unusable(options: argparse.Namespace) -> None:
    """Raises ProfileError for what argparse accepts: names that are not UTF-8, an output over the profile."""
    problems = []
    for name, value in vars(options).items():
        if isinstance(value, str | Path) and not _is_text(str(value)):
            problems.append(Problem(name, f"{str(value)!a} is not UTF-8", "Give it a name that is"))
    profile = getattr(options, "profile", None)
    for name, argument in (("output", "--output"), ("debug_log", "--debug-log")):
        value = getattr(options, name, None)
        if profile and value and Path(value).resolve() == Path(profile).resolve():
            problems.append(Problem(argument, f"{value} is the profile, which would be lost", "Name another file"))
    serve = getattr(options, "serve", None)
    if serve and serve.exists() and not serve.is_dir():
        problems.append(
            Problem("--serve", f"{serve} is a file", "Name an empty folder, or one that does not exist yet")
        )
    if problems:
        raise ProfileError("the arguments", tuple(problems))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def add_again(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--forgive",
        action="append",
        default=[],
        metavar="ACCOUNT",
        help="use an account again that was stopped after two refused log-ins",
    )
