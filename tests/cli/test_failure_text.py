"""What stopped a run, as the command line says it."""

from onboard.cli.output import failure_text
from onboard.engine.command import failure
from onboard.model.errors import OnboardError
from onboard.model.words import Remedy, sh


def test_commands_are_printed_ready_to_copy_one_a_line() -> None:
    remedy = Remedy("Clear it on the server", sh("sudo", "a", "-register"), sh("echo", "it's"))
    error = OnboardError("It is registered", where="web-1", why="By another", remedy=remedy)
    assert failure_text(failure(error)).splitlines() == [
        "Error: web-1: It is registered.",
        "  Why: By another",
        "  What to do: Clear it on the server:",
        "    sudo a -register",
        """    echo 'it'"'"'s'""",
    ]


def test_a_remedy_without_commands_is_one_line() -> None:
    assert failure_text(failure(OnboardError("It failed", remedy="Try again"))).splitlines() == [
        "Error: It failed.",
        "  What to do: Try again",
    ]
