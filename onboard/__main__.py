"""python -m onboard: the console program."""

import sys

from onboard.cli import signals


def run() -> None:
    """The console program, whose contract holds from here on: also a signal while its parts are read in keeps it."""
    try:
        signals.while_read_in()
        from onboard.cli.main import run as command_line
    except KeyboardInterrupt:
        sys.exit(signals.INTERRUPTED)
    command_line()


if __name__ == "__main__":
    run()
