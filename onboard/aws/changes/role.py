"""The IAM service role that managed nodes use: audit it, create it, extend it to another Region, and undo that.

A role is for one account and for the Regions in its trust policy. Onboard extends only its own role, which it knows by
its tag, to another Region. It never changes somebody else's role, but reports the policy that would suffice.

Source: AWS's user guide, "Create the IAM service role required for Systems Manager in hybrid and multicloud
environments".
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onboard.aws.changes.activations import activations_of_role
from onboard.aws.changes.base import Basis, Entry, Made, Need, Part, Planned, RunChange, Undo, Undone
from onboard.aws.failures import DENIED, asking, persistently
from onboard.aws.identity import Identity
from onboard.aws.instances import nodes_of_role
from onboard.aws.role_trust import judge_trust, regions_of, sufficient, trust_policy, with_regions
from onboard.aws.roles import find_role
from onboard.aws.session import Aws
from onboard.model.cancel import CancelToken
from onboard.model.changes import ChangeName, Phase
from onboard.model.errors import AwsError, OnboardError
from onboard.model.events import AwsChanged, Noted, UndoLine
from onboard.model.plan import Change
from onboard.model.profile import Profile, RoleSection
from onboard.model.words import Remedy, Text, and_more, foreign, joined, sh

CORE_POLICY = "AmazonSSMManagedInstanceCore"
DEPRECATED_POLICY = "AmazonEC2RoleforSSM"
LONGEST_NAME = 64  # of CreateActivation's IamRole, path included
TAG = {"Key": "created-by", "Value": "onboard"}


class Role(RunChange):
    """The service role, where servers must be registered."""

    name = ChangeName.ENSURE_ROLE
    title = "The role"

    def needs(self, profile: Profile, identity: Identity) -> tuple[Need, ...]:
        to_audit = ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
        to_create = ("iam:CreateRole", "iam:TagRole", "iam:AttachRolePolicy") if profile.role.create else ()
        return (Need(to_audit + to_create, identity.role_arn(profile.role.name)),)

    def plan(self, basis: Basis) -> Planned:
        if not basis.registering:
            return Planned()
        plan = plan_role(basis.aws, basis.identity, basis.profile.role)
        if plan.problems:
            wrong = [Remedy.of(problem) for problem in plan.problems]
            commands = [command for problem in wrong for command in problem.commands]
            raise OnboardError(
                "The service role cannot be used",
                where=f"iam role {plan.name}",
                why="; ".join(problem.words for problem in wrong),
                remedy=Remedy("This command lets Systems Manager assume it", *commands) if commands else "",
            )
        parts = (RoleChange(plan, basis.identity),) if plan.changes else ()
        return Planned(changes=plan.changes, parts=parts, warnings=plan.warnings, role=plan.name)

    def both(self, first: Mapping[str, str], then: Mapping[str, str]) -> Mapping[str, str]:
        return undo_of_both(first, then)

    def tell(self, entries: Iterable[Entry]) -> tuple[UndoLine, ...]:
        left = self.left(entries)
        name, region, delete = left.get("role", ""), left.get("region", ""), left.get("delete")
        if delete == "role":
            told = [Text("The role {role}, which this run created, is deleted.", role=name)]
        else:
            closed = Text("Region {region} is removed from the role {role} again.", region=region, role=name)
            told = [closed] if region else []
            if delete == "policy":
                told.append(Text("The policy that this run attached to the role {role} is detached.", role=name))
        return tuple(UndoLine.of(self.name, name, sentence) for sentence in told)

    def undo(self, undo: Undo) -> Iterator[Undone | Noted]:
        """Undo nothing while nodes or activations of others use the role."""
        name = undo.left.get("role", "")
        users = sorted(nodes_of_role(undo.aws, name) - undo.own)
        users += sorted(activations_of_role(undo.aws, name) - undo.own)
        if users:
            yield Noted.warning(
                Text(
                    "Role {role} stays as it is: {users} use it. Undo this run again when it is unused",
                    role=name,
                    users=and_more(users, 5),
                )
            )
            return
        told = AwsChanged.of(ChangeName.DELETE_ROLE, name, undo_role(undo.aws, undo.left))
        yield Undone(change=self.name, phase=Phase.UNDONE, told=told)

    def older_fields(self, left: Mapping[str, str]) -> Mapping[str, Any]:
        deletes = left.get("delete") == "role"
        return {
            "role": left.get("role", ""),
            "deletes_role": deletes,
            "role_region": "" if deletes else left.get("region", ""),
            "detaches_policy": left.get("delete") == "policy",
        }


@dataclass(frozen=True, slots=True)
class RolePlan:
    """What will be done about the role.

    name      with its path, as CreateActivation expects it (`service-role/X`)
    region    the Region that it is to serve
    exists    None if the caller may not read it
    changes   `create_role`, `allow_region`, `attach_core_policy`; empty if it is as it should be
    warnings  what may be wrong with it
    problems  why it cannot be used, with the remedy; `ensure_role` then refuses
    diff      a text diff to the role that Onboard would create; "" if there is no difference
    """

    name: str
    region: str
    exists: bool | None
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    diff: str = ""


@dataclass(frozen=True, slots=True)
class RoleChange(Part):
    plan: RolePlan
    identity: Identity

    def planned_undo(self) -> Mapping[str, str]:
        return planned_undo(self.plan)

    def make(self, aws: Aws, cancel: CancelToken) -> Made:
        undo = ensure_role(aws, self.identity, self.plan)
        told = (AwsChanged.of(change.name, self.plan.name, change.sentence) for change in self.plan.changes)
        return Made(kept=undo, told=tuple(told))


def plan_role(aws: Aws, identity: Identity, wanted: RoleSection) -> RolePlan:
    """Read the role and plan. Raises AwsError, also when it does not exist and `create` is false."""
    path, short = _split(wanted.name)
    try:
        role = find_role(aws, short)
    except AwsError as error:
        if error.code not in DENIED:
            raise
        warning = Text("Role {role} could not be audited: {error}.", role=wanted.name, error=error.what)
        return RolePlan(name=wanted.name, region=aws.region, exists=None, warnings=(warning,))
    if role is None:
        if not wanted.create:
            raise AwsError(
                Text("there is no role {role}", role=wanted.name),
                where="iam:GetRole",
                why=Text("Account {account} has no such role, and role.create is false", account=identity.account),
                remedy="Correct role.name, or set role.create = true",
                code="NoSuchEntity",
            )
        changes = _creation(aws, identity, wanted.name)
        return RolePlan(name=wanted.name, region=aws.region, exists=False, changes=changes)
    return _audit(aws, identity, role, asked=path)


def planned_undo(plan: RolePlan) -> Mapping[str, str]:
    """What `undo_role` needs if `ensure_role` never returned."""
    names = {change.name for change in plan.changes}
    return _undo(
        plan,
        created=ChangeName.CREATE_ROLE in names,
        allowed=ChangeName.ALLOW_REGION in names,
        attached=ChangeName.ATTACH_CORE_POLICY in names,
    )


def _undo(plan: RolePlan, *, created: bool, allowed: bool, attached: bool) -> dict[str, str]:
    """`region`: the Region that the role was extended to. `delete`: the role, or only the policy's attachment."""
    undo = {"role": plan.name} if created or allowed or attached else {}
    if created or allowed:
        undo["region"] = plan.region
    if created or attached:
        undo["delete"] = "role" if created else "policy"
    return undo


