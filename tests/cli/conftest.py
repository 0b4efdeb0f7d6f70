"""The console program as its users run it: a process of its own, with a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from practice_images import CHECKED


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        """Standard output as the contract wants it with --json: one object a line and nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]

    def hosts(self) -> dict[str, dict[str, object]]:
        return {str(line["host"]): line for line in self.lines if line["event"] == "host_finished"}


@dataclass(frozen=True)
class Console:
    environment: dict[str, str]
    folder: Path

    def __call__(self, *arguments: str, code: int | None = 0, stdin: str = "") -> Ended:
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        assert code is None or done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "onboard", *arguments]


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """In an empty home, without anything of this machine's AWS configuration."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ONBOARD_", "SSH_"))}
    home = tmp_path / "home"
    home.mkdir()
    return Console({**kept, "HOME": str(home), "ONBOARD_HOME": str(tmp_path / "onboard-home")}, tmp_path)


@pytest.fixture
def served(console: Console) -> Iterator[Console]:
    """With `onboard practice --serve DIR` running; DIR is `practice` in the console's folder."""
    with serving(console, "2") as ready:
        yield ready


class serving:  # noqa: N801 - reads as what it does
    """A practice that serves while the block runs; the console with its environment."""

    def __init__(self, console: Console, hosts: str) -> None:
        self._console = console
        self._hosts = hosts

    def __enter__(self) -> Console:
        console = self._console
        command = console.command(
            "practice", "--serve", "practice", "--hosts", self._hosts, "--images", ",".join(CHECKED)
        )
        self._process = subprocess.Popen(
            command,
            env=console.environment,
            cwd=console.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        lines = (console.folder / "practice" / "env").read_text().splitlines()
        assert all(line.startswith("AWS_") for line in lines)
        return Console({**console.environment, **dict(line.split("=", 1) for line in lines)}, console.folder)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.wait(30) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()
