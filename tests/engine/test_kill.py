"""Kill -9 anywhere, resume: each server is registered exactly once and none is lost.

The program under test is the real console program, in a process of its own that dies without a word. Where it dies is
drawn from a seed: some milliseconds after one of the events that such a run tells of, so every step has its turn.
`pytest -m whole tests/engine/test_kill.py` kills it 200 times.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from whole import Tally, sizes

from onboard.practice.image import images
from onboard.practice.serve import Practice, running_practice
from onboard.profiles.file import save

HOSTS = 8
SEED = 20261124
EVENTS = 150  # a whole run over these servers tells of about so many


@sizes(small=12, whole=200)
def test_a_killed_run_resumes_without_loss_or_double(cases: int, tally: Tally, tmp_path: Path) -> None:
    draw = tally.draw(SEED)
    died = Counter[str]()
    for point in range(cases):
        folder = tmp_path / str(point)
        folder.mkdir()
        with tally.case():
            died[killed_and_resumed(draw.randrange(1, EVENTS), draw.uniform(0, 0.03), folder)] += 1
    print(f"killed while: {dict(died)}")
    assert not tally.failures, "\n".join(tally.failures)
    assert len(died) > 1, "every kill hit the same moment"


def killed_and_resumed(events: int, seconds: float, folder: Path) -> str:
    """Kill a run so long after so many events, go on with it, and look at what came of it; what it died in."""
    healthy = [image for image in images() if image.name == "healthy-debian"]
    with running_practice(HOSTS, only=healthy) as practice:
        environment = prepared(practice, folder)
        died = kill_after(events, seconds, folder, environment)
        lines = finish(folder, environment)
        calls = practice.cloud.calls
    assert Counter(line["status"] for line in lines if line["event"] == "host_finished") == {"online": HOSTS}
    registered = [call for call in calls.of("RegisterManagedInstance") if not call.error]
    assert len(registered) == HOSTS, f"{len(registered)} registrations, killed in {died}"
    created = [call for call in calls.of("CreateActivation") if not call.error]
    deleted = [call for call in calls.of("DeleteActivation") if not call.error]
    assert len(created) == len(deleted), f"an activation was left, killed in {died}"
    return died


def prepared(practice: Practice, folder: Path) -> dict[str, str]:
    profile = practice.profile()
    run = profile.run.model_copy(update={"canary": 2})
    save(profile.model_copy(update={"run": run}), folder / "profile.toml")
    home = folder / "home"
    home.mkdir()
    (home / "known_hosts").write_text(practice.known_hosts)
    return {**os.environ, **practice.environment(), "ONBOARD_HOME": str(home)}


def program(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "onboard", "apply", "--profile", str(folder / "profile.toml"), "--json", *more]


def kill_after(events: int, seconds: float, folder: Path, environment: dict[str, str]) -> str:
    """Kill it so long after it told of so many events. The last event it told of, and the step where there is one."""
    with subprocess.Popen(program(folder, "--yes"), env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        last = {"event": "nothing"}
        for line in itertools.islice(process.stdout, events):
            last = json.loads(line)
        time.sleep(seconds)  # not waiting for anything: it sets the moment of death
        process.kill()
    return f"{last['event']} {last.get('step', '')}".strip()


def finish(folder: Path, environment: dict[str, str]) -> list[dict[str, object]]:
    """Resume where there is a run, else begin one; its events."""
    listed = subprocess.run(
        [sys.executable, "-m", "onboard", "runs", "--json"], env=environment, capture_output=True, check=True
    )
    runs = [json.loads(line)["run"] for line in listed.stdout.splitlines()]
    how = ["--yes", *(["--resume", runs[0]] if runs else [])]
    done = subprocess.run(program(folder, *how), env=environment, capture_output=True, check=False)
    assert done.returncode == 0, (how, done.stdout[-2000:], done.stderr[-2000:])
    return [json.loads(line) for line in done.stdout.splitlines()]