def undo_of_both(first: Mapping[str, str], then: Mapping[str, str]) -> Mapping[str, str]:
    """What `undo_role` needs to undo both: a role that was created is deleted, whatever was done to it later."""
    both = {**first, **then}
    return {**both, "delete": "role"} if first.get("delete") == "role" else both


def ensure_role(aws: Aws, identity: Identity, plan: RolePlan) -> Mapping[str, str]:
    """Do what `plan` says, and return what `undo_role` needs, for the journal: empty if nothing was changed.

    Safe to repeat. Raises AwsError.
    """
    if plan.problems:
        raise AwsError(
            Text("role {role} cannot be used", role=plan.name), where="role.name", why=" ".join(plan.problems)
        )
    names = [change.name for change in plan.changes]
    path, short = _split(plan.name)
    created = allowed = attached = False
    if ChangeName.CREATE_ROLE in names:
        created = _create(aws, identity, path, short)
        if not created:  # somebody else created it in the meantime, so it may differ from the plan
            role = find_role(aws, short)
            fresh = _audit(aws, identity, role, asked=path) if role else None
            if (
                fresh is None
                or fresh.problems
                or any(change.name == ChangeName.ALLOW_REGION for change in fresh.changes)
            ):
                raise AwsError(
                    Text("role {role} was created by somebody else during this run", role=plan.name),
                    where="iam:CreateRole",
                    why="It did not exist when the plan was made, and differs from the planned role",
                    remedy="Plan again",
                    code="EntityAlreadyExists",
                )
            names = [change.name for change in fresh.changes]
    for change in plan.changes:
        if change.name == ChangeName.ALLOW_REGION:
            allowed = _allow_region(aws, identity, plan, change)
    if ChangeName.ATTACH_CORE_POLICY in names:
        attached = _attach(aws, short, _core_arn(identity.partition))
    return _undo(plan, created=created, allowed=allowed, attached=attached)


