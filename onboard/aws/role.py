"""The IAM service role that managed nodes work under: planned, created, audited, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass

from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.plan import Change
from onboard.model.profile import RoleSection


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
    """Read the role. Raises AwsError, also when it is missing and `create` is false."""
    raise NotImplementedError


def planned_undo(plan: RolePlan) -> Mapping[str, str]:
    """For the journal before `ensure_role`: what `undo_role` needs should the result never be written."""
    raise NotImplementedError


def ensure_role(aws: Aws, identity: Identity, plan: RolePlan) -> RoleEnsured:
    """Do what `plan` says. Safe to repeat. Raises AwsError."""
    raise NotImplementedError


def undo_role(aws: Aws, undo: Mapping[str, str]) -> str:
    """Delete what `ensure_role` created and nothing else; what was done, in one line. Safe to repeat."""
    raise NotImplementedError
