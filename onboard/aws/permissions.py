"""Which permissions the caller lacks, found out before anything fails for lack of them.

Each change in AWS (`aws/changes`) lists the permissions that it needs.

Source of the list: Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onboard.aws.changes import catalog
from onboard.aws.changes.base import Need
from onboard.aws.failures import asking
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.errors import AwsError
from onboard.model.profile import Profile

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

# What runs need in addition to the changes in AWS: to list nodes, run commands on them, and deregister them.
ALWAYS = Need(
    (
        "ssm:DescribeInstanceInformation",
        "ssm:DeregisterManagedInstance",
        "ssm:SendCommand",
        "ssm:ListCommandInvocations",
    )
)


@dataclass(frozen=True, slots=True)
class Permissions:
    """`missing`: actions that the caller's policies do not allow; `unknown`: why they could not be checked, or ""."""

    missing: tuple[str, ...] = ()
    unknown: str = ""


def needed(profile: Profile, identity: Identity) -> Mapping[str, tuple[str, ...]]:
    """ARN of a resource, or "*" → every action on it that a run with this profile needs."""
    needs = [ALWAYS, *(need for change in catalog.CHANGES for need in change.needs(profile, identity))]
    found: dict[str, dict[str, None]] = {}
    for need in needs:
        found.setdefault(need.resource, {}).update(dict.fromkeys(need.actions))
    return {resource: tuple(actions) for resource, actions in found.items()}


def missing_permissions(aws: Aws, identity: Identity, profile: Profile) -> Permissions:
    """Simulate the caller's policies (iam:SimulatePrincipalPolicy); changes nothing.

    The simulation does not see all policies of the organization and of resources, so AWS may still refuse an action
    that is not missing here. Never raises AwsError.
    """
    if identity.arn.endswith(":root"):
        return Permissions()  # the account's root user may do everything
    missing: dict[str, None] = {}
    try:
        principal = _principal(aws, identity)
        for resource, actions in needed(profile, identity).items():
            decisions = _simulate(aws, principal, actions, resource)
            missing.update((action, None) for action, allowed in decisions.items() if not allowed)
    except AwsError as error:
        return Permissions(unknown=error.what)
    return Permissions(missing=tuple(missing))


def _principal(aws: Aws, identity: Identity) -> str:
    """ARN of the user or role whose policies apply. IAM is asked for a role: an assumed role's ARN lacks its path."""
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
