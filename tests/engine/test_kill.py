"""Kill -9 anywhere, resume: each server is registered exactly once and none is lost.

The program under test is the real console program, in a process of its own that dies without a word. Where it dies is
drawn from a seed: after some fraction of the time that the run before took, so every step has its turn.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from engine.conftest import Bench

from onboard.practice.image import images
from onboard.profiles.file import save

POINTS = int(os.environ.get("ONBOARD_TEST_KILLS", "12"))
HOSTS = 8
SEED = 20261124


@pytest.mark.timeout(1800)
def test_a_killed_run_resumes_without_loss_or_double(bench: Callable[..., Bench], tmp_path: Path) -> None:
    draw = random.Random(SEED)  # noqa: S311 - where to kill is no secret
    healthy = [image for image in images() if image.name == "healthy-debian"]
    took = 4.0
    died = Counter[str]()
    for point in range(POINTS):
        folder = tmp_path / str(point)
        folder.mkdir()
        with_fresh_servers = bench(HOSTS, only=healthy)
        environment = prepared(with_fresh_servers, folder)
        died[kill_at(draw.uniform(0.15, 1.0) * took, folder, environment)] += 1
        began = time.monotonic()
        lines = finish(folder, environment)
        took = max(2.0, time.monotonic() - began)
        assert Counter(line["status"] for line in lines if line["event"] == "host_finished") == {"online": HOSTS}
        calls = with_fresh_servers.practice.cloud.calls
        registered = [call for call in calls.of("RegisterManagedInstance") if not call.error]
        assert len(registered) == HOSTS, f"point {point}: {len(registered)} registrations"
        created = [call for call in calls.of("CreateActivation") if not call.error]
        deleted = [call for call in calls.of("DeleteActivation") if not call.error]
        assert len(created) == len(deleted), f"point {point}: an activation was left"
    print(f"killed while: {dict(died)}")
    assert len(died) > 1 or POINTS < 5, "every kill hit the same moment"


def prepared(work: Bench, folder: Path) -> dict[str, str]:
    profile = work.practice.profile()
    run = profile.run.model_copy(update={"canary": 2})
    save(profile.model_copy(update={"run": run}), folder / "profile.toml")
    home = folder / "home"
    home.mkdir()
    (home / "known_hosts").write_text(work.practice.known_hosts)
    return {**os.environ, **work.practice.environment(), "ONBOARD_HOME": str(home)}


def program(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "onboard", "apply", "--profile", str(folder / "profile.toml"), "--json", *more]


def kill_at(seconds: float, folder: Path, environment: dict[str, str]) -> str:
    """Let it run for so long, then kill it. The last event it told of."""
    with subprocess.Popen(program(folder, "--yes"), env=environment, stdout=subprocess.PIPE) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    complete = [line for line in lines if line.endswith(b"}")]
    return str(json.loads(complete[-1])["event"]) if complete else "nothing"


def finish(folder: Path, environment: dict[str, str]) -> list[dict[str, object]]:
    """Resume where there is a run, else begin one; its events."""
    listed = subprocess.run(
        [sys.executable, "-m", "onboard", "runs", "--json"], env=environment, capture_output=True, check=True
    )
    runs = [json.loads(line)["run"] for line in listed.stdout.splitlines()]
    how = ["--resume", runs[0]] if runs else ["--yes"]
    done = subprocess.run(program(folder, *how), env=environment, capture_output=True, check=False)
    assert done.returncode == 0, (how, done.stdout[-2000:], done.stderr[-2000:])
    return [json.loads(line) for line in done.stdout.splitlines()]
