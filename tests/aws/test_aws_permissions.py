"""Missing permissions. moto simulates no policies, so AWS's answers are given here."""

import dataclasses
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from onboard.aws.identity import Identity
from onboard.aws.permissions import Permissions, missing_permissions, needed
from onboard.aws.session import Aws
from onboard.model.profile import Profile, RoleSection

ME = Identity(account="123456789012", arn="arn:aws:iam::123456789012:user/me", partition="aws")
ALWAYS = (
    "ssm:CreateActivation",
    "ssm:AddTagsToResource",
    "ssm:DescribeActivations",
    "ssm:DeleteActivation",
    "ssm:DescribeInstanceInformation",
    "ssm:DeregisterManagedInstance",
    "ssm:GetServiceSetting",
    "ssm:SendCommand",
    "ssm:ListCommandInvocations",
)
ON_THE_ROLE = ("iam:PassRole", "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
TO_CREATE_THE_ROLE = ("iam:CreateRole", "iam:TagRole", "iam:AttachRolePolicy")


def wanting(role: str, *, create: bool = False) -> Profile:
    return Profile(role=RoleSection(name=role, create=create))


@pytest.mark.parametrize(("creates", "more"), [(False, ()), (True, TO_CREATE_THE_ROLE)])
def test_what_changes_need_adds_up(creates: bool, more: tuple[str, ...]) -> None:
    found = needed(wanting("service-role/X", create=creates), ME)
    assert {resource: sorted(actions) for resource, actions in found.items()} == {
        "*": sorted(ALWAYS),
        "arn:aws:iam::123456789012:role/service-role/X": sorted(ON_THE_ROLE + more),
    }


def answer(actions: tuple[str, ...], denied: str = "") -> dict[str, Any]:
    return {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalDecision": "implicitDeny" if action == denied else "allowed"}
            for action in actions
        ]
    }


def asked(principal: str, resource: str) -> dict[str, Any]:
    return {
        "PolicySourceArn": principal,
        "ActionNames": ANY,
        "ResourceArns": [resource],
        "ContextEntries": ANY,
    }


@pytest.mark.parametrize(("creates", "more"), [(False, ()), (True, TO_CREATE_THE_ROLE)])
def test_what_is_missing_is_named(aws: Aws, creates: bool, more: tuple[str, ...]) -> None:
    stub = Stubber(aws.iam)
    stub.add_response("simulate_principal_policy", answer(ALWAYS, "ssm:SendCommand"), asked(ME.arn, "*"))
    on_role = asked(ME.arn, "arn:aws:iam::123456789012:role/service-role/X")
    stub.add_response("simulate_principal_policy", answer(ON_THE_ROLE + more, "iam:PassRole"), on_role)
    with stub:
        found = missing_permissions(aws, ME, wanting("service-role/X", create=creates))
    assert found == Permissions(missing=("ssm:SendCommand", "iam:PassRole"))


def test_an_assumed_role_is_asked_about_as_the_role(aws: Aws) -> None:
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'
    )
    arn = aws.iam.create_role(Path="/team/", RoleName="Admin", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    caller = dataclasses.replace(ME, arn="arn:aws:sts::123456789012:assumed-role/Admin/me@example.com")
    stub = Stubber(aws.iam)
    role = {"Path": "/team/", "RoleName": "Admin", "RoleId": "A" * 16, "Arn": arn, "CreateDate": "2026-01-01"}
    stub.add_response("get_role", {"Role": role}, {"RoleName": "Admin"})
    stub.add_response("simulate_principal_policy", answer(ALWAYS), asked(arn, "*"))
    stub.add_response("simulate_principal_policy", answer(ON_THE_ROLE))
    with stub:
        assert missing_permissions(aws, caller, wanting("X")) == Permissions()


def test_a_simulation_that_is_refused_says_nothing(aws: Aws) -> None:
    stub = Stubber(aws.iam)
    stub.add_client_error("simulate_principal_policy", "AccessDenied")
    with stub:
        found = missing_permissions(aws, ME, wanting("X"))
    assert found == Permissions(unknown="permission iam:SimulatePrincipalPolicy is missing")


def test_the_accounts_own_user_may_do_everything(aws: Aws) -> None:
    root = dataclasses.replace(ME, arn="arn:aws:iam::123456789012:root")
    assert missing_permissions(aws, root, wanting("X", create=True)) == Permissions()
