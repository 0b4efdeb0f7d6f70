"""The command line: turns arguments into commands, and errors into messages and exit codes."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from onboard import __version__
from onboard.about import about
from onboard.cli import (
    apply,
    check,
    engine,
    gui,
    hosts,
    plan,
    practice,
    profile,
    regions,
    report,
    runs,
    self_test,
    signals,
    streams,
    trust,
    undo,
)
from onboard.cli.arguments import refuse_unusable
from onboard.cli.exits import WELL
from onboard.cli.output import JsonLines, failure_text
from onboard.cli.signals import INTERRUPTED, Contract
from onboard.defects import keep_defect
from onboard.engine.command import failure
from onboard.model.cancel import Cancelled
from onboard.model.errors import OnboardError, Problem, ProfileError
from onboard.model.events import RunFinished
from onboard.model.state import State

COMMANDS = (gui, practice, regions, hosts, trust, check, plan, apply, runs, report, undo, profile, self_test, engine)


class _Parser(argparse.ArgumentParser):
    """Raises ProfileError where argparse would end the process, so that argument errors look like all others."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise ProfileError("the arguments", (Problem(self.prog, message, f"See {self.prog} --help"),))


def parser() -> argparse.ArgumentParser:
    top = _Parser(prog="onboard", description="Takes on-premises servers into AWS Systems Manager as managed nodes.")
    top.add_argument("--version", action="store_true", help="print the version; with --json also build and folders")
    top.add_argument("--json", dest="version_as_json", action="store_true", help=argparse.SUPPRESS)
    commands = top.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0 well, 1 not well, 2 wrong input, 3 AWS refused, 130 interrupted)."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in given
    Contract.as_json, Contract.is_kept = as_json, False
    try:
        options = _parsed(given)
        as_json = Contract.as_json = getattr(options, "json", False)  # an abbreviation too
        refuse_unusable(options)
        if options.debug_log:
            _log_to(options.debug_log)
        code: int = options.act(options)
        with suppress(BrokenPipeError):
            sys.stdout.flush()
    except OnboardError as error:
        code = _tell(error, as_json=as_json)
    except (KeyboardInterrupt, Cancelled):
        code = INTERRUPTED
        if as_json and not Contract.is_kept:
            with suppress(OSError):
                JsonLines().event(RunFinished(run="", hosts={}), State())
    except BrokenPipeError:
        code = WELL  # a list or document whose reader has gone has been read as far as anyone wanted
    except Exception as error:  # noqa: BLE001 - a defect is reported in a line, not as a traceback
        code = _tell(keep_defect(error), as_json=as_json)
    return code


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    options = parser().parse_args(given)
    if options.version:
        options.act, options.json, options.debug_log = _version, options.version_as_json, None
    elif options.version_as_json:
        parser().error("--json goes after the command")
    elif options.command is None:  # `onboard` alone is the wizard
        options = parser().parse_args(["gui"])
    return options


def run() -> None:
    """The console program."""
    logging.raiseExceptions = False  # a log on a full disk is no reason to fill the terminal
    streams.prepare()
    signals.raise_interrupts()
    try:
        code = main()
    except KeyboardInterrupt:  # at its very first or last instruction
        signals.leave()
    signals.when_done(code)
    streams.end()
    sys.exit(code)


def _log_to(file: str) -> None:
    try:
        Path(file).touch(mode=0o600)
        logging.basicConfig(filename=file, level=logging.DEBUG, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    except OSError as error:
        problem = f"{file} cannot be written: {error.strerror}"
        raise ProfileError(
            "the arguments", (Problem("--debug-log", problem, "Name a file in a folder that exists"),)
        ) from None


def _version(options: argparse.Namespace) -> int:
    told = json.dumps(about().to_json()) if options.json else f"onboard {__version__}"
    sys.stdout.write(told + "\n")
    return WELL


def _tell(error: OnboardError, *, as_json: bool) -> int:
    told = failure(error)
    with suppress(OSError):
        if as_json:
            lines = JsonLines()
            for event in (told, RunFinished(run="", hosts={})):
                lines.event(event, State())
    with suppress(OSError):
        sys.stderr.write(failure_text(told) + "\n")
    return error.exit_code
