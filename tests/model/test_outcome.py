"""How a server ended and what is wrong with it: the one answer that every face gives."""

from dataclasses import replace

import pytest

from onboard.model import events
from onboard.model.changes import ChangeName, StepOutcome
from onboard.model.finding import Finding, Verdict
from onboard.model.outcome import NEED, has_warnings, need_of, sign_of_status, troubles
from onboard.model.state import State, fold
from onboard.model.status import HostStatus

SLOW = Finding(check="clock_in_sync", status=Verdict.FAIL, summary="clock 7 minutes slow", remedy="Set it")
LITTLE = Finding(check="disk_space_sufficient", status=Verdict.WARN, summary="little room")


def run_of(command: str, *stream: events.Event) -> State:
    return fold([events.RunStarted(run="r", command=command, profile="", hosts=("a",), started="now"), *stream])


JUDGED = events.HostJudged(host="a", status=HostStatus.READY, findings=())
PROVEN = events.StepFinished(host="a", step="confirm", outcome="done", instance_id="mi-0a")


@pytest.mark.parametrize(
    ("command", "stream", "end"),
    [
        ("check", (JUDGED,), HostStatus.READY),
        ("apply", (), None),
        ("apply", (JUDGED,), None),
        ("apply", (JUDGED, PROVEN), HostStatus.ONLINE),
        ("apply", (JUDGED, PROVEN, events.HostFinished(host="a", status=HostStatus.FAILED)), HostStatus.FAILED),
        ("undo", (JUDGED,), None),
    ],
)
def test_a_server_has_an_end_when_its_run_brought_it_to_one(
    command: str, stream: tuple[events.Event, ...], end: HostStatus | None
) -> None:
    state = run_of(command, *stream)
    assert state.host("a").outcome(command) is end
    assert state.counts() == ({end.value: 1} if end else {})


def test_every_end_has_a_place_and_a_sign() -> None:
    for end in (None, *HostStatus):
        assert end in NEED
        assert sign_of_status(end)
    assert need_of(HostStatus.FAILED) < need_of(None) < need_of(HostStatus.SKIPPED) < need_of(HostStatus.ONLINE)


def test_the_reason_of_an_end_comes_first_and_is_not_said_twice() -> None:
    failed = events.HostFinished(
        host="a", status=HostStatus.FAILED, findings=(LITTLE, SLOW), reason="The agent was not installed",
        remedy="Free some space", evidence="dpkg: error: no space left on device",
    )  # fmt: skip
    wrong = troubles(run_of("apply", failed).host("a"))
    assert [one.summary for one in wrong] == ["The agent was not installed", "clock 7 minutes slow", "little room"]
    assert wrong[0].evidence == "dpkg: error: no space left on device"
    same = events.HostFinished(host="a", status=HostStatus.UNREACHABLE, findings=(SLOW,), reason=SLOW.summary)
    assert troubles(run_of("apply", same).host("a")) == (SLOW,)
    restored = events.HostFinished(host="a", status=HostStatus.READY, reason="Restored")
    assert troubles(run_of("undo", restored).host("a")) == ()


def test_a_warning_that_a_step_of_the_run_repaired_is_over() -> None:
    warned = replace(LITTLE, status=Verdict.WARN, fix="install_roots")
    judged = events.HostJudged(host="a", status=HostStatus.WARNED, findings=(warned,))
    mended = events.StepFinished(host="a", step=ChangeName.INSTALL_ROOTS, outcome=StepOutcome.DONE, detail="")
    online = events.HostFinished(host="a", status=HostStatus.ONLINE, findings=(warned,))
    assert has_warnings(run_of("apply", judged, online).host("a"), "apply")
    assert not has_warnings(run_of("apply", judged, mended, online).host("a"), "apply")
    assert not troubles(run_of("apply", judged, mended, online).host("a"))
    assert not has_warnings(run_of("check", judged).host("a"), "check"), "that is its status there"
