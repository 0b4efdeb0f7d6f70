"""Which permissions the caller lacks, asked before anything fails for want of them.

Source of the list: Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onboard.aws.failures import asking
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

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


@dataclass(frozen=True, slots=True)
class Permissions:
    """`missing`: actions that the caller's policies do not allow; `unknown`: why it could not be asked, or ""."""

    missing: tuple[str, ...] = ()
    unknown: str = ""


def missing_permissions(aws: Aws, identity: Identity, *, role: str, creates_role: bool) -> Permissions:
    """Simulate the caller's policies (iam:SimulatePrincipalPolicy); changes nothing.

    `role` is the service role's name with path. Policies of the organization, and those of resources, are not all
    seen by the simulation: what is not missing here may still be refused. Never raises AwsError.
    """
    if identity.arn.endswith(":root"):
        return Permissions()  # the account's own user may do everything
    role_arn = f"arn:{identity.partition}:iam::{identity.account}:role/{role}"
    on_role = ON_THE_ROLE + (TO_CREATE_THE_ROLE if creates_role else ())
    try:
        principal = _principal(aws, identity)
        decisions = {**_simulate(aws, principal, ALWAYS, "*"), **_simulate(aws, principal, on_role, role_arn)}
    except AwsError as error:
        return Permissions(unknown=error.what)
    return Permissions(missing=tuple(action for action, allowed in decisions.items() if not allowed))


def _principal(aws: Aws, identity: Identity) -> str:
    """The user or role whose policies count. An assumed role's ARN lacks the role's path, so IAM is asked for it."""
    kind, _, rest = identity.arn.split(":", 5)[5].partition("/")
    if kind != "assumed-role":
        return identity.arn
    with asking("iam:GetRole"):
        return aws.iam.get_role(RoleName=rest.partition("/")[0])["Role"]["Arn"]


def _simulate(aws: Aws, principal: str, actions: tuple[str, ...], resource: str) -> Mapping[str, bool]:
    passed: ContextEntryTypeDef = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": ["ssm.amazonaws.com"],
        "ContextKeyType": "string",
    }
    with asking("iam:SimulatePrincipalPolicy"):
        pages = aws.iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=principal, ActionNames=list(actions), ResourceArns=[resource], ContextEntries=[passed]
        )
        results = [result for page in pages for result in page["EvaluationResults"]]
    return {result["EvalActionName"]: result["EvalDecision"] == "allowed" for result in results}
