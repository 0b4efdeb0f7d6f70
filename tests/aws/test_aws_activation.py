"""Activations, against the practice cloud."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aws.conftest import REGION
from botocore.stub import Stubber

from onboard.aws.changes.activations import (
    LARGEST,
    ActivationWish,
    activation_sizes,
    create_activation,
    delete_activation,
    find_activations,
)
from onboard.aws.changes.base import Activation
from onboard.aws.changes.role import ensure_role, plan_role
from onboard.aws.headroom import headroom
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import AwsError
from onboard.model.profile import RoleSection

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud


class Clock:
    """Time that passes only while somebody waits; `on_wait` is done during each wait."""

    def __init__(self, on_wait: Callable[[float], None] = lambda seconds: None) -> None:
        self.waits: list[float] = []
        self._on_wait = on_wait

    def __call__(self) -> float:
        return sum(self.waits)

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self._on_wait(seconds)
        return False


def create(
    aws: Aws,
    role: str,
    clock: Clock | None = None,
    *,
    cancel: CancelToken | None = None,
    wait: Callable[[float], bool] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    **changes: Any,
) -> Activation:
    clock = clock or Clock()
    wish = ActivationWish(role=role, name="web", size=3, expires_in_hours=4, tags={"team": "a"}, run="r-1")
    return create_activation(
        aws, replace(wish, **changes), cancel or CancelToken(), clock=clock, now=now, wait=wait or clock.wait
    )


@pytest.mark.parametrize(
    ("servers", "sizes"), [(0, ()), (1, (1,)), (1000, (1000,)), (1001, (1000, 1)), (2500, (1000, 1000, 500))]
)
def test_sizes(servers: int, sizes: tuple[int, ...]) -> None:
    assert activation_sizes(servers) == sizes
    assert sum(sizes) == servers
    assert all(size <= LARGEST for size in sizes)


def test_an_activation_is_as_wanted(aws: Aws, role: str) -> None:
    before = datetime.now(UTC)
    activation = create(aws, role)
    assert (activation.limit, activation.region) == (3, REGION)
    assert activation.code.reveal()
    assert activation.code.reveal() not in repr(activation)
    (state,) = find_activations(aws, name="web", run="r-1")
    assert (state.id, state.limit, state.registrations, state.left) == (activation.id, 3, 0, 3)
    assert state.description == "web (Onboard run r-1)"
    (told,) = aws.ssm.describe_activations()["ActivationList"]
    assert timedelta(hours=3, minutes=59) < told["ExpirationDate"] - before < timedelta(hours=4, minutes=1)
    assert (told["IamRole"], told["Tags"]) == (role, [{"Key": "team", "Value": "a"}])


def test_the_longest_life_is_sent_a_little_shorter_than_aws_allows(aws: Aws, role: str) -> None:
    """AWS refuses 30 days by its own clock, which may be behind this computer's."""
    now = datetime.now(UTC).replace(microsecond=0)
    activation = create(aws, role, expires_in_hours=720, now=lambda: now)
    (told,) = aws.ssm.describe_activations()["ActivationList"]
    assert told["ExpirationDate"] == activation.expires
    assert timedelta(minutes=1) <= timedelta(days=30) - (told["ExpirationDate"] - now) <= timedelta(hours=1)


def test_those_of_a_run_are_found(aws: Aws, role: str) -> None:
    first, second = create(aws, role), create(aws, role)
    create(aws, role, run="r-2")
    create(aws, role, name="other")
    assert {state.id for state in find_activations(aws, name="web", run="r-1")} == {first.id, second.id}
    assert find_activations(aws, name="web", run="r-3") == ()


def test_a_long_name_still_names_the_run(aws: Aws, role: str) -> None:
    activation = create(aws, role, name="n" * 256)
    assert [state.id for state in find_activations(aws, name="n" * 256, run="r-1")] == [activation.id]


def test_more_than_a_page_is_described(aws: Aws, role: str) -> None:
    ids = {create(aws, role, size=1).id for _ in range(60)}
    assert {state.id for state in find_activations(aws, name="web", run="r-1")} == ids


def test_deleting_twice_is_fine(aws: Aws, role: str) -> None:
    activation = create(aws, role)
    assert delete_activation(aws, activation.id)
    assert not delete_activation(aws, activation.id)
    assert find_activations(aws, name="web", run="r-1") == ()


