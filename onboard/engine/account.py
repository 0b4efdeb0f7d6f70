"""The AWS session and the caller's identity, which every command that uses AWS needs first."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from onboard.aws.endpoints import endpoints
from onboard.aws.failures import asking
from onboard.aws.identity import Identity, fetch_credentials, identify
from onboard.aws.session import Aws, open_aws
from onboard.checks.base import Context
from onboard.engine.workbench import Tools
from onboard.model.events import AccountIdentified, Event, Noted
from onboard.model.profile import Profile
from onboard.model.words import Text, phrase

T = TypeVar("T")

SLOW = 5.0  # seconds without an answer until a person is told what is waited for


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
    identity = yield from told_while_waiting("sts:GetCallerIdentity", partial(identify, aws))
    yield AccountIdentified(account=identity.account, arn=identity.arn, partition=identity.partition, region=aws.region)
    return Account(aws, identity)


def told_while_waiting(call: str, ask: Callable[[], T]) -> Generator[Event, None, T]:
    """What `ask` returns. If AWS takes long to answer, an event says so; when a person stops it, nobody waits for it.

    `call` as IAM names it. `ask` runs in a thread of its own, and must not ask a person for anything.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised below
            answer.set_exception(error)

    threading.Thread(target=run, name=call, daemon=True).start()
    with asking(call):
        wait([answer], SLOW)
    if not answer.done():
        told = phrase("Waiting for AWS: it has not answered {call} for {seconds} s. Onboard gives up soon")
        yield Noted.of(Text(told, call=call, seconds=f"{SLOW:.0f}"))
    with asking(call):
        wait([answer])
    return answer.result()


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
