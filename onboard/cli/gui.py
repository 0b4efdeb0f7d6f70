"""onboard gui: the wizard."""

import argparse
from pathlib import Path

from onboard.cli.arguments import Commands, add_debug_log


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("gui", help="open the wizard, as onboard without arguments does")
    parser.add_argument("profile", nargs="?", type=Path, metavar="PROFILE", help="a profile to open")
    add_debug_log(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    from onboard.gui.app import main, require_display

    require_display()
    return main([str(options.profile)] if options.profile else [])
