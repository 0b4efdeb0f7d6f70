"""A run as people see it where standard error and output are no terminal."""

import pytest

from onboard.cli.text import People
from onboard.model import events
from onboard.model.plan import Plan
from onboard.model.state import State
from onboard.model.status import HostStatus

HOSTS = ("a", "b", "c")


def shown(people: People, *told: events.Event) -> None:
    state = State()
    for event in told:
        state.fold(event)
        people.event(event, state)
    people.end(state)


def test_a_phase_is_counted_to_its_end_and_no_further(capsys: pytest.CaptureFixture[str]) -> None:
    shown(
        People(),
        events.PhaseStarted(phase="facts", total=3),
        *(events.FactsGathered(host=host, facts={}, unknown={}) for host in HOSTS),
        events.PhaseStarted(phase="plan", total=2),
        events.PlanMade(plan=Plan(account="1", region="r", aws=(), hosts=())),
        *(events.HostFinished(host=host, status=HostStatus.READY) for host in HOSTS),
        events.PhaseStarted(phase="install", total=2),
        *(events.HostFinished(host=host, status=HostStatus.READY) for host in HOSTS),
    )
    lines = [line.partition(",")[0].strip() for line in capsys.readouterr().err.splitlines()]
    assert lines == ["Asking servers: 3", "1 of 3", "3 of 3", "Planning: 2", "2 of 2", "Installing: 2", "2 of 2"]


def test_the_last_line_of_a_phase_that_is_left_early_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    shown(
        People(),
        events.PhaseStarted(phase="facts", total=4),
        *(events.FactsGathered(host=host, facts={}, unknown={}) for host in HOSTS),
    )
    assert "  3 of 4," in capsys.readouterr().err


@pytest.mark.parametrize("kept", [True, False])
def test_only_a_run_that_is_kept_is_named(capsys: pytest.CaptureFixture[str], kept: bool) -> None:
    shown(
        People(kept=kept),
        events.RunStarted(run="20261124-101500-3f9a", command="apply", profile="p", hosts=("a",), started=""),
        events.HostFinished(host="a", status=HostStatus.READY),
    )
    out = capsys.readouterr().out
    assert "1 ready" in out
    assert ("run 20261124-101500-3f9a" in out) == kept
