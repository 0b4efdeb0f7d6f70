"""The service role: created, audited, undone."""

import copy
import json
import shlex
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from aws.conftest import REGION
from botocore.stub import Stubber

from onboard.aws.changes.role import (
    CORE_POLICY,
    RolePlan,
    ensure_role,
    plan_role,
    planned_undo,
    undo_role,
)
from onboard.aws.identity import Identity
from onboard.aws.role_trust import judge_trust, trust_policy
from onboard.aws.session import Aws
from onboard.model.errors import AwsError
from onboard.model.profile import RoleSection

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud

ANY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]}'
ME = Identity(account="123456789012", arn="arn:aws:iam::123456789012:user/me", partition="aws")
WANTED = RoleSection()
CORE = f"arn:aws:iam::aws:policy/{CORE_POLICY}"


def trust(**changes: Any) -> dict[str, Any]:
    """A trust policy like Onboard's own, with its statement changed; None takes a part out."""
    document = copy.deepcopy(trust_policy(ME, REGION))
    statement = document["Statement"][0]
    for name, value in changes.items():
        if value is None:
            del statement[name]
        else:
            statement[name] = value
    return document


def make_role(
    aws: Aws, name: str, document: dict[str, Any], *, path: str = "/", policies: tuple[str, ...] = ()
) -> None:
    aws.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(document))
    for arn in policies:
        aws.iam.attach_role_policy(RoleName=name, PolicyArn=arn)


def audit(aws: Aws, identity: Identity, name: str) -> RolePlan:
    return plan_role(aws, identity, RoleSection(name=name, create=False))


def test_a_missing_role_is_planned_created_and_undone(aws: Aws, identity: Identity, cloud: "Cloud") -> None:
    plan = plan_role(aws, identity, WANTED)
    assert cloud.calls.mutating() == []
    assert [change.name for change in plan.changes] == ["create_role", "attach_core_policy"]
    assert plan_role(aws, identity, WANTED) == plan, "two plans of an unchanged world are equal"

    done = ensure_role(aws, identity, plan)
    assert done
    assert dict(done) == dict(planned_undo(plan))
    role = aws.iam.get_role(RoleName=WANTED.name)["Role"]
    statement = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": identity.account},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:{REGION}:{identity.account}:*"},
    }
    assert {"Key": "created-by", "Value": "onboard"} in role["Tags"]

    after = plan_role(aws, identity, WANTED)
    assert (after.changes, after.warnings, after.problems, after.diff) == ((), (), (), "")
    count = len(cloud.calls.mutating())
    assert not ensure_role(aws, identity, after)
    assert not ensure_role(aws, identity, plan_role(aws, identity, WANTED))
    assert len(cloud.calls.mutating()) == count

    assert "was deleted" in undo_role(aws, done)
    assert "gone already" in undo_role(aws, done)
    assert plan_role(aws, identity, WANTED) == plan


def test_a_role_is_created_with_its_path(aws: Aws, identity: Identity) -> None:
    done = ensure_role(aws, identity, plan_role(aws, identity, RoleSection(name="service-role/Nodes")))
    assert done["role"] == "service-role/Nodes"
    assert aws.iam.get_role(RoleName="Nodes")["Role"]["Path"] == "/service-role/"
    assert "was deleted" in undo_role(aws, done)


def test_the_path_of_an_existing_role_is_found(aws: Aws, identity: Identity) -> None:
    make_role(aws, "Nodes", trust(), path="/service-role/", policies=(CORE,))
    plan = audit(aws, identity, "Nodes")
    assert plan.name == "service-role/Nodes"
    assert plan.warnings == ()
    assert "service-role" in audit(aws, identity, "other/Nodes").warnings[0]


def test_a_missing_role_that_may_not_be_created(aws: Aws, identity: Identity) -> None:
    with pytest.raises(AwsError) as caught:
        audit(aws, identity, "Nobody")
    assert caught.value.code == "NoSuchEntity"
    assert "role.create" in caught.value.remedy


def test_an_interrupted_creation_is_finished(aws: Aws, identity: Identity) -> None:
    plan = plan_role(aws, identity, WANTED)
    ensure_role(aws, identity, plan)
    aws.iam.detach_role_policy(RoleName=WANTED.name, PolicyArn=CORE)
    again = plan_role(aws, identity, WANTED)
    assert [change.name for change in again.changes] == ["attach_core_policy"]
    assert again.problems == ()
    assert planned_undo(again) == {"role": WANTED.name, "delete": "policy"}
    done = ensure_role(aws, identity, again)
    undo_role(aws, done)
    assert aws.iam.list_attached_role_policies(RoleName=WANTED.name)["AttachedPolicies"] == []


