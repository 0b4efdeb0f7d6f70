"""The IAM service role that managed nodes work under: planned, created, audited, deleted.

Source: AWS's user guide, "Create the IAM service role required for Systems Manager in hybrid and multicloud
environments" and "Cross-service confused deputy prevention".
"""

import difflib
import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onboard.aws.failures import DENIED, asking
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.errors import AwsError, Problem, ProfileError
from onboard.model.plan import Change
from onboard.model.profile import RoleSection

SERVICE = "ssm.amazonaws.com"
CORE_POLICY = "AmazonSSMManagedInstanceCore"
DEPRECATED_POLICY = "AmazonEC2RoleforSSM"
LONGEST_NAME = 64  # of CreateActivation's IamRole, path included
TAG = {"Key": "created-by", "Value": "onboard"}

_ASSUME = "sts:AssumeRole"


@dataclass(frozen=True, slots=True)
class RolePlan:
    """What will be done about the role.

    name      with its path, as CreateActivation takes it (`service-role/X`)
    exists    None when the caller may not read it
    changes   `create_role`, `attach_core_policy`; empty when it is as it should be
    warnings  what may be wrong with it
    problems  what is wrong with it, with the remedy: it cannot be used, and `ensure_role` refuses
    diff      text of what differs from the role Onboard would create; "" when nothing does
    """

    name: str
    exists: bool | None
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    diff: str = ""


@dataclass(frozen=True, slots=True)
class RoleEnsured:
    """`undo` is what `undo_role` needs, for the journal; empty when nothing was changed."""

    name: str
    changed: bool
    undo: Mapping[str, str]


def plan_role(aws: Aws, identity: Identity, wanted: RoleSection) -> RolePlan:
    """Read the role. Raises AwsError, also when it is missing and `create` is false; ProfileError for a wrong name."""
    path, short = _split(wanted.name)
    try:
        role = _get(aws, short)
    except AwsError as error:
        if error.code not in DENIED:
            raise
        warning = f"Role {wanted.name} could not be audited: {error.what}."
        return RolePlan(name=wanted.name, exists=None, warnings=(warning,))
    if role is None:
        if not wanted.create:
            raise AwsError(
                f"there is no role {wanted.name}",
                where="iam:GetRole",
                why=f"Account {identity.account} has none, and role.create is false",
                remedy="Correct role.name, or set role.create = true",
                code="NoSuchEntity",
            )
        return RolePlan(name=wanted.name, exists=False, changes=_creation(aws, identity, wanted.name))
    return _audit(aws, identity, role, asked=path)


def planned_undo(plan: RolePlan) -> Mapping[str, str]:
    """For the journal before `ensure_role`: what `undo_role` needs should the result never be written."""
    names = {change.name for change in plan.changes}
    if "create_role" in names:
        return {"role": plan.name, "delete": "role"}
    return {"role": plan.name, "delete": "policy"} if names else {}


def ensure_role(aws: Aws, identity: Identity, plan: RolePlan) -> RoleEnsured:
    """Do what `plan` says. Safe to repeat. Raises AwsError."""
    if plan.problems:
        raise AwsError(f"role {plan.name} cannot be used", where="role.name", why=" ".join(plan.problems))
    names = [change.name for change in plan.changes]
    path, short = _split(plan.name)
    created = attached = False
    if "create_role" in names:
        created = _create(aws, identity, path, short)
        if not created:  # somebody else created it meanwhile: whatever it is, it was not planned
            role = _get(aws, short)
            fresh = _audit(aws, identity, role, asked=path) if role else None
            if fresh is None or fresh.problems:
                raise AwsError(
                    f"role {plan.name} appeared while this ran",
                    where="iam:CreateRole",
                    why="It did not exist when the plan was made, and is not as planned",
                    remedy="Plan again",
                    code="EntityAlreadyExists",
                )
            names = [change.name for change in fresh.changes]
    if names:
        attached = _attach(aws, short, _core_arn(identity.partition))
    undo = {"role": plan.name, "delete": "role" if created else "policy"} if created or attached else {}
    return RoleEnsured(name=plan.name, changed=bool(undo), undo=undo)