def undo_role(aws: Aws, undo: Mapping[str, str]) -> Text:
    """Undo what `ensure_role` did and nothing else; return what was done, in one line. Safe to repeat.

    A role that now serves other Regions too is kept for them.
    """
    unchanged = Text("The role was not changed.")
    if not undo:
        return unchanged
    name = undo["role"]
    _, short = _split(name)
    role = find_role(aws, short)
    if role is None:
        return _gone(name)
    if not _is_ours(role):
        return Text(
            "Role {role} stays: it does not carry the tag {tag}.", role=name, tag=f"{TAG['Key']} = {TAG['Value']}"
        )
    delete = undo.get("delete", "")
    region = undo.get("region", aws.region if delete == "role" else "")  # older journals do not contain it
    regions = regions_of(role["AssumeRolePolicyDocument"], _owner(role))
    others = [other for other in regions if other != region]
    if delete == "role" and not others:
        return _delete(aws, role, name)
    closed = _take_region(aws, role, name, region, others) if region else None
    if delete != "policy":
        return closed or unchanged
    _detach(aws, role)
    detached = Text("Policy {policy} was detached from role {role}.", policy=CORE_POLICY, role=name)
    return joined(closed, detached, " ") if closed else detached


def _gone(name: str) -> Text:
    return Text("Role {role} is gone already.", role=name)


def _take_region(aws: Aws, role: Mapping[str, Any], name: str, region: str, others: list[str]) -> Text:
    document, owner = role["AssumeRolePolicyDocument"], _owner(role)
    if region not in regions_of(document, owner):
        return Text("Role {role} is no longer for Region {region}.", role=name, region=region)
    if not others:
        return Text("Role {role} stays as it is: {region} is its only Region.", role=name, region=region)
    _set_trust(aws, role["RoleName"], with_regions(document, owner, others))
    return Text(
        "Region {region} was removed from the trust policy of role {role}, which stays for {others}.",
        region=region,
        role=name,
        others=", ".join(others),
    )


def _detach(aws: Aws, role: Mapping[str, Any]) -> None:
    arn = _core_arn(_owner(role).partition)
    with asking("iam:DetachRolePolicy"):
        if any(policy["PolicyArn"] == arn for policy in _attached(aws, role["RoleName"])):
            aws.iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)


def _delete(aws: Aws, role: Mapping[str, Any], name: str) -> Text:
    policies = [policy["PolicyArn"] for policy in _attached(aws, role["RoleName"])]
    if any(arn != _core_arn(_owner(role).partition) for arn in policies):  # their user needs the core policy too
        return Text("Role {role} stays as it is: somebody attached other policies to it.", role=name)
    _detach(aws, role)
    try:
        with asking("iam:DeleteRole"):
            aws.iam.delete_role(RoleName=role["RoleName"])
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return _gone(name)
        if error.code == "DeleteConflict":
            return Text(
                "Role {role} stays, without {policy}: somebody added inline policies to it.",
                role=name,
                policy=CORE_POLICY,
            )
        raise
    return Text("Role {role} was deleted.", role=name)


# --------------------------------------------------------------------------------------------------------- widening


def _set_trust(aws: Aws, short: str, document: Mapping[str, Any]) -> None:
    with asking("iam:UpdateAssumeRolePolicy"):
        aws.iam.update_assume_role_policy(RoleName=short, PolicyDocument=json.dumps(document))


