"""Who we are to AWS, before anything else is asked of it."""

from collections.abc import Generator
from dataclasses import dataclass

from onboard.aws.endpoints import endpoints
from onboard.aws.identity import Identity, identify
from onboard.aws.session import Aws, open_aws
from onboard.checks.base import Context
from onboard.engine.workbench import Tools
from onboard.model.events import AccountIdentified, Event
from onboard.model.profile import Profile


@dataclass(frozen=True, slots=True)
class Account:
    aws: Aws
    identity: Identity


def open_account(profile: Profile, tools: Tools) -> Generator[Event, None, Account]:
    """Open the session and ask who we are. Raises AwsError, and ProfileError where no Region is named."""
    return (yield from identified(open_aws(profile, mfa_code=tools.mfa_code)))


def identified(aws: Aws) -> Generator[Event, None, Account]:
    """Ask who we are in this session. One session a command: a code of an MFA device is good once. Raises AwsError."""
    identity = identify(aws)
    yield AccountIdentified(account=identity.account, arn=identity.arn, partition=identity.partition, region=aws.region)
    return Account(aws, identity)


def context_of(profile: Profile, aws: Aws, identity: Identity | None) -> Context:
    """What checks may look at besides facts. `identity` is None when AWS could not be asked.

    Raises OnboardError for an agent of the profile's that cannot work in the Region.
    """
    version = profile.agent.version
    urls = endpoints(
        aws.region,
        aws.partition,
        profile.network.endpoints,
        None if version in ("latest", "stable") else version,  # what these are is known once fetched
        everything_at=aws.single_endpoint,
    )
    return Context(profile=profile, region=aws.region, account=identity.account if identity else "", endpoints=urls)
