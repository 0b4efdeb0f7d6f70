"""Runs in each scenario of practice: what is to go wrong in the cloud really does, and the run says what it was."""

from collections.abc import Callable

from engine.conftest import Bench

from onboard.engine.proof import Patience
from onboard.model.status import HostStatus
from onboard.practice.image import image
from onboard.practice.scenarios import SCENARIOS, Scenario

SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
TWO = (image("healthy-debian"), image("healthy-rhel"))
Start = Callable[..., Bench]


def begun(bench: Start, scenario: Scenario) -> Bench:
    work = bench(2, only=scenario.servers(TWO), settings=scenario.cloud())
    work.patience = Patience(online=60, answer=60, poll=0.1)  # a call that is made again takes its time
    return work


def errors(work: Bench, operation: str) -> list[str]:
    return [call.error for call in work.practice.cloud.calls.of(operation)]


def test_a_canary_that_fails_stops_the_others(bench: Start) -> None:
    work = begun(bench, SCENARIO["failing-canary"])
    state = work.apply()
    status = {name: host.status for name, host in state.hosts.items()}
    assert status == {"install-fails": HostStatus.FAILED, "healthy-debian": HostStatus.SKIPPED}
    assert "install-fails" in state.hosts["healthy-debian"].reason
    assert work.practice.cloud.calls.of("RegisterManagedInstance") == []


def test_throttled_calls_are_made_again(bench: Start) -> None:
    work = begun(bench, SCENARIO["throttled"])
    assert work.apply().counts() == {"online": 2}
    for operation in ("CreateActivation", "SendCommand", "DescribeInstanceInformation", "ListCommandInvocations"):
        assert errors(work, operation)[:3] == ["ThrottlingException", "ThrottlingException", ""], operation


def test_calls_whose_answer_is_lost_are_made_again(bench: Start) -> None:
    work = begun(bench, SCENARIO["lossy"])
    assert work.apply().counts() == {"online": 2}
    assert errors(work, "GetCallerIdentity")[:2] == ["", ""], "it was carried out twice"
    assert errors(work, "CreateRole") == ["", "EntityAlreadyExists"]


def test_a_proxys_page_is_not_taken_for_aws(bench: Start) -> None:
    work = begun(bench, SCENARIO["proxy-page"])
    failure = work.apply().failure
    assert failure is not None
    assert failure.kind == "aws"
    assert "proxy" in failure.remedy
    assert work.practice.cloud.calls.mutating() == []


def test_credentials_that_expire_on_the_way_are_told(bench: Start) -> None:
    work = begun(bench, SCENARIO["expired-credentials"])
    state = work.apply()
    first, second = state.hosts.values()
    assert (first.status, second.status) == (HostStatus.FAILED, HostStatus.SKIPPED)
    assert "expired" in first.reason
    assert "Log in again" in first.remedy
    assert errors(work, "CreateActivation") == [""]
    assert set(errors(work, "DescribeInstanceInformation")[-2:]) == {"expired"}
    assert any("could not be deleted" in note.text for note in state.notes)


def test_a_region_without_ec2messages_has_the_newer_channel(bench: Start) -> None:
    work = begun(bench, SCENARIO["no-ec2messages"])
    assert work.apply().counts() == {"online": 2}
    assert errors(work, "OpenControlChannel") == ["", ""]
    assert "" not in errors(work, "GetMessages")
    assert errors(work, "SendReply") == []


def test_there_is_a_test_of_each() -> None:
    assert set(SCENARIO) == {
        "failing-canary",
        "throttled",
        "lossy",
        "proxy-page",
        "expired-credentials",
        "no-ec2messages",
    }
