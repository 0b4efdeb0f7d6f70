"""What checks may look at besides facts, from the profile and the session."""

import pytest

from onboard.aws.session import open_aws
from onboard.engine.account import context_of
from onboard.model.errors import OnboardError
from onboard.model.profile import AgentSection, Profile, RegionSection


def of(region: str, version: str) -> Profile:
    return Profile(region=RegionSection(name=region), agent=AgentSection(version=version))


@pytest.mark.parametrize("version", ["latest", "stable", "3.3.4851.0"])
def test_an_agent_that_can_work_in_the_region(version: str) -> None:
    profile = of("mx-central-1", version)
    assert context_of(profile, open_aws(profile), None).endpoints.ec2messages is None


def test_an_agent_too_old_for_the_region_is_refused_before_anything_is_fetched() -> None:
    profile = of("mx-central-1", "3.2.2303.0")
    with pytest.raises(OnboardError, match="cannot work in mx-central-1"):
        context_of(profile, open_aws(profile), None)
    elsewhere = of("eu-central-1", "3.2.2303.0")
    assert context_of(elsewhere, open_aws(elsewhere), None).endpoints.ec2messages
