"""AWS stumbles at any of its calls, then the run is resumed: nothing doubled, lost or left, and all of it is told.

The calls are read from a recorded run, so that a call added later joins by itself. Each case takes one of them and one
fault. `pytest -m whole tests/engine/test_aws_chaos.py` tries every fault at every call.
"""

import itertools
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader
from engine.afterwards import assert_whole
from engine.conftest import QUICK, Bench
from faulty_aws import SILENCE, Call, Fault, faulty
from whole import Tally, sizes

from onboard.practice.image import images
from onboard.practice.serve import running_practice

HOSTS = 2
SEED = 20261129
FAULTS = (
    Fault.LOST,
    Fault.RESET,
    Fault.LOST_500,
    Fault.LOST_502,
    Fault.LOST_503,
    Fault.HTML,
    Fault.EMPTY,
    Fault.BRACES,
    Fault.THROTTLED,
)
SLOW = (Fault.SILENT,)  # each case takes as long as the silence, so only the whole size has them


@sizes(small=4, whole=10_000)
def test_a_run_over_an_aws_that_stumbles_ends_well_or_resumes(
    cases: int, tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboard.aws.answers.random.random", lambda: 0.0)
    monkeypatch.setattr("onboard.aws.failures.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("onboard.aws.changes.activations.FIRST_WAIT", 0.01)
    read = cache(JSONFileLoader().load_file)  # reading boto3's own files would be half of what a case takes
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
    draw = tally.draw(SEED)
    calls = recorded(tmp_path)
    every = [*itertools.product(calls, FAULTS)]
    doubtful = [*itertools.product([("CreateActivation", 0)], FAULTS)]
    if cases >= len(every):
        drawn = [*every, *itertools.product(calls, SLOW)]
    else:
        drawn = [draw.choice(doubtful), *draw.sample(every, cases - 1)]
    resumed = Counter[bool]()
    for number, (call, fault) in enumerate(drawn):
        folder = tmp_path / str(number)
        folder.mkdir()
        with tally.case():
            resumed[stumbled(call, fault, folder)] += 1
    print(f"resumed: {dict(resumed)}")
    assert not tally.failures, "\n".join(tally.failures)


def recorded(folder: Path) -> list[Call]:
    """The calls of a run over an AWS that does not stumble, with both of its commands answered."""
    healthy = [image for image in images() if image.name == "healthy-debian"]
    with running_practice(HOSTS, only=healthy) as practice, faulty(practice.cloud.endpoint_url) as line:
        work = bench_on(Bench(practice, folder), line.url)
        with pytest.MonkeyPatch.context() as environment:
            for name, value in practice.environment().items():
                environment.setenv(name, value)
            assert work.apply().counts() == {"online": HOSTS}
        return line.calls()


def bench_on(work: Bench, url: str) -> Bench:
    aws = work.profile.aws.model_copy(update={"endpoint_url": url})
    work.profile = work.profile.model_copy(update={"aws": aws})
    return work


def stumbled(call: Call, fault: Fault, folder: Path) -> bool:
    """Run with a fault at a call, resume where not all are online, and look at what came of it. Whether it resumed."""
    where = f"{fault} at {call[0]} number {call[1]}"
    healthy = [image for image in images() if image.name == "healthy-debian"]
    with (
        running_practice(HOSTS, only=healthy) as practice,
        faulty(practice.cloud.endpoint_url) as line,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in practice.environment().items():
            environment.setenv(name, value)
        work = bench_on(Bench(practice, folder), line.url)
        if fault in SLOW:
            work.patience = replace(QUICK, online=10 * SILENCE, answer=10 * SILENCE)  # as in relation to AWS
        line.at(*call, fault)
        first = work.apply()
        last = first
        if first.counts() != {"online": HOSTS}:
            assert all(host.reason for host in first.hosts.values()) or first.failure, f"no cause is told: {where}"
            assert fault not in SLOW, f"a slow answer was not waited for: {where}"
            last = work.apply(resume=first.run)
        assert last.counts() == {"online": HOSTS}, f"{last.counts()}: {where}"
        assert not line.given_up, f"a slow answer was not waited for: {where}"
        assert_whole(practice, folder, first.run, where)
    return last is not first
