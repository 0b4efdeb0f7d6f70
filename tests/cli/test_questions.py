"""Questions on a terminal of the program's own, as a person sees them."""

import os
import re
import select
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cli.conftest import Console

from onboard.engine.journal import Journal

if sys.platform == "win32":
    pytest.skip("needs a pseudo terminal: pty", allow_module_level=True)
import fcntl
import pty
import termios

PROFILE = ("--profile", "practice/profile.toml")


class Terminal:
    """The program on a terminal, which may be its controlling one."""

    def __init__(self, console: Console, *arguments: str, controlling: bool = True) -> None:
        self._ours, theirs = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            console.command(*arguments),
            env={**console.environment, "TERM": "xterm", "COLUMNS": "200"},
            cwd=console.folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controlling else None,
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """What is shown up to `text`."""
        while text not in self.shown:
            assert select.select([self._ours], [], [], 60)[0], self.shown
            self.shown += os.read(self._ours, 65536).decode(errors="replace")
        return self.shown

    def is_quiet(self, seconds: float) -> bool:
        return not select.select([self._ours], [], [], seconds)[0]

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        try:
            while select.select([self._ours], [], [], 30)[0]:
                self.shown += os.read(self._ours, 65536).decode(errors="replace")
        except OSError:
            pass  # the program has ended, and its end of the terminal with it
        assert self.echoes
        os.close(self._ours)
        return self.process.wait(30)


@pytest.fixture
def with_password(served: Console) -> Console:
    """Servers that are trusted, and want a password."""
    served("trust", *PROFILE, "--accept-new")
    file = served.folder / "practice" / "profile.toml"
    text = re.sub(r'kind = "ssh-key"', 'kind = "ssh-password"', file.read_text())
    file.write_text(re.sub(r"key_file = .*\n", "", text))
    return served


@pytest.mark.parametrize("stop", ["\x03", signal.SIGINT, signal.SIGTERM])
def test_a_stop_at_the_plan_begins_nothing(served: Console, stop: str | signal.Signals) -> None:
    served("trust", *PROFILE, "--accept-new")
    terminal = Terminal(served, "apply", *PROFILE)
    terminal.until("Apply this plan? [y/N]")
    terminal.type(stop) if isinstance(stop, str) else terminal.process.send_signal(stop)
    assert terminal.end() == 130, terminal.shown
    with closing(Journal(Path(served.environment["ONBOARD_HOME"]))) as journal:
        assert {record.command for record in journal.runs()} == {"trust", "plan"}


def test_yes_applies_and_undo_asks_too(served: Console) -> None:
    served("trust", *PROFILE, "--accept-new")
    terminal = Terminal(served, "apply", *PROFILE)
    terminal.until("Apply this plan? [y/N]")
    terminal.type("n\n")
    assert terminal.end() == 0
    assert "Nothing was changed." in terminal.shown
    terminal = Terminal(served, "apply", *PROFILE, controlling=False)
    terminal.until("Apply this plan? [y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0, terminal.shown
    with closing(Journal(Path(served.environment["ONBOARD_HOME"]))) as journal:
        run = journal.runs()[0].run
    terminal = Terminal(served, "undo", run, "--json")
    terminal.until("Continue? [y/N]")
    terminal.type("n\n")
    assert terminal.end() == 0
    assert '"run_finished"' in terminal.shown.splitlines()[-1]
    assert "Nothing was changed." in terminal.shown
    for answer, code in (("\n", 0), ("\x04", 0), ("\x03", 130)):
        terminal = Terminal(served, "undo", run)
        terminal.until("Continue? [y/N]")
        terminal.type(answer)
        assert terminal.end() == code, terminal.shown


@pytest.mark.parametrize("stop", ["\x03", signal.SIGTERM])
def test_a_stop_at_a_password_ends_it_and_the_terminal_is_as_before(
    with_password: Console, stop: str | signal.Signals
) -> None:
    terminal = Terminal(with_password, "check", *PROFILE)
    terminal.until("Password of ")
    terminal.until("): ")
    assert not terminal.echoes
    assert terminal.is_quiet(1.0), "no progress is drawn over the question"
    terminal.type(stop) if isinstance(stop, str) else terminal.process.send_signal(stop)
    assert terminal.end() == 130, terminal.shown
    assert terminal.shown.count("Password of ") == 1
    assert "no password" not in terminal.shown
    assert terminal.shown.count("skipped") == 3, terminal.shown
