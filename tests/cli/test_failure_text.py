"""What stopped a run, as the command line says it."""

import pytest

from onboard.cli.output import failure_text
from onboard.cli.text import People
from onboard.engine.command import failure
from onboard.engine.survey import finish_with
from onboard.model.errors import ConnectionLost, OnboardError
from onboard.model.profile import Host
from onboard.model.state import fold
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


def test_the_table_shows_what_the_server_said_last(capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(name="web-1", address="192.0.2.1")
    said = "trying tmux\nopen terminal failed: \x1b[2Jnot a terminal"
    refused = ConnectionLost(
        "It cannot run commands", where="web-1", why="Its shell ended", remedy="Try", evidence=said
    )
    People().end(fold([finish_with(host, refused)]))
    shown = capsys.readouterr().out
    assert "It cannot run commands. Try. It said: open terminal failed: �[2Jnot a terminal" in shown
