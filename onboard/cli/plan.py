"""onboard plan: what apply would do; the plan can be saved and applied later."""

import argparse
from pathlib import Path

from onboard.cli.arguments import Commands, add_again, add_json, add_profile
from onboard.cli.output import follow
from onboard.cli.text import plan_text
from onboard.cli.workplace import show_for, workplace
from onboard.files import refuse_unwritable
from onboard.profiles.plan_file import save


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("plan", help="show what apply would do; changes nothing")
    add_profile(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="save the plan, for apply --plan FILE")
    add_again(parser)
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    from onboard.engine.check import plan

    if options.output:
        refuse_unwritable(options.output, "--output")
    with workplace(options) as place:
        stream = plan(place.profile, place.tools, place.cancel, profile_path=str(options.profile))
        state, code = follow(stream, show_for(options, place), place.cancel)
    if state.plan is not None:
        if not options.json:
            print(plan_text(state.plan))  # noqa: T201 - the command's result
        if options.output:
            save(state.plan, options.output)
    return code
