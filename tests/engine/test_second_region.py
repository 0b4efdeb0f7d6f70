"""Servers of one account in two Regions, under the one role that Onboard made."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from engine.conftest import Bench

from onboard.aws.session import open_aws
from onboard.engine.history import undo_preview
from onboard.engine.journal import Journal
from onboard.engine.undo import undoing_of
from onboard.model.errors import AwsError
from onboard.model.profile import RegionSection
from onboard.model.state import fold

FIRST, SECOND = "eu-central-1", "us-east-1"


def in_region(work: Bench, name: str, server: int) -> None:
    """Let the profile have one server, in this Region."""
    every = work.practice.profile()
    region = RegionSection(name=name, measure_through=every.region.measure_through)
    work.profile = every.model_copy(update={"region": region, "hosts": every.hosts[server : server + 1]})


def test_a_second_region_works_out_of_the_box_and_can_be_taken_back(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    calls = work.practice.cloud.calls
    in_region(work, FIRST, 0)
    first = work.apply()
    assert first.counts() == {"online": 1}

    in_region(work, SECOND, 1)
    plan = work.plan().plan
    assert plan is not None
    (change,) = [change for change in plan.aws if change.name == "allow_region"]
    assert change.summary == f"Role OnboardSSMServiceRole: also allow Region {SECOND}, in addition to {FIRST}"
    assert calls.of("UpdateAssumeRolePolicy") == []
    second = work.apply(approved=plan)
    assert second.counts() == {"online": 1}, second.failure
    assert [change.change for change in second.aws_changes if change.subject == "OnboardSSMServiceRole"] == [
        "allow_region"
    ]
    assert [call.error for call in calls.of("UpdateAssumeRolePolicy")] == [""]

    with work.tools() as tools:
        intent = next(entry for entry in tools.journal.entries(second.run) if entry.change == "ensure_role")
        assert (intent.phase, intent.data) == ("intent", {"role": "OnboardSSMServiceRole", "region": SECOND})
        shown = fold(undo_preview(tools.journal.run(second.run), tools.journal)).undoing
    assert shown is not None
    assert (shown.role, shown.role_region) == ("OnboardSSMServiceRole", SECOND)
    assert not shown.deletes_role
    assert not shown.detaches_policy
    undone = work.undo(second.run)
    assert any(f"Region {SECOND} was removed" in change.summary for change in undone.aws_changes)
    assert calls.of("DeleteRole") == []

    in_region(work, FIRST, 0)
    assert work.apply().counts() == {"online": 1}, "the first Region's node is as it was"
    work.undo(first.run)
    assert [call.error for call in calls.of("DeleteRole")] == [""]


def test_a_role_whose_creation_broke_off_and_was_resumed_is_deleted(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(1)
    calls = work.practice.cloud.calls
    in_region(work, FIRST, 0)
    with monkeypatch.context() as broken:
        broken.setattr("onboard.aws.changes.role._attach", _fails)
        first = work.apply()
    assert first.failure is not None
    assert work.apply(resume=first.run).counts() == {"online": 1}
    assert calls.of("DeleteRole") == []
    work.undo(first.run)
    assert [call.error for call in calls.of("DeleteRole")] == [""]


def _fails(*_: object) -> bool:
    raise AwsError("the line was cut")


def test_a_role_that_somebody_else_created_meanwhile_is_not_taken_back(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.write("r1", "", "ensure_role", "intent", {"role": "Ours", "region": FIRST, "delete": "role"})
        begun = undoing_of(journal.entries("r1"))
        journal.write("r1", "", "ensure_role", "done", {})
        done = undoing_of(journal.entries("r1"))
    assert begun.aws == {"ensure_role": {"role": "Ours", "region": FIRST, "delete": "role"}}, "it may have been created"
    assert done.is_empty


def test_the_role_stays_while_nodes_of_another_run_use_it(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    calls = work.practice.cloud.calls
    in_region(work, FIRST, 0)
    first = work.apply()
    in_region(work, FIRST, 1)
    second = work.apply()
    in_region(work, FIRST, 0)
    undone = work.undo(first.run)
    assert undone.counts() == {"ready": 1}
    kept = [note.text for note in undone.notes if "Role OnboardSSMServiceRole stays" in note.text]
    (node,) = [host.instance_id or "" for host in second.hosts.values()]
    assert node in kept[0]
    assert calls.of("DeleteRole") == []

    aws = open_aws(work.profile)
    made = aws.ssm.create_activation(IamRole="OnboardSSMServiceRole")["ActivationId"]
    in_region(work, FIRST, 1)
    work.undo(second.run)
    assert any(made in note.text for note in work.undo(first.run).notes)
    assert calls.of("DeleteRole") == []
    aws.ssm.delete_activation(ActivationId=made)
    work.undo(first.run)
    assert [call.error for call in calls.of("DeleteRole")] == [""]
    aws.close()
