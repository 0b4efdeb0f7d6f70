"""Every change in AWS: in the catalog, alike in shape, and planned as it is made."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from onboard.aws import changes
from onboard.aws.changes.base import Basis, Entry, Undo
from onboard.aws.changes.catalog import CHANGES, NODE_CHANGES, RUN_CHANGES, plan_all
from onboard.aws.changes.role import plan_role
from onboard.aws.headroom import headroom
from onboard.aws.identity import Identity
from onboard.aws.role_trust import trust_policy
from onboard.aws.session import Aws
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.events import AwsChanged, Noted
from onboard.model.plan import Change
from onboard.model.profile import Host, Profile, RoleSection
from onboard.model.words import Text

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud

ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]}
OTHERS = {"__init__", "base", "catalog"}
ROLE, ACTIVATIONS = RUN_CHANGES


@dataclass(frozen=True)
class Line:
    """An entry of the journal."""

    change: str
    phase: str
    data: Mapping[str, str] = field(default_factory=dict)
    host: str = ""


def basis(aws: Aws, identity: Identity, servers: int, **more: object) -> Basis:
    profile = Profile.model_validate({"activation": {"name": "web", "tags": {"team": "a"}}, **more})
    return Basis(aws, identity, profile, "r-1", servers=servers, registering=servers)


def test_every_file_is_listed() -> None:
    (folder,) = map(Path, changes.__path__)
    files = {path.stem for path in folder.glob("*.py")} - OTHERS
    assert sorted(type(change).__module__.rpartition(".")[2] for change in CHANGES) == sorted(files)
    assert len({change.name for change in CHANGES}) == len(CHANGES)


def test_planning_changes_nothing_and_finds_the_same_again(aws: Aws, identity: Identity, cloud: "Cloud") -> None:
    wanted = basis(aws, identity, 1500)
    plan = plan_all(replace(wanted, registering=999))
    assert cloud.calls.mutating() == []
    assert plan == plan_all(replace(wanted, registering=999))
    assert [change.name for _, planned in plan for change in planned.changes] == [
        "create_role",
        "attach_core_policy",
        "create_activation",
    ]
    assert all(not planned.changes for _, planned in plan_all(replace(wanted, registering=0)))
    assert cloud.calls.mutating() == []
    with pytest.raises(OnboardError, match="1500 more nodes do not fit"):
        plan_all(wanted)


def test_what_is_made_is_what_was_planned_and_undo_takes_it_back(aws: Aws, identity: Identity, cloud: "Cloud") -> None:
    """What is approved of an activation is what AWS is sent. All that is made is journalled before and after."""
    wanted = basis(aws, identity, 3, role={"name": "service-role/Nodes"})
    plan = plan_all(wanted)
    entries: list[Entry] = []
    for change, planned in plan:
        for part in planned.parts:
            entries.append(Line(change.name, "intent", part.planned_undo()))
            begun = change.left(entries)
            made = part.make(aws, CancelToken())
            entries.append(Line(change.name, "done", made.kept))
            assert change is ACTIVATIONS or begun == change.left(entries), "as much is known should it break off"
            assert change.left(entries)
    (approved,) = [change for _, planned in plan for change in planned.changes if change.name == "create_activation"]
    (sent,) = aws.ssm.describe_activations()["ActivationList"]
    assert approved.detail == {
        "name": sent["DefaultInstanceName"],
        "role": sent["IamRole"],
        "expires_in_hours": str(round((sent["ExpirationDate"] - sent["CreatedDate"]).total_seconds() / 3600)),
        **{f"tag {tag['Key']}": tag["Value"] for tag in sent["Tags"]},
    }
    assert (approved.at_most, sent["RegistrationLimit"]) == (3, 3)

    assert [line.words for change in CHANGES for line in change.tell(entries)] == [
        "The role service-role/Nodes, which this run created, is deleted.",
        "Activations that this run left behind are deleted.",
    ]
    for _ in range(2):  # safe to repeat
        for change in reversed(RUN_CHANGES):
            found = list(change.undo(Undo(aws, wanted.profile, wanted.run, change.left(entries))))
            assert not any(isinstance(item, Noted) for item in found)
    assert aws.ssm.describe_activations()["ActivationList"] == []
    assert not cloud.calls.of("DeleteRole")[0].error


def test_a_role_that_cannot_be_used_stops_the_plan(aws: Aws, identity: Identity) -> None:
    aws.iam.create_role(RoleName="Mine", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    with pytest.raises(OnboardError, match="service role cannot be used"):
        ROLE.plan(basis(aws, identity, 1, role={"name": "Mine"}))


def lines(*entries: Entry) -> list[str]:
    return [line.words for change in CHANGES for line in change.tell(entries)]


def test_what_becomes_of_a_role_that_stays() -> None:
    opened = Line("ensure_role", "done", {"role": "R", "region": "us-east-1"})
    attached = Line("ensure_role", "done", {"role": "R", "delete": "policy"})
    region = "Region us-east-1 is removed from the role R again."
    policy = "The policy that this run attached to the role R is detached."
    assert lines(opened) == [region]
    assert lines(attached) == [policy]
    assert lines(opened, attached) == [region, policy]
    assert lines(opened, Line("ensure_role", "undone")) == []


def test_an_activation_that_broke_off_may_be_left() -> None:
    begun, done = Line("create_activation", "intent"), Line("create_activation", "done", {"id": "a-1"})
    deleted = Line("delete_activation", "done", {"id": "a-1"})
    assert ACTIVATIONS.left([begun]) == {"others": "maybe"}
    assert ACTIVATIONS.left([begun, done]) == {"ids": "a-1"}
    assert ACTIVATIONS.left([begun, done, begun]) == {"ids": "a-1", "others": "maybe"}
    assert ACTIVATIONS.left([begun, done, deleted]) == {}
    assert lines(begun, done) == lines(begun) == ["Activations that this run left behind are deleted."]
    assert lines(begun, done, deleted) == []


def test_tags_stay_where_the_node_does() -> None:
    tagged = [
        Line("tag_node", phase, {"instance_id": f"mi-{host}"}, host) for phase in ("intent", "done") for host in "ab"
    ]
    registered = Line("register_agent", "done", {"node": "mi-a"}, "a")
    found = [line for change in NODE_CHANGES for line in change.tell([registered, *tagged])]
    words = "b: the tags of mi-b stay, since this run did not register it"
    assert [(line.change, line.subject, line.words, line.stays) for line in found] == [
        ("tag_node", "mi-b", words, True)
    ]
    assert found[0].sentence.values == {"server": "b", "node": "mi-b"}


def test_a_server_without_tags_has_nothing_planned() -> None:
    (tags,) = NODE_CHANGES
    bare = Host(name="a", address="192.0.2.1")
    assert tags.plan(bare) is None
    change = tags.plan(bare.model_copy(update={"tags": {"b": "2", "a": "1"}}))
    assert change is not None
    assert (change.summary, change.detail) == ("Tag its node: a = 1, b = 2", {"tag a": "1", "tag b": "2"})


def planned_and_made(aws: Aws, identity: Identity, word: str, servers: int) -> Iterator[Change | AwsChanged]:
    """All that is planned, made and undone for a role, activations and tags that are called after `word`."""
    wanted = basis(aws, identity, servers, role={"name": f"Role-{word}"})
    host = Host(name="a", tags={"team": word})
    yield from (change for kind in NODE_CHANGES if (change := kind.plan(host)))
    for _, planned in plan_all(wanted):
        yield from planned.changes
        for part in planned.parts:
            yield from part.make(aws, CancelToken()).told
    elsewhere = Aws(aws.session, region="us-east-1" if word == "alpha" else "us-west-2")
    further = plan_all(replace(wanted, aws=elsewhere))[0][1]
    yield from further.changes
    for part in further.parts:
        yield from part.make(elsewhere, CancelToken()).told
    undone = [*ACTIVATIONS.undo(Undo(aws, wanted.profile, "r-1", {"others": "maybe"}))]
    for left in (
        {"role": f"Role-{word}", "region": elsewhere.region},
        {"role": f"Role-{word}", "region": aws.region, "delete": "policy"},
        {"role": f"Role-{word}", "region": aws.region, "delete": "role"},
        {"role": f"Role-{word}", "region": aws.region, "delete": "role"},
    ):
        undone += ROLE.undo(Undo(aws, wanted.profile, "r-1", left))
    for done in undone:
        assert not isinstance(done, Noted), done
        yield done.told


def warnings(aws: Aws, identity: Identity, word: str) -> Iterator[str]:
    """What a reader of the plan must know about roles that somebody else made, and about the number of nodes."""
    document = trust_policy(identity, aws.region)
    document["Statement"][0]["Condition"]["Bool"] = {f"aws:{word}": "true"}
    aws.iam.create_role(RoleName=word, Path=f"/{word}/", AssumeRolePolicyDocument=json.dumps(document))
    aws.iam.put_role_policy(RoleName=word, PolicyName=f"policy-{word}", PolicyDocument=json.dumps(ANYTHING))
    plan = plan_role(aws, identity, RoleSection(name=f"other-{word}/{word}", create=False))
    assert plan.problems == ()
    yield from plan.warnings
    yield from headroom(aws, identity, 1000 + len(word)).warnings
    stub = Stubber(aws.iam)
    stub.add_client_error("get_role", "AccessDeniedException", f"not authorized to perform: iam:{word}")
    with stub:
        yield from plan_role(aws, identity, RoleSection(name=word)).warnings


def test_what_aws_and_the_profile_give_are_values_of_what_is_told(aws: Aws, identity: Identity) -> None:
    templates = []
    for word, servers in (("alpha", 7), ("omikron", 8)):
        told = [*(one.sentence for one in planned_and_made(aws, identity, word, servers))]
        assert len(told) == 14
        assert len([text for text in told if text.values]) == 13, "all but the deleted activation"
        for warning in warnings(aws, identity, word):
            assert isinstance(warning, Text), warning
            told.append(warning)
        assert len(told) == 19
        templates.append([text.template for text in told])
        assert not [text.template for text in told if word in text.template or identity.account in text.template]
    assert templates[0] == templates[1]
