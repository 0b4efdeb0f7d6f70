"""The stages without a display: what each one says, and what blocks the next."""

from dataclasses import replace

import pytest

from onboard.model import events
from onboard.model.errors import Problem
from onboard.model.finding import Finding, Verdict
from onboard.model.plan import Plan
from onboard.model.profile import Credential, CredentialKind, Host, Profile, RegionSection
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.wizard.stages import BY_NAME, STAGES, Mark, after, before, blocked_by
from onboard.wizard.text import Said, counted, said
from onboard.wizard.view import View

ACCOUNT = events.AccountIdentified(account="1", arn="arn:x", partition="aws", region="eu-west-1")
FULL = Profile(
    region=RegionSection(name="eu-west-1"),
    credentials={"default": Credential(kind=CredentialKind.SSH_AGENT, username="ops")},
    hosts=(Host(name="a"), Host(name="b")),
)


def run(command: str, *told: events.Event) -> State:
    started = events.RunStarted(run="r", command=command, profile="", hosts=(), started="now")
    return fold([started, *told])


def ended(name: str, status: HostStatus) -> events.HostFinished:
    return events.HostFinished(host=name, status=status)


def standing(name: str, view: View) -> Mark:
    return BY_NAME[name].judge(view).mark


def test_an_empty_profile_lets_nobody_past_what_is_missing() -> None:
    empty = View()
    assert [stage.name for stage in STAGES if not blocked_by(stage, empty)] == [
        "start",
        "account",
        "servers",
        "region",
        "network",
    ]
    assert blocked_by(BY_NAME["checks"], empty) is BY_NAME["servers"]
    assert BY_NAME["servers"].judge(empty).words == said("Add at least one server")


def test_every_stage_that_is_to_do_and_needed_says_what_is_open() -> None:
    needed = {name for stage in STAGES for name in stage.needs}
    for name in needed:
        judged = BY_NAME[name].judge(View())
        assert judged.mark is not Mark.TODO or judged.words, name


def test_the_whole_way() -> None:
    view = View(draft=FULL)
    assert not blocked_by(BY_NAME["checks"], view)
    assert blocked_by(BY_NAME["review"], view) is BY_NAME["account"]
    view = replace(view, states={"account": run("account", ACCOUNT)})
    assert blocked_by(BY_NAME["review"], view) is BY_NAME["checks"]
    assert BY_NAME["checks"].judge(view).words == said("Run the checks")
    checked = run("check", ended("a", HostStatus.READY), ended("b", HostStatus.BLOCKED))
    view = replace(view, states={**view.states, "check": checked})
    left_out = counted("{n} blocked server will be left out", "{n} blocked servers will be left out", 1)
    assert BY_NAME["checks"].judge(view).words == left_out
    assert not blocked_by(BY_NAME["review"], view)
    assert blocked_by(BY_NAME["install"], view) is BY_NAME["review"]
    planned = run("plan", events.PlanMade(plan=Plan(account="1", region="eu-west-1")))
    view = replace(view, states={**view.states, "plan": planned})
    assert not blocked_by(BY_NAME["install"], view)
    assert blocked_by(BY_NAME["finish"], view)
    applied = run("apply", ended("a", HostStatus.ONLINE), events.RunFinished(run="r", hosts={}))
    view = replace(view, states={**view.states, "apply": applied})
    assert standing("install", view) is Mark.DONE
    assert not blocked_by(BY_NAME["finish"], view)


@pytest.mark.parametrize(
    ("name", "command", "told"),
    [
        ("account", "account", events.RunFailed(kind="aws", what="expired")),
        ("account", "account", replace(ACCOUNT, missing=("iam:PassRole",))),
        ("servers", "trust", ended("a", HostStatus.UNTRUSTED)),
        ("install", "apply", ended("a", HostStatus.FAILED)),
    ],
)
def test_what_deserves_a_look_is_marked_and_blocks_nothing(name: str, command: str, told: events.Event) -> None:
    view = View(draft=FULL, states={command: run(command, told, events.RunFinished(run="r", hosts={}))})
    judged = BY_NAME[name].judge(view)
    assert judged.mark is Mark.ATTENTION
    assert judged.words


@pytest.mark.parametrize(("stage", "command"), [("account", "account"), ("role", "preview"), ("review", "plan")])
def test_a_single_mistake_is_said_itself_and_not_counted(stage: str, command: str) -> None:
    mistake = Problem("region.name", "no Region is set", "Choose a Region")
    failed = events.RunFailed(kind="profile", what="1 mistake found", problems=(mistake,))
    view = View(draft=FULL, states={command: run(command, failed)})
    assert BY_NAME[stage].judge(view).words == "No Region is set"
    failed = replace(failed, what="2 mistakes found", problems=(mistake, mistake))
    view = View(draft=FULL, states={command: run(command, failed)})
    assert BY_NAME[stage].judge(view).words == "2 mistakes found"


def test_a_server_without_its_credential_is_to_do() -> None:
    view = View(draft=FULL.model_copy(update={"credentials": {}}))
    words = BY_NAME["servers"].judge(view).words
    assert isinstance(words, Said)
    assert dict(words.fields) == {"names": "default"}


def test_no_able_server_blocks_the_review() -> None:
    blocked = run("check", ended("a", HostStatus.BLOCKED), ended("b", HostStatus.UNREACHABLE))
    view = View(draft=FULL, states={"check": blocked, "account": run("account", ACCOUNT)})
    assert blocked_by(BY_NAME["review"], view) is BY_NAME["checks"]
    assert BY_NAME["checks"].judge(view).words == said("No server can be onboarded yet")


def test_back_and_next_walk_the_list() -> None:
    walked = [STAGES[0]]
    while (following := after(walked[-1])) is not None:
        assert before(following) is walked[-1]
        walked.append(following)
    assert walked == list(STAGES)
    assert before(STAGES[0]) is None


def test_findings_do_not_disturb_a_stage() -> None:
    finding = Finding(check="c", status=Verdict.WARN, summary="s")
    told = events.HostFinished(host="a", status=HostStatus.WARNED, findings=(finding,))
    assert standing("checks", View(draft=FULL, states={"check": run("check", told)})) is Mark.DONE