def test_undo_leaves_roles_of_others(aws: Aws, identity: Identity) -> None:
    make_role(aws, "Theirs", trust(), policies=(CORE,))
    assert "stays" in undo_role(aws, {"role": "Theirs", "delete": "role"})
    assert len(aws.iam.list_attached_role_policies(RoleName="Theirs")["AttachedPolicies"]) == 1


def test_undo_leaves_a_role_that_somebody_uses_meanwhile(aws: Aws, identity: Identity) -> None:
    done = ensure_role(aws, identity, plan_role(aws, identity, WANTED))
    other = aws.iam.create_policy(PolicyName="P", PolicyDocument=ANY)
    aws.iam.attach_role_policy(RoleName=WANTED.name, PolicyArn=other["Policy"]["Arn"])
    assert "somebody attached other policies" in undo_role(aws, done)
    attached = aws.iam.list_attached_role_policies(RoleName=WANTED.name)["AttachedPolicies"]
    assert CORE in [policy["PolicyArn"] for policy in attached], "whoever uses it needs it"


def test_a_role_that_appears_meanwhile_is_not_taken_over(aws: Aws, identity: Identity) -> None:
    plan = plan_role(aws, identity, WANTED)
    make_role(aws, WANTED.name, trust(Principal={"Service": "ec2.amazonaws.com"}))
    with pytest.raises(AwsError) as caught:
        ensure_role(aws, identity, plan)
    assert caught.value.code == "EntityAlreadyExists"
    assert aws.iam.list_attached_role_policies(RoleName=WANTED.name)["AttachedPolicies"] == []


def test_a_fitting_role_that_appears_meanwhile_is_used_and_never_undone(aws: Aws, identity: Identity) -> None:
    plan = plan_role(aws, identity, WANTED)
    make_role(aws, WANTED.name, trust(), policies=(CORE,))
    assert ensure_role(aws, identity, plan) == {}


def test_a_role_that_allows_nothing_is_refused(aws: Aws, identity: Identity) -> None:
    make_role(aws, "Empty", trust())
    plan = audit(aws, identity, "Empty")
    assert CORE_POLICY in plan.problems[0]
    assert f"+{CORE_POLICY}" in plan.diff
    with pytest.raises(AwsError, match="Empty cannot be used"):
        ensure_role(aws, identity, plan)


def test_other_policies_are_a_doubt(aws: Aws, identity: Identity) -> None:
    make_role(aws, "Own", trust())
    aws.iam.put_role_policy(RoleName="Own", PolicyName="mine", PolicyDocument=ANY)
    plan = audit(aws, identity, "Own")
    assert plan.problems == ()
    assert "mine" in plan.warnings[0]


def test_the_deprecated_policy_is_flagged(aws: Aws, identity: Identity) -> None:
    make_role(aws, "Old", trust(), policies=("arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM",))
    plan = audit(aws, identity, "Old")
    assert "deprecated" in plan.warnings[0]
    assert plan.problems == ()


def test_a_role_for_another_region_is_refused_with_a_diff(aws: Aws, identity: Identity) -> None:
    other = json.loads(json.dumps(trust()).replace(REGION, "us-east-1"))
    make_role(aws, "Elsewhere", other, policies=(CORE,))
    plan = audit(aws, identity, "Elsewhere")
    assert f"excludes Region {REGION}" in plan.problems[0]
    assert "update-assume-role-policy" in plan.problems[0]
    added = [line for line in plan.diff.splitlines() if line.startswith("+ ")]
    assert [line.strip("+ ") for line in added] == [f'"aws:SourceArn": "arn:aws:ssm:{REGION}:123456789012:*"']


def in_region(aws: Aws, region: str) -> Aws:
    return Aws(aws.session, region=region)


def arns(aws: Aws, name: str = WANTED.name) -> Any:
    statement = aws.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    return statement["Condition"]["ArnEquals"]["aws:SourceArn"]


def arn_of(region: str) -> str:
    return f"arn:aws:ssm:{region}:123456789012:*"