def test_an_expired_one_has_nothing_left(aws: Aws, role: str, cloud: "Cloud") -> None:
    activation = create(aws, role)
    stub = Stubber(aws.ssm)
    item = {"ActivationId": activation.id, "Expired": True, "RegistrationLimit": 3, "RegistrationsCount": 1}
    item["Description"] = "web (Onboard run r-1)"
    stub.add_response("describe_activations", {"ActivationList": [item]})
    with stub:
        assert [state.left for state in find_activations(aws, name="web", run="r-1")] == [0]


def test_a_new_role_is_waited_for(aws: Aws, identity: Identity, cloud: "Cloud") -> None:
    cloud.settings.role_delay_s = 20
    role = ensure_role(aws, identity, plan_role(aws, identity, RoleSection()))["role"]

    def pass_time(seconds: float) -> None:
        # Requests are signed with the true time: the delay is shortened instead of the clock moved.
        cloud.settings.role_delay_s = max(0.0, cloud.settings.role_delay_s - seconds)

    clock = Clock(pass_time)
    create(aws, role, clock)
    assert len(cloud.calls.of("CreateActivation")) == len(clock.waits) + 1
    assert clock.waits[:3] == [2, 4, 8]


def test_a_role_never_seen_is_told_after_two_minutes(aws: Aws, role: str) -> None:
    clock = Clock()
    with pytest.raises(AwsError) as caught:
        create(aws, "Nobody", clock)
    assert "Systems Manager cannot use role Nobody" in caught.value.what
    assert "trust policy" in caught.value.remedy
    assert 90 < clock() <= 120


def test_throttling_is_waited_for(aws: Aws, role: str) -> None:
    clock = Clock()
    stub = Stubber(aws.ssm)
    stub.add_client_error("create_activation", "ThrottlingException", "Rate exceeded")
    stub.add_client_error("create_activation", "ThrottlingException", "Rate exceeded")
    stub.add_response("create_activation", {"ActivationId": "0" * 36, "ActivationCode": "c" * 20})
    with stub:
        assert create(aws, role, clock).id == "0" * 36
    assert clock.waits == [2, 4]


def test_other_refusals_are_told_at_once(aws: Aws, role: str) -> None:
    clock = Clock()
    stub = Stubber(aws.ssm)
    stub.add_client_error("create_activation", "AccessDeniedException", "not authorized to perform: iam:PassRole")
    with stub, pytest.raises(AwsError, match="iam:PassRole"):
        create(aws, role, clock)
    assert clock.waits == []


def test_stop_ends_the_waiting(aws: Aws, role: str) -> None:
    cancel = CancelToken()

    def stop(seconds: float) -> bool:
        cancel.stop()
        return True

    with pytest.raises(Cancelled):
        create(aws, "Nobody", cancel=cancel, wait=stop)
    with pytest.raises(Cancelled):
        create(aws, role, cancel=cancel)


def test_headroom_of_the_standard_tier(aws: Aws, identity: Identity) -> None:
    room = headroom(aws, identity, 1000)
    assert (room.tier, room.nodes, room.limit, room.fits, room.warnings) == ("standard", 0, 1000, True, ())
    over = headroom(aws, identity, 1001)
    assert not over.fits
    assert "1 over" in over.warnings[0]
    assert "$5,079 a month" in over.warnings[0]


def test_headroom_of_the_advanced_tier(aws: Aws, identity: Identity) -> None:
    aws.ssm.update_service_setting(SettingId="/ssm/managed-instance/activation-tier", SettingValue="advanced")
    room = headroom(aws, identity, 2000)
    assert (room.tier, room.limit, room.fits, room.warnings) == ("advanced", None, True, ())
    assert "2,000 nodes" in room.cost


def test_headroom_when_the_tier_may_not_be_read(aws: Aws, identity: Identity) -> None:
    stub = Stubber(aws.ssm)
    stub.add_response("describe_instance_information", {"InstanceInformationList": []})
    stub.add_client_error("get_service_setting", "AccessDeniedException", "not authorized to perform: x:Y")
    with stub:
        room = headroom(aws, identity, 5)
    assert (room.tier, room.fits) == ("", True)
    assert "unknown" in room.warnings[0]
