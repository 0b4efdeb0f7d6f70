"""Nodes and commands, against the practice cloud and its stand-in agents."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber
from live_agents import agents

from onboard.aws.changes.activations import find_activations
from onboard.aws.changes.base import Activation
from onboard.aws.changes.node_tags import NodeTags
from onboard.aws.commands import Invocation, invocations, send_script
from onboard.aws.headroom import headroom
from onboard.aws.identity import Identity
from onboard.aws.instances import NodePoller, batches, deregister, known_nodes, nodes
from onboard.aws.session import Aws
from onboard.model.errors import AwsError
from onboard.model.profile import Host

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud

Activate = Callable[[int], Activation]
SHELL = "AWS-RunShellScript"
STRANGER = "mi-" + "0" * 17


def register_quietly(cloud: "Cloud", activation: Activation, count: int) -> list[str]:
    """Nodes that registered and never said another word."""
    from onboard.practice.agent import new_public_key
    from onboard.practice.agentapi import register_managed_instance

    request = {
        "ActivationId": activation.id,
        "ActivationCode": activation.code.reveal(),
        "PublicKeyType": "Rsa",
    }
    return [
        str(
            register_managed_instance({**request, "Fingerprint": f"f{number}", "PublicKey": new_public_key()})[1][
                "InstanceId"
            ]
        )
        for number in range(count)
    ]


def collected(aws: Aws, commands: set[str], count: int) -> dict[tuple[str, str], Invocation]:
    """All invocations once they have finished."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = invocations(aws, commands)
        if len(found) == count and all(invocation.finished for invocation in found.values()):
            return found
    raise AssertionError(f"not finished: {found}")


def test_agents_come_online_answer_and_leave(
    aws: Aws, identity: Identity, cloud: "Cloud", new_activation: Activate
) -> None:
    activation = new_activation(2)
    poller = NodePoller(aws)
    with agents(cloud, activation, ["nonce-a", "nonce-b"]) as ids:
        found = poller.ask(ids)
        assert found is not None
        assert found.keys() == set(ids)
        assert all(node.is_online for node in found.values())
        assert known_nodes(aws, [*ids, STRANGER]) == set(ids)
        assert headroom(aws, identity, 1).nodes == 2
        (state,) = find_activations(aws, name="test", run="r1")
        assert (state.id, state.registrations, state.left) == (activation.id, 2, 0)

        (sent,) = send_script(aws, ids, "cat /var/lib/onboard/nonce", document=SHELL, comment="Onboard proof")
        assert not sent.refused
        assert set(sent.nodes) == set(ids)
        command = sent.command
        answers = collected(aws, {command}, 2)
        said = {node: (item.status, item.stdout.strip()) for (_, node), item in answers.items()}
        assert said == {ids[0]: ("Success", "nonce-a"), ids[1]: ("Success", "nonce-b")}
        assert answers[command, ids[0]].stderr.strip() == "a warning"

    NodeTags().make(aws, ids[0], Host(name="a", address="192.0.2.1", tags={"team": "a"}))
    tags = aws.ssm.list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=ids[0])["TagList"]
    assert {"Key": "team", "Value": "a"} in tags
    assert deregister(aws, ids[0])
    assert not deregister(aws, ids[0])
    assert known_nodes(aws, ids) == {ids[1]}


def test_one_unknown_node_does_not_hide_the_others(aws: Aws, cloud: "Cloud", new_activation: Activate) -> None:
    activation = new_activation(5)
    ids = register_quietly(cloud, activation, 5)
    sent = list(send_script(aws, [*ids, STRANGER], "true", document=SHELL, comment="x"))
    (refused,) = [one for one in sent if one.refused]
    assert refused.nodes == (STRANGER,)
    assert "not in a valid state" in refused.refused
    told = {(one.command, node) for one in sent if not one.refused for node in one.nodes}
    assert {node for _, node in told} == set(ids)
    assert invocations(aws, {command for command, _ in told}).keys() == told, "each under the command it was sent"


def test_batches_and_pages(aws: Aws, cloud: "Cloud", new_activation: Activate) -> None:
    activation = new_activation(230)
    ids = register_quietly(cloud, activation, 230)
    assert nodes(aws, ids).keys() == set(ids)
    assert not any(node.is_online for node in nodes(aws, ids).values())
    assert known_nodes(aws, ids) == set(ids)
    commands = {sent.command for sent in send_script(aws, ids, "true", document=SHELL, comment="x" * 200)}
    assert len(commands) == 5
    assert {node for _, node in invocations(aws, commands)} == set(ids)


def test_what_is_no_id_is_no_node(aws: Aws, cloud: "Cloud") -> None:
    assert known_nodes(aws, ["", "mi-XYZ", "i-1'; drop", "mi-" + "g" * 17]) == frozenset()
    assert cloud.calls.of("DescribeInstanceInformation") == []


def test_a_batch_that_aws_refuses_for_one_id_is_halved(aws: Aws) -> None:
    good, bad = "mi-" + "1" * 17, "mi-" + "2" * 17
    stub = Stubber(aws.ssm)
    stub.add_client_error("describe_instance_information", "InvalidInstanceId")
    stub.add_response("describe_instance_information", {"InstanceInformationList": [{"InstanceId": good}]})
    stub.add_client_error("describe_instance_information", "InvalidInstanceId")
    with stub:
        assert known_nodes(aws, [good, bad]) == {good}


def test_the_poller_slows_down_while_throttled_and_recovers(aws: Aws) -> None:
    poller = NodePoller(aws, interval=5, slowest=15)
    stub = Stubber(aws.ssm)
    for _ in range(3):
        stub.add_client_error("describe_instance_information", "ThrottlingException", "Rate exceeded")
    intervals = []
    with stub:
        for _ in range(3):
            assert poller.ask([STRANGER]) is None
            intervals.append(poller.interval)
        assert intervals == [10, 15, 15]
        stub.add_response("describe_instance_information", {"InstanceInformationList": []})
        assert poller.ask([STRANGER]) == {}
        assert poller.interval == 10
        stub.add_client_error("describe_instance_information", "AccessDeniedException")
        with pytest.raises(AwsError):
            poller.ask([STRANGER])


def test_batches() -> None:
    assert list(batches(["a", "b", "c"], 2)) == [["a", "b"], ["c"]]
    assert list(batches([], 2)) == []
