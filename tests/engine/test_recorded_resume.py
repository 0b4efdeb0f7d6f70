"""Runs that versions before this one began are resumed and undone by this one.

The practice is a fresh one, whose servers have the recording's names: none of them has what the run did before, and the
cloud knows none of its nodes. So a resume does all of it again.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from engine.conftest import Bench
from recordings.recorded import hashes_of, move, run_of, take

from onboard.engine.journal import Journal
from onboard.engine.undo import undoing_of
from onboard.model.status import HostStatus

Start = Callable[..., Bench]

STEPS = {"configure_agent", "install_agent", "register_agent", "start_agent", "place_nonce"}


def of_recording(recording: str, bench: Bench) -> str:
    """Lay the recording into the bench's home; the id of its run of apply."""
    plan = bench.plan().plan
    assert plan
    take(recording, bench.folder)
    bench.profile = move(bench.folder, bench.profile, hashes_of(plan))
    with closing(Journal(bench.folder)) as journal:
        return run_of(journal).run


@pytest.mark.parametrize(
    "recording",
    ["before/judged-only", "before/steps-under-way", "before/confirmed-without-end", "before/some-of-each"],
)
def test_a_run_that_was_broken_off_is_resumed(recording: str, bench: Start) -> None:
    """Servers that had answered are asked again: these have no agent, and are onboarded anew."""
    started = bench()
    run = of_recording(recording, started)
    state = started.apply(resume=run)
    assert state.run == run
    assert state.failure is None
    assert {host.status for host in state.hosts.values()} == {HostStatus.ONLINE}
    with closing(Journal(started.folder)) as journal:
        assert run_of(journal).finished


@pytest.mark.parametrize(
    ("recording", "steps", "nodes"),
    [
        ("before/judged-only", {}, set()),
        ("before/undone", {}, set()),
        ("before/ended", {"healthy-debian": STEPS, "healthy-rhel": STEPS}, {"healthy-debian", "healthy-rhel"}),
        (
            "before/some-of-each",
            {"healthy-debian": STEPS, "healthy-rhel": {"configure_agent", "install_agent"}},
            {"healthy-debian"},
        ),
        (
            "before/with-a-fix",
            {"healthy-debian": STEPS, "no-amazon-roots": STEPS | {"install_roots"}},
            {"healthy-debian", "no-amazon-roots"},
        ),
    ],
)
def test_what_a_run_left_to_undo_is_read_from_its_journal(
    recording: str, steps: dict[str, set[str]], nodes: set[str], tmp_path: Path
) -> None:
    take(recording, tmp_path)
    with closing(Journal(tmp_path)) as journal:
        undoing = undoing_of(journal.entries(run_of(journal).run))
    assert {host: {*made} for host, made in undoing.steps.items()} == steps
    assert {*undoing.nodes} == nodes
    assert undoing.is_empty == (not steps)


@pytest.mark.parametrize(
    "recording", ["before/ended", "before/some-of-each", "before/steps-under-way", "before/with-a-fix"]
)
def test_a_run_is_undone(recording: str, bench: Start) -> None:
    started = bench()
    run = of_recording(recording, started)
    before = started.digests()
    state = started.undo(run)
    assert state.failure is None
    assert {host.status for host in state.hosts.values()} == {HostStatus.READY}
    assert started.digests() == before, "nothing of that run was on these servers"
    with closing(Journal(started.folder)) as journal:
        assert undoing_of(journal.entries(run)).is_empty