def test_onboards_own_role_is_opened_to_a_further_region_and_closed_again(aws: Aws, identity: Identity) -> None:
    first = ensure_role(aws, identity, plan_role(aws, identity, WANTED))
    with closing(in_region(aws, "us-east-1")) as other:
        plan = plan_role(other, identity, WANTED)
        assert plan.problems == ()
        (change,) = plan.changes
        assert change.summary == f"Role {WANTED.name}: also allow Region us-east-1, in addition to {REGION}"
        added = [line.strip("+ ,") for line in plan.diff.splitlines() if line.startswith("+ ")]
        assert f'"{arn_of("us-east-1")}"' in added
        assert json.loads(change.before["trust"]) == trust_policy(identity, REGION)
        assert json.loads(change.detail["trust"]) == trust_policy(identity, REGION, "us-east-1")
        assert plan_role(other, identity, WANTED) == plan

        done = ensure_role(other, identity, plan)
        assert dict(done) == dict(planned_undo(plan)) == {"role": WANTED.name, "region": "us-east-1"}
        assert arns(aws) == [arn_of(REGION), arn_of("us-east-1")]
        for one in (aws, other):
            after = plan_role(one, identity, WANTED)
            assert (after.changes, after.warnings, after.problems, after.diff) == ((), (), (), "")
        assert not ensure_role(other, identity, plan), "safe to repeat"

        assert undo_role(other, done) == (
            f"Region us-east-1 was removed from the trust policy of role {WANTED.name}, which stays for {REGION}."
        )
        assert arns(aws) == arn_of(REGION)
        assert "no longer for" in undo_role(other, done)
    assert "was deleted" in undo_role(aws, first)


def test_a_role_that_serves_other_regions_by_now_is_not_deleted(aws: Aws, identity: Identity) -> None:
    first = ensure_role(aws, identity, plan_role(aws, identity, WANTED))
    with closing(in_region(aws, "us-east-1")) as other:
        second = ensure_role(other, identity, plan_role(other, identity, WANTED))
        assert f"Region {REGION} was removed" in undo_role(aws, first)
        assert arns(aws) == arn_of("us-east-1")
        assert len(aws.iam.list_attached_role_policies(RoleName=WANTED.name)["AttachedPolicies"]) == 1
        assert "us-east-1 is its only Region" in undo_role(other, second)
    assert arns(aws) == arn_of("us-east-1")


def test_what_else_stands_in_the_trust_of_onboards_own_role_stays(aws: Aws, identity: Identity) -> None:
    ensure_role(aws, identity, plan_role(aws, identity, WANTED))
    theirs = trust(Principal={"Service": "ec2.amazonaws.com"}, Condition=None)["Statement"]
    document = {"Version": "2012-10-17", "Statement": [*theirs, *trust()["Statement"]]}
    aws.iam.update_assume_role_policy(RoleName=WANTED.name, PolicyDocument=json.dumps(document))
    with closing(in_region(aws, "us-east-1")) as other:
        ensure_role(other, identity, plan_role(other, identity, WANTED))
    found = aws.iam.get_role(RoleName=WANTED.name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert found == [*theirs, *trust_policy(identity, REGION, "us-east-1")["Statement"]]


def test_a_trust_policy_that_was_changed_since_the_plan_is_not_touched(aws: Aws, identity: Identity) -> None:
    ensure_role(aws, identity, plan_role(aws, identity, WANTED))
    with closing(in_region(aws, "us-east-1")) as other:
        plan = plan_role(other, identity, WANTED)
        meanwhile = json.dumps(trust_policy(identity, REGION, "eu-west-1"))
        aws.iam.update_assume_role_policy(RoleName=WANTED.name, PolicyDocument=meanwhile)
        with pytest.raises(AwsError, match="was changed by somebody else during this run"):
            ensure_role(other, identity, plan)
        assert arns(aws) == [arn_of(REGION), arn_of("eu-west-1")]
        aws.iam.untag_role(RoleName=WANTED.name, TagKeys=["created-by"])
        with pytest.raises(AwsError, match="was changed by somebody else during this run"):
            ensure_role(other, identity, plan)
    assert arns(aws) == [arn_of(REGION), arn_of("eu-west-1")]


@pytest.mark.parametrize(
    "document",
    [
        trust(Condition={"ArnLike": {"aws:SourceArn": arn_of("us-east-1")}}),
        trust(Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}),
        trust(Principal={"Service": "ec2.amazonaws.com"}),
        {"Version": "2012-10-17", "Statement": []},
        trust_policy(ME, "us-east-1"),
    ],
)
def test_the_policy_to_paste_into_somebody_elses_role_is_enough(
    aws: Aws, identity: Identity, document: dict[str, Any]
) -> None:
    make_role(aws, "Theirs", document, policies=(CORE,))
    plan = audit(aws, identity, "Theirs")
    assert plan.changes == ()
    (problem,) = plan.problems
    words = shlex.split(problem[problem.index("aws iam update-assume-role-policy") :])
    assert words[:5] == ["aws", "iam", "update-assume-role-policy", "--role-name", "Theirs"]
    aws.iam.update_assume_role_policy(RoleName="Theirs", PolicyDocument=words[6])
    assert audit(aws, identity, "Theirs").problems == ()


