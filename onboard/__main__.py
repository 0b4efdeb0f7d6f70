"""python -m onboard: the console program."""

from onboard.cli.main import run

if __name__ == "__main__":
    run()
