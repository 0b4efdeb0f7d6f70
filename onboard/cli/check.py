"""onboard check: facts and findings; changes nothing."""

import argparse

from onboard.cli.arguments import Commands, add_again, add_json, add_profile
from onboard.cli.output import follow
from onboard.cli.workplace import show_for, workplace
from onboard.model.errors import Problem, ProfileError


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("check", help="check every server's prerequisites; changes nothing")
    add_profile(parser)
    parser.add_argument("--only", metavar="NAME,…", help="only these checks")
    add_again(parser)
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    only = _wanted(options.only)
    from onboard.engine.check import check

    with workplace(options) as place:
        stream = check(place.profile, place.tools, place.cancel, profile_path=str(options.profile), only=only)
        return follow(stream, show_for(options, place), place.cancel)[1]


def _wanted(text: str | None) -> tuple[str, ...]:
    from onboard.checks.catalog import CHECKS, FLEET_CHECKS
    from onboard.model.validation import unknown_name

    if text is None:
        return ()
    known = [check.name for check in CHECKS] + [check.name for check in FLEET_CHECKS]
    written = {name.strip().replace("-", "_"): name.strip() for name in text.split(",") if name.strip()}
    names = tuple(written)
    problems = tuple(unknown_name("--only", "check", written[name], known) for name in names if name not in known)
    if not names:
        problems = (Problem("--only", "it names no check", f"Choose among: {', '.join(known)}"),)
    if problems:
        raise ProfileError("--only", problems)
    return names