def undo_role(aws: Aws, undo: Mapping[str, str]) -> str:
    """Delete what `ensure_role` created and nothing else; what was done, in one line. Safe to repeat."""
    if not undo:
        return "The role was not changed."
    name = undo["role"]
    _, short = _split(name)
    role = _get(aws, short)
    if role is None:
        return f"Role {name} is gone already."
    if not _is_ours(role):
        return f"Role {name} stays: it does not carry the tag {TAG['Key']} = {TAG['Value']}."
    arn = _core_arn(role["Arn"].split(":")[1])
    with asking("iam:DetachRolePolicy"):
        if any(policy["PolicyArn"] == arn for policy in _attached(aws, short)):
            aws.iam.detach_role_policy(RoleName=short, PolicyArn=arn)
    if undo["delete"] == "policy":
        return f"Policy {CORE_POLICY} was detached from role {name}."
    try:
        with asking("iam:DeleteRole"):
            aws.iam.delete_role(RoleName=short)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return f"Role {name} is gone already."
        if error.code == "DeleteConflict":
            return f"Role {name} stays: somebody attached other policies to it."
        raise
    return f"Role {name} was deleted."


def trust_policy(identity: Identity, region: str) -> dict[str, Any]:
    """Who may assume the role: Systems Manager, and only for this account and Region (the confused deputy)."""
    arn = f"arn:{identity.partition}:ssm:{region}:{identity.account}:*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": SERVICE},
                "Action": _ASSUME,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": identity.account},
                    "ArnEquals": {"aws:SourceArn": arn},
                },
            }
        ],
    }


# --------------------------------------------------------------------------------------------------------- creating


def _creation(aws: Aws, identity: Identity, name: str) -> tuple[Change, ...]:
    trust = json.dumps(trust_policy(identity, aws.region), indent=2)
    create = Change(
        name="create_role",
        summary=f"Create role {name}, which Systems Manager may assume for this account in {aws.region}",
        detail={"role": name, "trust": trust, "tags": f"{TAG['Key']}={TAG['Value']}"},
    )
    return (create, _attachment(identity, name))


def _attachment(identity: Identity, name: str) -> Change:
    return Change(
        name="attach_core_policy",
        summary=f"Attach policy {CORE_POLICY} to role {name}",
        detail={"role": name, "policy": _core_arn(identity.partition)},
    )


def _create(aws: Aws, identity: Identity, path: str, short: str) -> bool:
    try:
        with asking("iam:CreateRole"):
            aws.iam.create_role(
                Path=path,
                RoleName=short,
                AssumeRolePolicyDocument=json.dumps(trust_policy(identity, aws.region)),
                Description="Managed nodes of AWS Systems Manager",
                Tags=[{"Key": TAG["Key"], "Value": TAG["Value"]}],
            )
    except AwsError as error:
        if error.code == "EntityAlreadyExists":
            return False
        raise
    return True


def _attach(aws: Aws, short: str, arn: str) -> bool:
    """False when it was attached already."""
    if any(policy["PolicyArn"] == arn for policy in _attached(aws, short)):
        return False
    with asking("iam:AttachRolePolicy"):
        aws.iam.attach_role_policy(RoleName=short, PolicyArn=arn)
    return True


def _core_arn(partition: str) -> str:
    return f"arn:{partition}:iam::aws:policy/{CORE_POLICY}"


# --------------------------------------------------------------------------------------------------------- auditing


