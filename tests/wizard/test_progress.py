"""The progress of a run and its log: folds of events and of the times at which they were received."""

from datetime import UTC, datetime

from onboard.model import events
from onboard.model.errors import Problem
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.state import fold
from onboard.model.status import HostStatus
from onboard.steps.catalog import STEPS
from onboard.wizard.log import KEPT, Log
from onboard.wizard.progress import Group, Place, Progress, place_of
from onboard.wizard.text import said

NOW = datetime(2026, 11, 24, 14, 9, 31, tzinfo=UTC)
NAMES = tuple(f"h{number}" for number in range(10))
STEPS_OF = ("install_agent", "register_agent", "confirm")


def plan(*names: str) -> events.PlanMade:
    changes = (Change(name="install_agent", summary=""), Change(name="register_agent", summary=""))
    hosts = tuple(HostPlan(host=name, changes=changes) for name in names)
    return events.PlanMade(plan=Plan(account="1", region="r", hosts=hosts))


def began() -> events.RunStarted:
    return events.RunStarted(run="r", command="apply", profile="p", hosts=NAMES, started="now")


def confirmed(name: str, outcome: str = "done") -> events.StepFinished:
    return events.StepFinished(host=name, step="confirm", outcome=outcome)


def progress(*told: tuple[float, events.Event]) -> Progress:
    made = Progress()
    for now, event in told:
        made.fold(event, now)
    return made


def test_waves_counts_rate_and_time_left() -> None:
    start = [(0.0, began()), (1.0, plan(*NAMES[:8])), (2.0, events.PhaseStarted(phase="canary", total=2))]
    made = progress(*start)
    assert (made.wave, made.waves, made.canary, made.done, made.total) == (1, 2, 2, 0, 8)
    later = [
        (20.0, confirmed("h0")),
        (21.0, confirmed("h1")),
        (22.0, events.PhaseStarted(phase="install", total=6)),
        (27.0, confirmed("h2")),
        (28.0, events.HostFinished(host="h3", status=HostStatus.FAILED)),
        (29.0, events.HostFinished(host="h9", status=HostStatus.BLOCKED)),
    ]
    made = progress(*start, *later)
    assert (made.wave, made.done, made.total) == (2, 4, 8), "who is not in the plan does not count"
    assert made.rate(30.0) is None, "too soon to tell"
    assert made.rate(42.0) == 2 / 20
    assert made.seconds_left(42.0) == 40.0
    made.restart(42.0)
    assert made.rate(60.0) is None, "a pause is not slowness"


def test_the_rate_follows_what_happens_now() -> None:
    told = [(float(10 * number), confirmed(f"n{number}")) for number in range(20)]
    told += [(200.0 + number, confirmed(f"m{number}")) for number in range(40)]
    names = [event.host for _, event in told]
    made = progress((0.0, began()), (0.0, plan(*names)), *told)  # type: ignore[arg-type]
    assert made.rate(239.0) == 1.0


def test_without_a_canary_or_with_nothing_else_there_is_one_wave() -> None:
    alone = progress((0.0, began()), (0.0, plan("h0")), (0.0, events.PhaseStarted(phase="canary", total=1)))
    assert (alone.wave, alone.waves) == (1, 1)
    none = progress((0.0, began()), (0.0, plan("h0")), (0.0, events.PhaseStarted(phase="install", total=1)))
    assert (none.wave, none.waves, none.canary) == (1, 1, 0)


def test_a_resumed_run_begins_where_it_was() -> None:
    made = progress((0.0, began()), (0.0, confirmed("h0", "unchanged")), (0.0, plan("h1", "h2")))
    assert (made.done, made.total) == (1, 3)
    assert made.rate(60.0) is None, "what was proven earlier says nothing of the rate"


def test_where_a_server_is() -> None:
    state = fold(
        [
            began(),
            events.StepStarted(host="h1", step="install_agent"),
            events.StepFinished(host="h2", step="install_agent", outcome="unchanged"),
            events.StepFinished(host="h3", step="install_agent", outcome="failed"),
            events.HostFinished(host="h3", status=HostStatus.FAILED),
            confirmed("h4"),
            events.HostFinished(host="h5", status=HostStatus.SKIPPED),
            events.HostFinished(host="h6", status=HostStatus.UNREACHABLE),
            confirmed("h7"),
            events.HostFinished(host="h7", status=HostStatus.FAILED, reason="shared"),
        ]
    )
    places = [place_of(state.hosts[name], STEPS_OF) for name in NAMES[:8]]
    assert places[0] == Place(Group.WAITING, 0.0)
    assert places[1] == Place(Group.RUNNING, 0.5 / 3, "install_agent")
    assert places[2] == Place(Group.RUNNING, 1 / 3, "register_agent")
    assert places[3] == Place(Group.FAILED, 0.5 / 3)
    assert places[4] == Place(Group.ONLINE, 1.0)
    assert places[5] == Place(Group.WAITING, 0.0)
    assert places[6].group is Group.FAILED
    assert places[7].group is Group.FAILED, "found wrong after it answered"
    assert place_of(None, ()) == Place(Group.WAITING, 0.0)


def test_the_log_keeps_the_last_lines_and_says_what_is_new() -> None:
    log = Log()
    log.fold(began(), NOW)
    log.fold(events.FactsGathered(host="h1", facts={}), NOW)
    log.fold(events.HostFinished(host="h1", status=HostStatus.FAILED, reason="dpkg is locked", remedy="wait"), NOW)
    assert [(line.host, line.text, line.level) for line in log.lines] == [
        ("", said("Run {run} began", run="r"), "info"),
        ("h1", "failed: dpkg is locked", "bad"),
    ]
    assert [line.host for line in log.since(1)] == ["h1"]
    mistake = Problem("region.name", "no Region is set", "Choose one")
    log.fold(events.RunFailed(kind="profile", what="1 mistake found", problems=(mistake,)), NOW)
    assert log.lines[-1].text == "1 mistake found; region.name: no Region is set. Choose one."
    for step in STEPS:
        log.fold(events.StepStarted(host="h2", step=step.name), NOW)
    seen = log.told
    for _ in range(KEPT + 10):
        log.fold(events.Noted(text="again", host="h3"), NOW)
    assert len(log.lines) == KEPT
    assert len(log.since(seen)) == KEPT, "what fell out is gone"
    assert log.since(log.told) == []
