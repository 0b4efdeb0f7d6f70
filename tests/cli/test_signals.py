"""From its first instruction to its last, a signal ends the program with 130, and with --json as a run ends."""

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cli.conftest import Console

from onboard.cli import interrupt, signals
from onboard.engine.journal import Journal
from onboard.model.events import RunFinished

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX's signals")

KILLED = "import os, signal, sys\nNUMBER = int(sys.argv.pop(1))\ndef kill(): os.kill(os.getpid(), NUMBER)\n"
AS_IT_IS_READ_IN = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "onboard.cli.main":
            kill()
sys.meta_path.insert(0, Finder())
"""
BEFORE_THE_FIRST_EVENT = """
import onboard.cli.check, time
def workplace(options):
    kill()
    time.sleep(60)
onboard.cli.check.workplace = workplace
"""
AS_IT_ENDS = """
import onboard.cli.streams
onboard.cli.streams.end = kill
"""
RUN = "from onboard.__main__ import run\nrun()\n"
STUCK = """
import threading
from onboard.cli import interrupt, signals
interrupt.LAST = 0.1
signals.Contract.as_json = True
with interrupt.interruptible():
    for _ in range(2 if NUMBER == signal.SIGINT else 1):
        kill()
    threading.Event().wait()
"""


def ended(console: Console, program: str, number: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", KILLED + program, str(number), *arguments],
        env=console.environment,
        cwd=console.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return done


def events(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [json.loads(line)["event"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", [AS_IT_IS_READ_IN, BEFORE_THE_FIRST_EVENT], ids=["read-in", "before-the-run"])
def test_a_run_that_has_not_begun_ends_as_one_that_has(console: Console, number: int, moment: str) -> None:
    for form, told in (("--json", ["run_finished"]), ("--only=clock_in_sync", [])):
        done = ended(console, moment + RUN, number, "check", "--profile", "p.toml", form)
        assert done.returncode == 130
        assert events(done) == told


def test_a_signal_after_the_end_changes_nothing(console: Console) -> None:
    done = ended(console, AS_IT_ENDS + RUN, signal.SIGINT, "profile", "check", "none.toml", "--json")
    assert done.returncode == 2
    assert events(done) == ["run_failed", "run_finished"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_waits_for_ever_is_ended(console: Console, number: int) -> None:
    done = ended(console, STUCK, number)
    assert done.returncode == 130
    assert events(done) == ["run_finished"]
    assert interrupt.NOT_ENDED in done.stderr


def test_the_last_line_is_that_of_a_run() -> None:
    assert signals.LAST_LINE.decode() == RunFinished(run="", hosts={}).to_line() + "\n"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_list_whose_reader_has_read_enough_ends_well(console: Console, form: list[str]) -> None:
    with closing(Journal(Path(console.environment["ONBOARD_HOME"]))) as journal:
        journal.begin("20261124-101500-3f9a", "check", "p.toml", "{}")
    listing = subprocess.Popen(
        console.command("runs", *form),
        env=console.environment,
        cwd=console.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listing.stdout is not None
    assert listing.stderr is not None
    listing.stdout.close()  # before it writes, so that no pipe is large enough to hold all of it
    assert listing.wait(60) == 0
    assert listing.stderr.read() == ""
    listing.stderr.close()
