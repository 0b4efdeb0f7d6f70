"""AWS stumbles at any of its calls, then the run is resumed: nothing doubled, lost or left, and all of it is told.

The calls are read from a recorded run, so that a call added later joins by itself. Each case takes one of them and one
fault. `pytest -m whole tests/engine/test_aws_chaos.py` tries every fault at every call.
"""

import itertools
from collections import Counter
from pathlib import Path

import pytest
from engine.conftest import Bench
from faulty_aws import Fault, faulty
from whole import Tally, sizes

from onboard.aws.changes.activations import find_activations
from onboard.aws.instances import nodes
from onboard.aws.session import open_aws
from onboard.model.state import State
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
Call = tuple[str, int]  # an operation, and which of its calls


@sizes(small=4, whole=10_000)
def test_a_run_over_an_aws_that_stumbles_ends_well_or_resumes(
    cases: int, tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboard.aws.answers.random.random", lambda: 0.0)
    monkeypatch.setattr("onboard.aws.failures.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("onboard.aws.changes.activations.FIRST_WAIT", 0.01)
    draw = tally.draw(SEED)
    every = [*itertools.product(recorded(tmp_path), FAULTS)]
    doubtful = [*itertools.product([("CreateActivation", 0)], FAULTS)]
    drawn = every if cases >= len(every) else [draw.choice(doubtful), *draw.sample(every, cases - 1)]
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
        count = Counter[str]()
        calls: list[Call] = []
        for operation in line.seen:
            calls.append((operation, count[operation]))
            count[operation] += 1
        return calls


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
        line.at(*call, fault)
        first = work.apply()
        last = first
        if first.counts() != {"online": HOSTS}:
            assert all(host.reason for host in first.hosts.values()) or first.failure, f"no cause is told: {where}"
            last = work.apply(resume=first.run)
        assert last.counts() == {"online": HOSTS}, f"{last.counts()}: {where}"
        look(work, first, last, where)
    return last is not first


def look(work: Bench, first: State, last: State, where: str) -> None:
    """What there is in AWS, against what the runs told."""
    calls = work.practice.cloud.calls
    assert len([call for call in calls.of("RegisterManagedInstance") if not call.error]) == HOSTS, where
    aws = open_aws(work.profile)
    told = {str(host.instance_id) for host in last.hosts.values()}
    assert {node for node, found in nodes(aws, told).items() if found.is_online} == told, where
    assert len(told) == HOSTS, where
    left = find_activations(aws, name=work.profile.activation.name, run=first.run)
    assert not left, f"an activation is left: {where}"
    both = (*first.aws_changes, *(last.aws_changes if last is not first else ()))
    created = {change.subject for change in both if change.change == "create_activation"}
    deleted = {change.subject for change in both if change.change == "delete_activation"}
    assert created <= deleted, f"one of those that were told was not told as deleted: {where}"
    assert len(calls.of("CreateRole")) == 1 or all(call.error for call in calls.of("CreateRole")[1:]), where
