"""A practice cloud for each test, and a session on it."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from onboard.aws.changes.activations import ActivationWish, create_activation
from onboard.aws.changes.base import Activation
from onboard.aws.changes.role import ensure_role, plan_role
from onboard.aws.identity import Identity, identify
from onboard.aws.session import Aws, open_aws
from onboard.model.cancel import CancelToken
from onboard.model.profile import Profile

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def no_settings_of_this_computer(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No AWS_* variable, no ~/.aws, no metadata service, proxy or certificates of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator["Cloud"]:
    practice = pytest.importorskip("onboard.practice.cloud", reason="needs the extra: practice")
    with practice.running_cloud() as running:
        for name, value in running.environment(REGION).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def profile(cloud: "Cloud") -> Profile:
    return Profile()


@pytest.fixture
def aws(profile: Profile) -> Iterator[Aws]:
    opened = open_aws(profile)
    yield opened
    opened.close()


@pytest.fixture
def identity(aws: Aws) -> Identity:
    return identify(aws)


@pytest.fixture
def role(aws: Aws, identity: Identity, profile: Profile) -> str:
    """The service role, created."""
    ensure_role(aws, identity, plan_role(aws, identity, profile.role))
    return profile.role.name


@pytest.fixture
def new_activation(aws: Aws, role: str) -> Callable[[int], Activation]:
    def create(size: int) -> Activation:
        wish = ActivationWish(role=role, name="test", size=size, expires_in_hours=1, tags={}, run="r1")
        return create_activation(aws, wish, CancelToken())

    return create
