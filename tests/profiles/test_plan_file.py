"""A plan in a file comes back as it was; what is none is refused in words."""

from pathlib import Path

import pytest

from onboard.model.errors import OnboardError, ProfileError
from onboard.model.plan import Change, HostPlan, Plan
from onboard.profiles.plan_file import load, save

PLAN = Plan(
    account="123456789012",
    region="eu-central-1",
    aws=(Change(name="create_activation", summary="Create an activation", detail={"name": "onboard"}, at_most=2),),
    hosts=(HostPlan(host="web-1", changes=(Change(name="install_agent", summary="Install"),)), HostPlan(host="db-1")),
    warnings=("Packages are taken unverified",),
)


def test_a_saved_plan_is_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    save(PLAN, file)
    assert load(file) == PLAN


@pytest.mark.parametrize("content", ["", "[]", '{"format": "onboard-plan-0"}', '{"format": "onboard-plan-1"}'])
def test_what_is_no_plan_is_refused_with_a_remedy(tmp_path: Path, content: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(content)
    with pytest.raises(ProfileError) as refused:
        load(file)
    assert "onboard plan -o" in refused.value.problems[0].remedy


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="plan"):
        load(tmp_path / "plan.json")


def test_a_plan_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(OnboardError) as refused:
        save(PLAN, tmp_path / "missing" / "plan.json")
    assert "missing" in refused.value.where
