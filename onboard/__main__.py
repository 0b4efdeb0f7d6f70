"""python -m onboard: the console program."""

import sys

INTERRUPTED = 130


def run() -> None:
    """The console program, which Ctrl-C also ends without a word while its parts are still being read in."""
    try:
        from onboard.cli.main import run as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
