"""onboard apply: carry out a plan."""

import argparse
import sys
from pathlib import Path

from onboard.cli.arguments import Commands, add_again, add_json, add_profile
from onboard.cli.exits import WELL
from onboard.cli.output import UNCHANGED, follow
from onboard.cli.text import plan_text
from onboard.cli.workplace import Place, show_for, workplace
from onboard.model.errors import NobodyAgrees, Problem, ProfileError
from onboard.model.plan import Plan
from onboard.profiles.plan_file import load


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("apply", help="onboard the servers, canary first")
    add_profile(parser)
    parser.add_argument("--plan", type=Path, metavar="FILE", help="apply this saved plan exactly")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--resume",
        metavar="RUN",
        help="resume a run that was stopped: does what is left, and proves every server again",
    )
    add_again(parser)
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    from onboard.engine.apply import apply

    approved = load(options.plan) if options.plan else None
    with workplace(options) as place:
        resume = place.tools.journal.run(options.resume) if options.resume is not None else None
        if resume and resume.plan and options.plan:
            remedy = "Leave out --plan, or leave out --resume to start a new run"
            raise ProfileError("apply", (Problem("--plan", f"run {resume.run} resumes with its own plan", remedy),))
        if not (options.plan or options.yes or (resume and resume.plan)):
            approved, code = _ask(options, place)
            if approved is None:
                return code
        stream = apply(
            place.profile,
            place.tools,
            place.cancel,
            profile_path=str(options.profile),
            approved=approved,
            resume=resume,
        )
        return follow(stream, show_for(options, place), place.cancel)[1]


def _ask(options: argparse.Namespace, place: Place) -> tuple[Plan | None, int]:
    """The plan, once a person has seen it and agreed."""
    from onboard.engine.check import plan

    if not sys.stdin.isatty():
        remedy = "Give --yes, or a plan that you have reviewed: --plan FILE"
        raise NobodyAgrees("apply", remedy=remedy)
    stream = plan(place.profile, place.tools, place.cancel, profile_path=str(options.profile))
    state, code = follow(stream, show_for(options, place), place.cancel)
    if state.plan is None or state.plan.is_empty or state.failure or place.cancel.stopping:
        return None, code
    sys.stderr.write(plan_text(state.plan) + "\n")
    if place.questions.agrees("Apply this plan?"):
        return state.plan, WELL
    sys.stderr.write(UNCHANGED)
    return None, WELL