def test_a_role_that_denies_needs_more_than_a_policy_to_paste(aws: Aws, identity: Identity) -> None:
    ensure_role(aws, identity, plan_role(aws, identity, WANTED))
    document = {"Version": "2012-10-17", "Statement": [*trust()["Statement"], *trust(Effect="Deny")["Statement"]]}
    aws.iam.update_assume_role_policy(RoleName=WANTED.name, PolicyDocument=json.dumps(document))
    plan = plan_role(aws, identity, WANTED)
    assert plan.changes == ()
    assert "remove the denial" in plan.problems[0]


def test_a_role_that_may_not_be_read_is_used_unaudited(aws: Aws, identity: Identity) -> None:
    stub = Stubber(aws.iam)
    stub.add_client_error("get_role", "AccessDenied", "not authorized to perform: iam:GetRole")
    with stub:
        plan = plan_role(aws, identity, WANTED)
    assert plan.exists is None
    assert "iam:GetRole" in plan.warnings[0]
    assert plan.changes == ()


ACCOUNT_IS = "aws:SourceAccount"
ARN_IS = "aws:SourceArn"


@pytest.mark.parametrize(
    "document",
    [
        trust(),
        trust(Action=["sts:AssumeRole", "sts:TagSession"]),
        trust(Action="sts:*"),
        trust(Principal={"Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"]}),
        trust(Condition={"StringLike": {ARN_IS: "arn:aws:ssm:*:123456789012:*"}}),
        trust(Condition={"ArnLike": {ARN_IS: ["arn:aws:ssm:us-east-1:1:*", f"arn:aws:ssm:{REGION}:123456789012:*"]}}),
        trust(Condition={"ArnEquals": {ARN_IS: f"arn:*:ssm:{REGION}:*:managed-instance/*"}}),
        trust(Condition={"StringEqualsIfExists": {"AWS:sourceaccount": ["1", "123456789012"]}}),
        {"Version": "2012-10-17", "Statement": trust()["Statement"][0]},
    ],
)
def test_trust_that_suffices(document: dict[str, Any]) -> None:
    assert judge_trust(document, ME, REGION) == ([], [])


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (trust(Principal={"Service": "ec2.amazonaws.com"}), "does not let ssm.amazonaws.com"),
        (trust(Principal={"AWS": "arn:aws:iam::123456789012:root"}), "does not let ssm.amazonaws.com"),
        (trust(Action="sts:TagSession"), "does not let"),
        (trust(Effect="Deny"), "denies"),
        (trust(Condition={"StringEquals": {ACCOUNT_IS: "999999999999"}}), "account 999999999999, not 123456789012"),
        (trust(Condition={"ArnLike": {ARN_IS: "arn:aws:ssm:us-east-1:123456789012:*"}}), f"excludes Region {REGION}"),
        (trust(Condition={"StringEquals": {ARN_IS: f"arn:aws:ssm:{REGION}:123456789012:*"}}), "excludes"),
        ({"Version": "2012-10-17", "Statement": []}, "does not let"),
        ({"Statement": [*trust()["Statement"], *trust(Effect="Deny", Condition=None)["Statement"]]}, "denies"),
    ],
)
def test_trust_that_does_not_suffice(document: dict[str, Any], why: str) -> None:
    _, refusals = judge_trust(document, ME, REGION)
    assert len(refusals) == 1
    assert why in refusals[0]


def test_doubts_about_trust() -> None:
    assert judge_trust(trust(Condition=None), ME, REGION)[0] == [
        "Systems Manager may assume it for any account; aws:SourceAccount would prevent that."
    ]
    doubts, refusals = judge_trust(trust(Condition={"Bool": {"aws:SecureTransport": "true"}}), ME, REGION)
    assert "aws:SecureTransport" in doubts[0]
    assert refusals == []
    deny = trust(Effect="Deny", Condition={"StringNotEquals": {ACCOUNT_IS: "123456789012"}})["Statement"]
    doubts, refusals = judge_trust({"Statement": [*deny, *trust()["Statement"]]}, ME, REGION)
    assert "StringNotEquals" in doubts[0]
    assert refusals == []