def _audit(aws: Aws, identity: Identity, role: Mapping[str, Any], *, asked: str) -> RolePlan:
    """Judge a role that exists. Its path comes from IAM: the one asked for may be missing or wrong."""
    short = role["RoleName"]
    name = role["Path"].lstrip("/") + short
    warnings, problems = [], []
    if asked not in ("/", role["Path"]):
        warnings.append(f"The role's path is {role['Path']}, not {asked}; its name here is {name}.")
    if len(name) > LONGEST_NAME:
        problems.append(f"Path and name have {len(name)} characters; activations take {LONGEST_NAME}.")
    doubts, refusals = judge_trust(role["AssumeRolePolicyDocument"], identity, aws.region)
    warnings += [f"Role {name}: {doubt}" for doubt in doubts]
    if refusals:
        remedy = f"Set another role.name, or update its trust: aws iam update-assume-role-policy --role-name {short} …"
        problems += [f"Role {name}: {refusal} {remedy}" for refusal in refusals]
    changes: tuple[Change, ...] = ()
    try:
        lacking, permission_warnings, permission_problems = _judge_permissions(aws, short, name)
    except AwsError as error:
        if error.code not in DENIED:
            raise
        lacking, permission_problems = False, []
        permission_warnings = [f"The permissions of role {name} could not be audited: {error.what}."]
    if lacking and _is_ours(role):  # created by Onboard and interrupted before the policy was attached
        changes, permission_warnings, permission_problems = (_attachment(identity, name),), [], []
    return RolePlan(
        name=name,
        exists=True,
        changes=changes,
        warnings=(*warnings, *permission_warnings),
        problems=(*problems, *permission_problems),
        diff=_diff(role["AssumeRolePolicyDocument"], trust_policy(identity, aws.region), lacking=lacking),
    )


def _judge_permissions(aws: Aws, short: str, name: str) -> tuple[bool, list[str], list[str]]:
    """(the core policy is lacking, warnings, problems)."""
    with asking("iam:ListAttachedRolePolicies"):
        attached = [policy["PolicyName"] for policy in _attached(aws, short)]
    with asking("iam:ListRolePolicies"):
        pages = aws.iam.get_paginator("list_role_policies").paginate(RoleName=short)
        inline = [policy for page in pages for policy in page["PolicyNames"]]
    lacking = CORE_POLICY not in attached
    warnings, problems = [], []
    if DEPRECATED_POLICY in attached:
        warnings.append(f"Role {name} has {DEPRECATED_POLICY}, which AWS deprecated: it allows far too much.")
    if lacking and not attached and not inline:
        problems.append(f"Role {name} allows nothing: attach {CORE_POLICY}.")
    elif lacking and DEPRECATED_POLICY not in attached:
        others = ", ".join((*attached, *inline))
        warnings.append(f"Role {name} lacks {CORE_POLICY}; whether its own policies suffice is unknown: {others}.")
    return lacking, warnings, problems


def judge_trust(document: Mapping[str, Any], identity: Identity, region: str) -> tuple[list[str], list[str]]:
    """(doubts, reasons why Systems Manager may not assume the role for this account and Region)."""
    doubts: list[str] = []
    denials: list[str] = []
    exclusions: list[str] = []
    allowed = False
    for statement in _many(document.get("Statement", [])):
        if not _concerns_service(statement):
            continue
        excluded, unclear = _conditions(statement.get("Condition", {}), identity, region)
        if statement.get("Effect") == "Deny":
            if unclear:
                doubts += unclear
            elif not excluded:
                denials.append(f"its trust policy denies {SERVICE}.")
        elif excluded:
            exclusions += excluded
        else:
            allowed = True
            doubts += unclear
            if not statement.get("Condition"):
                doubts.append("any account's Systems Manager may assume it; aws:SourceAccount would prevent that.")
    if denials or allowed:
        return doubts, denials
    return doubts, exclusions or [f"its trust policy does not let {SERVICE} assume it."]


