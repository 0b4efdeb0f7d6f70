"""Streams that are closed, full, or take few letters; and logs that cannot be written."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import Console

from onboard import __main__ as program
from onboard.cli import signals

PROFILE = 'schema = 1\nname = "Köln"\n'
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device: /dev/full")


def shell(console: Console, line: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of `line`, where O stands for the program."""
    (console.folder / "p.toml").write_text(PROFILE, encoding="utf-8")
    program = " ".join(console.command())
    done = subprocess.run(
        ["sh", "-c", line.replace("O ", f"{program} ", 1)],
        env=console.environment,
        cwd=console.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    for word in ("Traceback", "Logging error", "Exception ignored", "defect"):
        assert word not in done.stderr, done.stderr
    assert not Path(console.environment["ONBOARD_HOME"], "defects.log").exists()
    return done


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_as_one_to_nowhere(console: Console, closed: str) -> None:
    assert shell(console, f"O profile check p.toml {closed}").returncode == 0
    assert shell(console, f"O runs {closed}").returncode == 0
    assert shell(console, f"O apply --profile p.toml {closed}").returncode == 2


@full
@pytest.mark.parametrize("command", ["profile check p.toml --json", "runs", "plan --profile p.toml --json"])
def test_output_that_cannot_be_written_is_told(console: Console, command: str) -> None:
    done = shell(console, f"O {command} >/dev/full")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


@full
def test_a_full_standard_error_changes_nothing(console: Console) -> None:
    assert shell(console, "O profile check none.toml 2>/dev/full").returncode == 2


def test_a_log_that_cannot_be_written(console: Console) -> None:
    refused = shell(console, "O runs --json --debug-log none/x")
    assert refused.returncode == 2
    assert "No such file" in refused.stderr
    assert '"run_finished"' in refused.stdout.splitlines()[-1]
    if Path("/dev/full").exists():
        assert shell(console, "O runs --debug-log /dev/full").returncode == 0


def test_a_journal_that_cannot_be_used_is_told(console: Console) -> None:
    (Path(console.environment["ONBOARD_HOME"]) / "journal.sqlite").mkdir(parents=True)
    for command in ("runs", "report 2026", "undo 2026 --yes", "check --profile p.toml"):
        done = shell(console, f"O {command} --json")
        assert done.returncode == 1
        assert "journal.sqlite" in done.stderr
        assert '"run_finished"' in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_no_letter_is_one_too_many(console: Console, encoding: str) -> None:
    done = shell(console, f"cp p.toml Tōkyō.toml; PYTHONIOENCODING={encoding} O profile check Tōkyō.toml")
    assert done.returncode == 0
    assert "T\\u014dky\\u014d.toml: no mistakes" in done.stdout


def test_ctrl_c_while_the_program_is_read_in(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def __getattr__(self, _: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setattr(signals, "while_read_in", lambda: None)  # these would be this process's own signals
    monkeypatch.setitem(sys.modules, "onboard.cli.main", Interrupted())
    with pytest.raises(SystemExit) as ended:
        program.run()
    assert ended.value.code == 130
