"""After an undo or a new plan, nothing about the former run is shown as the present state."""

from dataclasses import replace
from pathlib import Path

import pytest

from onboard.model import events
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.profile import Credential, CredentialKind, Host, Profile, RegionSection
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.wizard import recent
from onboard.wizard.progress import Group, Place, place_in_undo
from onboard.wizard.stages import BY_NAME, Mark, blocked_by, has_new_plan, is_plan_used_up, run_to_show, standing
from onboard.wizard.text import Said, counted, said
from onboard.wizard.view import EMPTY, View

ACCOUNT = events.AccountIdentified(account="1", arn="arn:x", partition="aws", region="eu-west-1")
PROFILE = Profile(
    region=RegionSection(name="eu-west-1"),
    credentials={"default": Credential(kind=CredentialKind.SSH_AGENT, username="ops")},
    hosts=(Host(name="a"), Host(name="b")),
)
CHANGES = (Change(name="install_agent", summary=""),)
TO_DO = Plan(account="1", region="r", hosts=(HostPlan(host="a", changes=CHANGES), HostPlan(host="b", changes=CHANGES)))
NOTHING_TO_DO = Plan(account="1", region="r")


def run(command: str, *told: events.Event, run: str = "", undoes: str = "") -> State:
    begun = events.RunStarted(run=run, command=command, profile="", hosts=("a", "b"), started="now", undoes=undoes)
    return fold([begun, *told, events.RunFinished(run=run, hosts={})])


def ended(status: HostStatus, second: HostStatus | None = None) -> tuple[events.Event, ...]:
    return events.HostFinished(host="a", status=status), events.HostFinished(host="b", status=second or status)


def planned(plan: Plan = TO_DO) -> State:
    return run("plan", events.PlanMade(plan=plan))


CHECKED = run("check", *ended(HostStatus.READY))
APPLIED = run("apply", *ended(HostStatus.ONLINE), run="r")
UNDONE = run("undo", *ended(HostStatus.READY), run="u", undoes="r")


def view(**states: State) -> View:
    """The States, in the order in which their commands began."""
    return View(draft=PROFILE, states={"account": run("account", ACCOUNT), "check": CHECKED, **states})


def marks(seen: View) -> dict[str, Mark]:
    return {name: standing(BY_NAME[name], seen).mark for name in ("checks", "review", "install", "finish")}


def test_a_run_that_is_installed_and_its_plan_used_up() -> None:
    seen = view(plan=planned(), apply=APPLIED)
    assert set(marks(seen).values()) == {Mark.DONE}
    assert is_plan_used_up(seen)
    assert standing(BY_NAME["review"], seen).words == said("This plan is used up")
    assert not is_plan_used_up(replace(seen, running="apply")), "it is being carried out"
    assert (has_new_plan(seen), run_to_show(seen)) == (False, APPLIED)


def test_an_undone_run_leaves_nothing_done_behind_it() -> None:
    seen = view(plan=planned(), apply=APPLIED, undo=UNDONE)
    assert seen.is_undone
    assert marks(seen) == {
        "checks": Mark.ATTENTION, "review": Mark.TODO, "install": Mark.TODO, "finish": Mark.TODO,
    }  # fmt: skip
    assert standing(BY_NAME["role"], seen).mark is Mark.TODO, "the role that the run made is gone"
    assert is_plan_used_up(seen)
    assert not has_new_plan(seen)
    assert not blocked_by(BY_NAME["finish"], seen), "how it was undone can be read"
    assert not blocked_by(BY_NAME["install"], seen)


def test_a_plan_that_found_nothing_to_do_is_not_current_once_the_run_is_undone() -> None:
    seen = view(apply=APPLIED, plan=planned(NOTHING_TO_DO))
    assert not is_plan_used_up(seen)
    assert standing(BY_NAME["review"], seen).mark is Mark.DONE
    seen = view(apply=APPLIED, plan=planned(NOTHING_TO_DO), undo=UNDONE)
    assert is_plan_used_up(seen)
    assert standing(BY_NAME["review"], seen).mark is Mark.TODO