def _concerns_service(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = ["*"] if principal == "*" else _many(principal.get("Service", [])) + _many(principal.get("AWS", []))
    actions = _many(statement.get("Action", []))
    assumes = any(fnmatch.fnmatchcase(_ASSUME.lower(), str(action).lower()) for action in actions)
    return assumes and (SERVICE in services or "*" in services)


def _conditions(conditions: Mapping[str, Any], identity: Identity, region: str) -> tuple[list[str], list[str]]:
    """(why this account or Region is excluded, conditions that are not judged)."""
    excluded, unclear = [], []
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            values = [str(value) for value in _many(wanted)]
            listed = ", ".join(values)
            kind = operator.removesuffix("IfExists")
            if key.lower() == "aws:sourceaccount" and kind in ("StringEquals", "StringLike"):
                if not any(fnmatch.fnmatchcase(identity.account, value) for value in values):
                    excluded.append(f"its trust policy is for account {listed}, not {identity.account}.")
            elif key.lower() == "aws:sourcearn" and kind in ("ArnEquals", "ArnLike", "StringLike", "StringEquals"):
                literal = kind == "StringEquals"
                if not any(_covers(value, identity, region, literal=literal) for value in values):
                    excluded.append(f"its trust policy is for {listed}, which excludes Region {region}.")
            else:
                unclear.append(f"condition {operator} {key} of its trust policy was not judged.")
    return excluded, unclear


def _covers(pattern: str, identity: Identity, region: str, *, literal: bool) -> bool:
    """Whether an ARN pattern takes in the nodes of this account and Region, whatever the pattern says after them."""
    parts = pattern.split(":", 5)
    if pattern == "*" and not literal:
        return True
    if len(parts) < 6:
        return not literal and fnmatch.fnmatchcase(
            f"arn:{identity.partition}:ssm:{region}:{identity.account}:", pattern
        )
    actual = ("arn", identity.partition, "ssm", region, identity.account)
    return not literal and all(fnmatch.fnmatchcase(a, p) for a, p in zip(actual, parts[:5], strict=True))


def _diff(found: Mapping[str, Any], wanted: Mapping[str, Any], *, lacking: bool) -> str:
    """A unified diff from the role as it is to the role as Onboard would create it."""
    before = json.dumps(found, indent=2, sort_keys=True).splitlines()
    after = json.dumps(wanted, indent=2, sort_keys=True).splitlines()
    lines = list(difflib.unified_diff(before, after, "trust policy", "trust policy wanted", lineterm=""))
    if lacking:
        lines += ["--- policies", "+++ policies wanted", f"+{CORE_POLICY}"]
    return "\n".join(lines)


# --------------------------------------------------------------------------------------------------------- reading


def _get(aws: Aws, short: str) -> Mapping[str, Any] | None:
    try:
        with asking("iam:GetRole"):
            return aws.iam.get_role(RoleName=short)["Role"]
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return None
        raise


def _attached(aws: Aws, short: str) -> Iterator[Mapping[str, Any]]:
    with asking("iam:ListAttachedRolePolicies"):
        for page in aws.iam.get_paginator("list_attached_role_policies").paginate(RoleName=short):
            yield from page["AttachedPolicies"]


def _is_ours(role: Mapping[str, Any] | None) -> bool:
    return role is not None and TAG in role.get("Tags", [])


def _split(name: str) -> tuple[str, str]:
    """(path, short name). Raises ProfileError for an ARN and for what IAM takes for no name."""
    arn = re.fullmatch(r"arn:[\w-]+:iam::\d*:role/(?P<name>.+)", name)
    if arn or name.startswith("arn:"):
        right = arn["name"] if arn else "its name with its path"
        raise ProfileError(
            "", (Problem("role.name", "this is an ARN, which activations do not take", f"Write {right}"),)
        )
    path, _, short = name.strip("/").rpartition("/")
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", short, re.ASCII) or len(name.strip("/")) > LONGEST_NAME:
        rule = f"With its path it has at most {LONGEST_NAME} letters, digits and +=,.@_-"
        raise ProfileError("", (Problem("role.name", f"{name!r} is no role name", rule),))
    return (f"/{path}/" if path else "/"), short


def _many(value: Any) -> list[Any]:
    """IAM writes a list of one without its brackets."""
    return list(value) if isinstance(value, list | tuple) else [value]
