"""State is the fold of events, and equal causes are grouped."""

from onboard.model import events
from onboard.model.causes import causes_of
from onboard.model.finding import Finding, Verdict
from onboard.model.state import fold
from onboard.model.status import HostStatus

SLOW = Finding(check="clock_in_sync", status=Verdict.FAIL, summary="clock 7 minutes slow", remedy="set it")
FULL = Finding(check="disk_space_sufficient", status=Verdict.WARN, summary="little space", remedy="make some")


def judged(name: str, *findings: Finding) -> events.HostJudged:
    return events.HostJudged(host=name, status=HostStatus.BLOCKED, findings=findings)


def test_the_last_word_about_a_server_counts() -> None:
    state = fold(
        [
            events.RunStarted(run="r", command="apply", profile="p", hosts=("a", "b"), started="now"),
            judged("a", SLOW),
            events.HostFinished(host="a", status=HostStatus.ONLINE, instance_id="mi-1"),
            events.HostFinished(host="b", status=HostStatus.SKIPPED, reason="Stopped"),
            events.RunFinished(run="r", hosts={}),
        ]
    )
    assert (state.hosts["a"].status, state.hosts["a"].instance_id) == (HostStatus.ONLINE, "mi-1")
    assert state.hosts["a"].findings == (SLOW,)
    assert state.counts() == {"online": 1, "skipped": 1}
    assert state.finished


def test_equal_causes_are_one_group_the_worst_first() -> None:
    state = fold([judged("a", FULL), judged("b", FULL, SLOW), judged("c", SLOW), judged("d", FULL)])
    causes = causes_of(state.hosts.values())
    assert [(cause.summary, cause.hosts) for cause in causes] == [
        ("clock 7 minutes slow", ("b", "c")),
        ("little space", ("a", "b", "d")),
    ]


def test_a_server_that_failed_outside_a_check_has_its_reason_as_cause() -> None:
    state = fold([events.HostFinished(host="a", status=HostStatus.FAILED, reason="no answer", remedy="look")])
    (cause,) = causes_of(state.hosts.values())
    assert (cause.summary, cause.remedy, cause.hosts) == ("no answer", "look", ("a",))


def test_events_are_named_and_versioned_json() -> None:
    line = events.HostFinished(host="a", status=HostStatus.BLOCKED, findings=(SLOW,)).to_json()
    assert (line["event"], line["v"], line["status"]) == ("host_finished", 1, "blocked")
    assert line["findings"][0] == {
        "check": "clock_in_sync",
        "status": "fail",
        "summary": "clock 7 minutes slow",
        "remedy": "set it",
        "evidence": "",
        "fix": "",
        "wording": None,
    }


def test_a_server_that_is_forgotten_leaves_the_others() -> None:
    seen = [events.HostFinished(host=name, status=HostStatus.READY) for name in ("a", "b")]
    state = fold([*seen, events.HostForgotten(host="a"), events.HostForgotten(host="never seen")])
    assert set(state.hosts) == {"b"}