@pytest.mark.parametrize("undo", [{}, {"undo": UNDONE}])
def test_a_new_plan_takes_the_place_of_the_former_run(undo: dict[str, State]) -> None:
    seen = view(apply=APPLIED, **undo, plan=planned())
    assert has_new_plan(seen)
    assert run_to_show(seen) is EMPTY
    assert marks(seen)["review"] is Mark.DONE
    assert standing(BY_NAME["install"], seen).words == said("The new plan is not installed yet")
    assert marks(seen)["finish"] is Mark.TODO
    assert not blocked_by(BY_NAME["finish"], seen), "the former run can be read, and undone"


def test_an_order_that_began_no_run_uses_no_plan_up() -> None:
    refused = fold([events.RunFailed(kind="error", what="Another process"), events.RunFinished(run="", hosts={})])
    seen = view(plan=planned(), apply=refused)
    assert has_new_plan(seen)
    assert run_to_show(seen) is refused, "it says why"


def test_what_could_not_be_restored_deserves_a_look() -> None:
    undo = run("undo", *ended(HostStatus.READY, HostStatus.UNREACHABLE), run="u", undoes="r")
    seen = view(plan=planned(), apply=APPLIED, undo=undo)
    assert not seen.is_undone
    judged = standing(BY_NAME["install"], seen)
    assert judged.mark is Mark.ATTENTION
    assert judged.words == counted("{n} server was not restored", "{n} servers were not restored", 1)
    assert marks(seen)["finish"] is Mark.TODO


def test_an_undo_that_was_tried_nowhere_changes_nothing() -> None:
    failure = events.RunFailed(kind="aws", what="No network")
    undo = run("undo", failure, *ended(HostStatus.SKIPPED), run="u", undoes="r")
    seen = view(plan=planned(), apply=APPLIED, undo=undo)
    assert seen.undo is EMPTY
    assert marks(seen)["install"] is Mark.DONE
    assert seen.outdated_by("plan") == "apply"


def test_the_undo_of_another_run_is_not_that_of_this_one() -> None:
    seen = view(plan=planned(), apply=APPLIED, undo=run("undo", *ended(HostStatus.READY), run="u", undoes="other"))
    assert not seen.is_undone
    assert marks(seen)["install"] is Mark.DONE
    assert seen.outdated_by("plan") == "undo", "it changed servers all the same"


def test_while_it_is_undone_nothing_is_done() -> None:
    begun = fold([events.RunStarted(run="u", command="undo", profile="", hosts=("a", "b"), started="", undoes="r")])
    seen = replace(view(plan=planned(), apply=APPLIED, undo=begun), running="undo")
    words = standing(BY_NAME["install"], seen).words
    assert isinstance(words, Said)
    assert words == said("The run is being undone")
    assert marks(seen)["finish"] is Mark.TODO


def test_where_a_server_is_while_its_run_is_undone() -> None:
    before = Place(Group.ONLINE, 1.0)
    started = events.StepStarted(host="a", step="register_agent")
    failed = events.HostFinished(host="a", status=HostStatus.FAILED, reason="No space")
    restored = events.HostFinished(host="a", status=HostStatus.READY)
    skipped = events.HostFinished(host="a", status=HostStatus.SKIPPED, reason="Stopped")

    def after(*told: events.Event) -> Place:
        return place_in_undo(before, fold([events.PhaseStarted(phase="undo", total=1), *told]).hosts.get("a"))

    assert after() == before
    assert after(started) == Place(Group.RUNNING, 1.0)
    assert after(started, failed) == Place(Group.FAILED, 1.0)
    assert after(started, restored) == Place(Group.RESTORED, 0.0)
    assert after(skipped) == before, "nothing was taken back there"
    assert after(started, skipped) == Place(Group.FAILED, 1.0), "it was stopped half-way"


def test_those_opened_lately_count_as_online_what_was_not_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "home"))
    (tmp_path / "p.toml").write_text("")
    seen = replace(view(apply=APPLIED), path=tmp_path / "p.toml")
    recent.remember(seen)
    assert recent.recents()[0].online == 2
    undo = run("undo", *ended(HostStatus.READY, HostStatus.FAILED), run="u", undoes="r")
    recent.remember(replace(seen, states={**seen.states, "undo": undo}))
    assert recent.recents()[0].online == 1
