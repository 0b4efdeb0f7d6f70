"""The AWS session and the caller's identity, which every command that uses AWS needs first."""

from collections.abc import Generator
from dataclasses import dataclass

from onboard.aws.endpoints import endpoints
from onboard.aws.identity import Identity, fetch_credentials, identify
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
    """Open the session and ask for the identity. Raises AwsError, and ProfileError if no Region is set."""
    return (yield from identified(open_aws(profile, mfa_code=tools.mfa_code)))


def identified(aws: Aws) -> Generator[Event, None, Account]:
    """Ask for the identity. Each command uses one session, because an MFA code works only once. Raises AwsError."""
    fetch_credentials(aws)  # here, because it may ask a person for a code
    identity = identify(aws)
    yield AccountIdentified(account=identity.account, arn=identity.arn, partition=identity.partition, region=aws.region)
    return Account(aws, identity)


def context_of(profile: Profile, aws: Aws, identity: Identity | None) -> Context:
    """What checks may use besides facts. `identity` is None if AWS could not be asked.

    Raises OnboardError if the profile's agent version cannot work in the Region.
    """
    version = profile.agent.version
    urls = endpoints(
        aws.region,
        aws.partition,
        profile.network.endpoints,
        None if version in ("latest", "stable") else version,  # the version behind these is known only once fetched
        everything_at=aws.single_endpoint,
    )
    return Context(profile=profile, region=aws.region, account=identity.account if identity else "", endpoints=urls)
