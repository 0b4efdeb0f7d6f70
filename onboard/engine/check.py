"""Check and plan: the present state, and what apply would do. Neither changes anything."""

from collections.abc import Collection, Generator, Iterator

from onboard.aws.identity import Identity
from onboard.aws.session import open_aws
from onboard.engine.account import context_of, identified, open_account
from onboard.engine.command import Begun, conduct, failure
from onboard.engine.planning import prepare
from onboard.engine.survey import take_survey
from onboard.engine.workbench import Tools
from onboard.model.cancel import CancelToken
from onboard.model.errors import AwsError
from onboard.model.events import Event, Noted
from onboard.model.profile import Profile
from onboard.model.words import Text


def check(
    profile: Profile, tools: Tools, cancel: CancelToken, *, profile_path: str = "", only: Collection[str] = ()
) -> Iterator[Event]:
    """Facts and findings of every server. `only`: the checks to make; all if empty.

    Servers are judged even if AWS refuses or cannot be reached; the run then ends with RunFailed.
    """

    def body(run: str) -> Generator[Event, None, None]:
        aws = open_aws(profile, mfa_code=tools.mfa_code)
        identity: Identity | None = None
        trouble: AwsError | None = None
        try:
            identity = (yield from identified(aws)).identity
        except AwsError as error:
            trouble = error
            text = Text("AWS could not be asked; the servers are checked without it. {error}", error=error)
            yield Noted.warning(text)
        context = context_of(profile, aws, identity)
        survey = yield from take_survey(profile.hosts, context, tools, cancel, aws=None if trouble else aws, only=only)
        for host in profile.hosts:
            yield survey.finish(host)
        if trouble:
            yield failure(trouble)

    return conduct(Begun(command="check", profile=profile, hosts=profile.hosts, path=profile_path), body, tools, cancel)


def plan(profile: Profile, tools: Tools, cancel: CancelToken, *, profile_path: str = "") -> Iterator[Event]:
    """What `apply` would do, as a PlanMade event; each server ends with its status in the survey."""

    def body(run: str) -> Generator[Event, None, None]:
        account = yield from open_account(profile, tools)
        context = context_of(profile, account.aws, account.identity)
        survey = yield from take_survey(profile.hosts, context, tools, cancel, aws=account.aws)
        cancel.check()  # a plan for some of the servers would be taken for the whole plan
        yield from prepare(run, profile, profile.hosts, survey, account.identity, account.aws, tools, cancel)
        for host in profile.hosts:
            yield survey.finish(host)

    return conduct(Begun(command="plan", profile=profile, hosts=profile.hosts, path=profile_path), body, tools, cancel)
