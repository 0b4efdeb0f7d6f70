"""Kill -9 anywhere, resume: each server is registered exactly once, none is lost, and the report tells the truth.

The program under test is the real console program, in a process of its own that dies without a word. It dies exactly
before and after AWS carries out each of its calls, which are read from a recorded run, so that a call added later
joins by itself; and some milliseconds after one of the events that such a run tells of, drawn from a seed, so every
step has its turn. `pytest -m whole tests/engine/test_kill.py` kills it about 100 times.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.afterwards import assert_whole
from faulty_aws import Call, Fault, Line, faulty
from whole import Tally, sizes

from onboard.engine.journal import Journal
from onboard.practice.image import images
from onboard.practice.machine import PENDING
from onboard.practice.serve import Practice, running_practice
from onboard.profiles.file import save

FEW = 2  # enough for every call, and in nearly the same order each time
HOSTS = 8
SEED = 20261124
EVENTS = 130  # a whole run over HOSTS servers tells of about so many
MOMENTS = (Fault.HELD, Fault.HELD_ANSWER)

# The console program, without the pauses in which servers gather that share a question to AWS
PROGRAM = """
import onboard.engine.proof
onboard.engine.proof.GATHER = 0.05
from onboard.__main__ import run
run()
"""


@sizes(small=5, whole=10_000)
def test_a_run_killed_at_a_call_of_aws_resumes_without_loss_or_double(cases: int, tally: Tally, tmp_path: Path) -> None:
    """`whole`: right before and right after each call."""
    draw = tally.draw(SEED)
    every = [*itertools.product(recorded(tmp_path), MOMENTS)]
    drawn = every if cases >= len(every) else draw.sample(every, cases)
    missed = []
    for number, (call, moment) in enumerate(drawn):
        with tally.case(), working(FEW, tmp_path / str(number)) as work:
            was_killed = work.kill_at(call, moment)
            assert was_killed or call[1], f"no call of {call[0]} came"
            if not was_killed:
                missed.append(call)  # how often it asks whether servers have answered differs a little
            work.finish_and_look(f"{moment}: {call[0]} number {call[1]}")
    print(f"killed: {len(drawn) - len(missed)}; calls that did not come: {missed}")
    assert not tally.failures, "\n".join(tally.failures)
    assert len(missed) < len(drawn), "none was killed"


@sizes(small=6, whole=60)
def test_a_killed_run_resumes_without_loss_or_double(cases: int, tally: Tally, tmp_path: Path) -> None:
    draw = tally.draw(SEED)
    died = Counter[str]()
    for point in range(cases):
        with tally.case(), working(HOSTS, tmp_path / str(point)) as work:
            moment = work.kill_after(draw.randrange(1, EVENTS), draw.uniform(0, 0.03))
            died[moment] += 1
            work.finish_and_look(f"killed in {moment}")
    print(f"killed while: {dict(died)}")
    assert not tally.failures, "\n".join(tally.failures)
    assert len(died) > 1, "every kill hit the same moment"


def recorded(folder: Path) -> list[Call]:
    """The calls of a run that nobody kills."""
    with working(FEW, folder / "recorded") as work:
        work.finish_and_look("not killed")
        return work.line.calls()


@dataclass
class Work:
    """A practice whose cloud is reached by a line, and the console program on it."""

    practice: Practice
    line: Line
    folder: Path
    environment: dict[str, str]

    @property
    def home(self) -> Path:
        return Path(self.environment["ONBOARD_HOME"])

    def program(self, *more: str) -> list[str]:
        profile = str(self.folder / "profile.toml")
        return [sys.executable, "-c", PROGRAM, "apply", "--profile", profile, "--json", "--yes", *more]

    def kill_at(self, call: Call, moment: Fault) -> bool:
        """Kill it while AWS holds one of its calls. False if that call did not come until it ended."""
        self.line.at(*call, moment)
        with subprocess.Popen(self.program(), env=self.environment, stdout=subprocess.DEVNULL) as process:
            while not self.line.held.wait(0.05) and process.poll() is None:
                pass
            process.kill()
        return self.line.held.is_set()

    def kill_after(self, events: int, seconds: float) -> str:
        """Kill it so long after it told of so many events. The last event, and its step where there is one."""
        with subprocess.Popen(self.program(), env=self.environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            last = {"event": "nothing"}
            for line in itertools.islice(process.stdout, events):
                last = json.loads(line)
            time.sleep(seconds)  # not waiting for anything: it sets the moment of death
            process.kill()
        return f"{last['event']} {last.get('step', '')}".strip()

    def finish_and_look(self, where: str) -> None:
        """Resume where there is a run that did not end, else begin one; and look at what came of it."""
        with closing(Journal(self.home)) as journal:
            runs = journal.runs()
        how = ["--resume", runs[0].run] if runs else []
        done = subprocess.run(self.program(*how), env=self.environment, capture_output=True, check=False)
        assert done.returncode == 0, (where, how, done.stdout[-2000:], done.stderr[-2000:])
        events = [json.loads(line) for line in done.stdout.splitlines()]
        ends = Counter(event["status"] for event in events if event["event"] == "host_finished")
        assert ends == {"online": len(self.practice.servers)}, where
        assert_whole(self.practice, self.home, events[0]["run"], where)
        kept = {path for server in self.practice.servers for path in server.machine.below(PENDING)}
        assert not [path for path in kept if "nonce-" in path], f"a nonce is left: {where}"


@contextmanager
def working(hosts: int, folder: Path) -> Iterator[Work]:
    healthy = [image for image in images() if image.name == "healthy-debian"]
    home = folder / "home"
    home.mkdir(parents=True)
    with running_practice(hosts, only=healthy) as practice, faulty(practice.cloud.endpoint_url) as line:
        profile = practice.profile()
        run = profile.run.model_copy(update={"canary": 2 if hosts > FEW else 1})
        aws = profile.aws.model_copy(update={"endpoint_url": line.url})
        save(profile.model_copy(update={"run": run, "aws": aws}), folder / "profile.toml")
        (home / "known_hosts").write_text(practice.known_hosts)
        yield Work(practice, line, folder, {**os.environ, **practice.environment(), "ONBOARD_HOME": str(home)})
