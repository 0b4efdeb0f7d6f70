"""Queries for the pages: the account and its permissions, the role, and the room for nodes. Not journalled."""

import json
from collections.abc import Generator, Iterator

from onboard.aws.changes.activations import activation_sizes
from onboard.aws.changes.role import CORE_POLICY, plan_role
from onboard.aws.configuration import aws_profiles
from onboard.aws.headroom import headroom
from onboard.aws.identity import identify
from onboard.aws.permissions import missing_permissions
from onboard.aws.role_trust import trust_policy
from onboard.aws.session import open_aws
from onboard.engine.command import look
from onboard.engine.workbench import Tools
from onboard.model.cancel import CancelToken
from onboard.model.events import AccountIdentified, AwsProfilesListed, Event, HeadroomShown, RoleShown
from onboard.model.profile import Profile
from onboard.model.words import phrasings_of


def account(profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """The AWS configuration's profiles, the identity of the chosen one, and its missing permissions."""

    def body(_: str) -> Generator[Event, None, None]:
        profiles, default = aws_profiles()
        yield AwsProfilesListed(profiles=profiles, default=default)
        aws = open_aws(profile, mfa_code=tools.mfa_code, needs_region=False)  # the Region is chosen after the account
        identity = identify(aws)
        permissions = missing_permissions(aws, identity, profile)
        yield AccountIdentified(
            account=identity.account,
            arn=identity.arn,
            partition=identity.partition,
            region=aws.region if aws.region_is_decided else "",
            expires=identity.expires.isoformat(timespec="seconds") if identity.expires else None,
            missing=permissions.missing,
            unsure=permissions.unknown,
        )

    return look("account", body, profile=profile, cancel=cancel)


def preview(profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """The service role and the activations that the profile's servers would need."""

    def body(_: str) -> Generator[Event, None, None]:
        aws = open_aws(profile, mfa_code=tools.mfa_code)
        identity = identify(aws)
        role = plan_role(aws, identity, profile.role)
        changes = tuple(change.sentence for change in role.changes)
        yield RoleShown(
            name=role.name,
            exists=role.exists,
            trust=json.dumps(trust_policy(identity, aws.region), indent=2),
            policies=(CORE_POLICY,),
            changes=tuple(map(str, changes)),
            diff=role.diff,
            warnings=tuple(map(str, role.warnings)),
            problems=tuple(map(str, role.problems)),
            phrasings=phrasings_of((*changes, *role.warnings, *role.problems)),
        )
        room = headroom(aws, identity, len(profile.hosts))
        yield HeadroomShown(
            tier=room.tier,
            nodes=room.nodes,
            adding=room.adding,
            limit=room.limit,
            fits=room.fits,
            activations=activation_sizes(len(profile.hosts)) if profile.hosts else (),
            cost=str(room.cost),
            warnings=tuple(map(str, room.warnings)),
            phrasings=phrasings_of((room.cost, *room.warnings)),
        )

    return look("preview", body, profile=profile, cancel=cancel)