def _allowance(
    name: str, region: str, others: list[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Change:
    return Change.of(
        ChangeName.ALLOW_REGION,
        Text(
            "Role {role}: also allow Region {region}, in addition to {others}",
            role=name,
            region=region,
            others=", ".join(others),
        ),
        detail={"role": name, "region": region, "trust": json.dumps(after, indent=2)},
        before={"trust": json.dumps(before, indent=2)},
    )


def _allow_region(aws: Aws, identity: Identity, plan: RolePlan, change: Change) -> bool:
    """Set exactly the policy that was planned; False if the Region is already allowed."""
    _, short = _split(plan.name)
    role = find_role(aws, short)
    document = role["AssumeRolePolicyDocument"] if role else {}
    if role and not judge_trust(document, identity, plan.region)[1]:
        return False
    wider = sufficient(document, identity, plan.region) if _is_ours(role) else None
    if wider is None or json.dumps(wider, indent=2) != change.detail["trust"]:
        raise AwsError(
            Text("role {role} was changed by somebody else during this run", role=plan.name),
            where="iam:UpdateAssumeRolePolicy",
            why="It differs from the role that the plan was made for",
            remedy="Plan again",
        )
    _set_trust(aws, short, wider)
    return True


# --------------------------------------------------------------------------------------------------------- creating


def _creation(aws: Aws, identity: Identity, name: str) -> tuple[Change, ...]:
    trust = json.dumps(trust_policy(identity, aws.region), indent=2)
    create = Change.of(
        ChangeName.CREATE_ROLE,
        Text(
            "Create role {role}, which Systems Manager may assume for this account in {region}",
            role=name,
            region=aws.region,
        ),
        detail={"role": name, "trust": trust, "tags": f"{TAG['Key']}={TAG['Value']}"},
    )
    return (create, _attachment(identity, name))


def _attachment(identity: Identity, name: str) -> Change:
    return Change.of(
        ChangeName.ATTACH_CORE_POLICY,
        Text("Attach policy {policy} to role {role}", policy=CORE_POLICY, role=name),
        detail={"role": name, "policy": _core_arn(identity.partition)},
    )


def _create(aws: Aws, identity: Identity, path: str, short: str) -> bool:
    """Create the role; False if it existed already."""
    lost = False

    def create() -> bool:
        nonlocal lost
        try:
            _send_create(aws, identity, path, short)
        except AwsError as error:
            if error.code == "EntityAlreadyExists":
                return lost and _is_ours(find_role(aws, short))  # created by the call whose answer was lost
            lost = lost or error.unanswered
            raise
        return True

    return persistently(create)


def _send_create(aws: Aws, identity: Identity, path: str, short: str) -> None:
    with asking("iam:CreateRole"):
        aws.iam.create_role(
            Path=path,
            RoleName=short,
            AssumeRolePolicyDocument=json.dumps(trust_policy(identity, aws.region)),
            Description="Managed nodes of AWS Systems Manager",
            Tags=[{"Key": TAG["Key"], "Value": TAG["Value"]}],
        )


def _attach(aws: Aws, short: str, arn: str) -> bool:
    """Attach the policy; False if it was already attached."""
    if any(policy["PolicyArn"] == arn for policy in _attached(aws, short)):
        return False
    with asking("iam:AttachRolePolicy"):
        aws.iam.attach_role_policy(RoleName=short, PolicyArn=arn)
    return True


def _core_arn(partition: str) -> str:
    return f"arn:{partition}:iam::aws:policy/{CORE_POLICY}"


# --------------------------------------------------------------------------------------------------------- auditing


def _audit(aws: Aws, identity: Identity, role: Mapping[str, Any], *, asked: str) -> RolePlan:
    """Judge an existing role. Its path comes from IAM, since the path in the profile may be missing or wrong."""
    short = role["RoleName"]
    name = role["Path"].lstrip("/") + short
    warnings: list[str] = []
    problems: list[str] = []
    if asked not in ("/", role["Path"]):
        warnings.append(
            Text(
                "The role's path is {path}, not {asked}; its full name is {role}.",
                path=role["Path"],
                asked=asked,
                role=name,
            )
        )
    if len(name) > LONGEST_NAME:
        problems.append(
            Text(
                "Path and name have {count} characters; activations accept at most {most}.",
                count=len(name),
                most=LONGEST_NAME,
            )
        )
    document = role["AssumeRolePolicyDocument"]
    doubts, refusals = judge_trust(document, identity, aws.region)
    warnings += [joined(Text("Role {role}", role=name), doubt) for doubt in doubts]
    wider = sufficient(document, identity, aws.region) if refusals else None
    regions = regions_of(document, identity) if _is_ours(role) else []
    changes: list[Change] = []
    if regions and wider:
        changes.append(_allowance(name, aws.region, regions, document, wider))
    elif refusals:
        problems.append(_unfit(name, short, refusals, wider))
    try:
        lacking, permission_warnings, permission_problems = _judge_permissions(aws, short, name)
    except AwsError as error:
        if error.code not in DENIED:
            raise
        lacking, permission_problems = False, []
        permission_warnings = [
            Text("The permissions of role {role} could not be audited: {error}.", role=name, error=error.what)
        ]
    if lacking and _is_ours(role):  # created by Onboard and interrupted before the policy was attached
        changes.append(_attachment(identity, name))
        permission_warnings, permission_problems = [], []
    wanted = trust_policy(identity, *dict.fromkeys([*regions, aws.region]))
    return RolePlan(
        name=name,
        region=aws.region,
        exists=True,
        changes=tuple(changes),
        warnings=(*warnings, *permission_warnings),
        problems=(*problems, *permission_problems),
        diff=_diff(document, wanted, lacking=lacking),
    )


def _unfit(name: str, short: str, refusals: Sequence[str], trust: Mapping[str, Any] | None) -> str:
    """What is wrong with somebody else's role, and what to do.

    `trust`: the trust policy that would suffice; None if its denial must be removed by hand.
    """
    wrong = Text("Role {role}: {reasons}", role=name, reasons=" ".join(refusals))
    if trust is None:
        return joined(wrong, Text("Set a different role.name, or remove the denial from its trust policy."), " ")
    policy = ("--policy-document", json.dumps(trust))
    command = sh("aws", "iam", "update-assume-role-policy", "--role-name", foreign(short), *policy)
    return Remedy(joined(wrong, Text("Set a different role.name, or extend its trust policy"), " "), command)


def _judge_permissions(aws: Aws, short: str, name: str) -> tuple[bool, list[str], list[str]]:
    """(whether the core policy is missing, warnings, problems)."""
    with asking("iam:ListAttachedRolePolicies"):
        attached = [policy["PolicyName"] for policy in _attached(aws, short)]
    with asking("iam:ListRolePolicies"):
        pages = aws.iam.get_paginator("list_role_policies").paginate(RoleName=short)
        inline = [policy for page in pages for policy in page["PolicyNames"]]
    lacking = CORE_POLICY not in attached
    warnings: list[str] = []
    problems: list[str] = []
    if DEPRECATED_POLICY in attached:
        warnings.append(
            Text(
                "Role {role} has {policy}, which AWS has deprecated because it allows too much.",
                role=name,
                policy=DEPRECATED_POLICY,
            )
        )
    if lacking and not attached and not inline:
        problems.append(Text("Role {role} has no permissions: attach {policy}.", role=name, policy=CORE_POLICY))
    elif lacking and DEPRECATED_POLICY not in attached:
        warnings.append(
            Text(
                "Role {role} lacks {policy}; whether its own policies suffice is unknown: {others}.",
                role=name,
                policy=CORE_POLICY,
                others=", ".join((*attached, *inline)),
            )
        )
    return lacking, warnings, problems


def _diff(found: Mapping[str, Any], wanted: Mapping[str, Any], *, lacking: bool) -> str:
    """A unified diff from the existing role to the role that Onboard would create."""
    before = json.dumps(found, indent=2, sort_keys=True).splitlines()
    after = json.dumps(wanted, indent=2, sort_keys=True).splitlines()
    lines = list(difflib.unified_diff(before, after, "trust policy", "trust policy wanted", lineterm=""))
    if lacking:
        lines += ["--- policies", "+++ policies wanted", f"+{CORE_POLICY}"]
    return "\n".join(lines)


# --------------------------------------------------------------------------------------------------------- reading


def _attached(aws: Aws, short: str) -> Iterator[Mapping[str, Any]]:
    with asking("iam:ListAttachedRolePolicies"):
        for page in aws.iam.get_paginator("list_attached_role_policies").paginate(RoleName=short):
            yield from page["AttachedPolicies"]


def _owner(role: Mapping[str, Any]) -> Identity:
    """The role's account and partition."""
    _, partition, _, _, account, _ = role["Arn"].split(":", 5)
    return Identity(account=account, arn=role["Arn"], partition=partition)


def _is_ours(role: Mapping[str, Any] | None) -> bool:
    return role is not None and TAG in role.get("Tags", [])


def _split(name: str) -> tuple[str, str]:
    """(path, short name) from a role's name in a profile."""
    path, _, short = name.rpartition("/")
    return (f"/{path}/" if path else "/"), short
