"""python -m onboard.gui: the windowed program."""

from onboard.gui.app import run

if __name__ == "__main__":
    run()
