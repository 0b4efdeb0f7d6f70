"""onboard plan: what apply would do; the plan can be saved and applied later."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from onboard.cli.arguments import Commands, add_again, add_json, add_profile
from onboard.cli.output import follow
from onboard.cli.text import plan_text
from onboard.cli.workplace import show_for, workplace
from onboard.files import write_private
from onboard.model.errors import Problem, ProfileError
from onboard.model.plan import Plan, plan_from_json

FORMAT = "onboard-plan-1"


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("plan", help="show what apply would do; changes nothing")
    add_profile(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="save the plan, for apply --plan FILE")
    add_again(parser)
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    from onboard.engine.check import plan

    with workplace(options) as place:
        stream = plan(place.profile, place.tools, place.cancel, profile_path=str(options.profile))
        state, code = follow(stream, show_for(options), place.cancel)
    if state.plan is not None:
        if not options.json:
            print(plan_text(state.plan))  # noqa: T201 - the command's result
        if options.output:
            save(state.plan, options.output)
    return code


def save(plan: Plan, path: Path) -> None:
    """Write a plan as JSON, whole or not at all."""
    write_private(path, json.dumps({"format": FORMAT, **asdict(plan)}, indent=1) + "\n")


def load(path: Path) -> Plan:
    """A saved plan. Raises ProfileError when the file holds none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(data["format"])
        return plan_from_json(data)
    except OSError as error:
        problem = Problem(str(path), f"the plan cannot be read: {error.strerror}", "Name a file that plan -o wrote")
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = Problem(str(path), "this is no plan of this version", "Make one with: onboard plan -o FILE")
    raise ProfileError(str(path), (problem,))
