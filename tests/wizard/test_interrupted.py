"""The wizard offers to resume a run that did not reach all servers, and only for the profile of that run."""

from dataclasses import replace
from pathlib import Path

from onboard.model.events import KeptRun, RunFinished, RunsListed, RunStarted
from onboard.model.profile import Profile
from onboard.model.state import State, fold
from onboard.wizard.interrupted import interrupted, is_ending
from onboard.wizard.stages import BY_NAME, blocked_by
from onboard.wizard.view import View

RUN = KeptRun(
    run="r",
    command="apply",
    profile="branch",
    path="/branch.toml",
    started="2026-01-01T00:00:00+00:00",
    finished="",
    held=False,
    hosts={},
    servers=4,
    proven=1,
)
ENDED = replace(RUN, finished="2026-01-01T00:01:00+00:00", hosts={"online": 4})


def seen(*runs: KeptRun, path: str = "/branch.toml", name: str = "", **states: State) -> View:
    listed = fold([RunsListed(runs=runs), RunFinished(run="", hosts={})])
    return View(Profile(name=name), path=Path(path) if path else None, states={"runs": listed, **states})


def test_broken_off_and_stopped_runs_are_offered() -> None:
    assert interrupted(seen(RUN)) is RUN
    stopped = replace(ENDED, hosts={"online": 1, "skipped": 3})
    assert interrupted(seen(stopped)) is stopped
    assert not blocked_by(BY_NAME["install"], seen(stopped))
    assert blocked_by(BY_NAME["finish"], seen(stopped))


def test_what_ended_was_undone_or_is_of_another_profile_is_not() -> None:
    for view in (
        seen(),
        seen(ENDED, RUN),
        seen(replace(ENDED, command="undo"), RUN),
        seen(RUN, path="/other.toml"),
        seen(RUN, path=""),
        seen(replace(RUN, path=""), path="", name="another"),
    ):
        assert interrupted(view) is None
        assert blocked_by(BY_NAME["install"], view)


def test_checks_in_between_do_not_hide_it() -> None:
    assert interrupted(seen(replace(ENDED, command="check"), RUN)) is RUN


def test_a_draft_without_a_file_is_known_by_its_name() -> None:
    nameless = replace(RUN, path="")
    assert interrupted(seen(nameless, path="", name="branch")) is nameless


def test_a_run_that_is_being_ended_is_waited_for() -> None:
    ending = seen(replace(RUN, held=True))
    assert is_ending(ending)
    assert interrupted(ending) is None
    assert not is_ending(seen(RUN))


def test_once_it_was_resumed_it_is_a_run_as_any() -> None:
    resumed = fold([RunStarted(run="r", command="apply", profile="", hosts=(), started="now")])
    assert interrupted(seen(RUN, apply=resumed)) is None
    assert not is_ending(seen(replace(RUN, held=True), apply=resumed))
