"""What every command has in common: a run in the journal, errors told as events, a last line that always comes."""

import json
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

from onboard.defects import keep_defect
from onboard.engine.other_runs import company_of
from onboard.engine.person import person
from onboard.engine.tools import Tools
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.causes import causes_of
from onboard.model.errors import AwsError, OnboardError, PlanExceeded, ProfileError
from onboard.model.events import Event, FactsGathered, HostFinished, RunFailed, RunFinished, RunStarted
from onboard.model.profile import Host, Profile
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.model.words import wording_of

KINDS = {"aws": AwsError, "profile": ProfileError, "plan": PlanExceeded}
Body = Callable[[str], Generator[Event, None, None]]


def new_run() -> str:
    """An id that sorts by time: 20261124-101500-3f9a."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def conduct(
    command: str,
    body: Body,
    *,
    hosts: Sequence[Host],
    profile: Profile,
    profile_path: str,
    tools: Tools,
    cancel: CancelToken,
    resume: str = "",
    kept: bool = True,
    alone: bool = False,
    undoes: str = "",
) -> Iterator[Event]:
    """Run `body(run)`, which yields events; journal them; end with RunFinished whatever happens.

    A server of `hosts` that `body` brought to no end is skipped. A run whose journal fails is stopped, and says so.
    `resume` goes on with an earlier run under its id. Raises OnboardError, with nothing told or written, when another
    process works on it, and for a command that has to be `alone` when another one changes some of its servers.
    `undoes` is the run that this one takes back.
    What is not `kept`, a look at something that changes all the time, has no id and leaves nothing in the journal.
    """
    state = State()
    run = resume or (new_run() if kept else "")
    who = person()
    unkept: OnboardError | None = None

    def tell(event: Event) -> Event:
        if not isinstance(event, FactsGathered):  # of no use here, and most of the memory that many servers take
            state.fold(event)
        nonlocal unkept
        if kept and unkept is None:
            try:
                tools.journal.record(run, event)
            except OnboardError as error:
                unkept = error
                cancel.stop()  # what cannot be journalled is not begun
        return event

    with tools.journal.held(run) if kept else nullcontext():
        if kept and not resume:
            of_run = json.dumps(profile.model_dump(mode="json", by_alias=True))
            tools.journal.begin(run, command, profile_path, of_run, who=who, undoes=undoes)
        if alone and (company := company_of(run, hosts, tools.journal)):
            if not resume:
                tools.journal.forget(run)
            raise company
        if resume:
            tools.journal.begin_again(resume)
        names = tuple(host.name for host in hosts)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        begun = RunStarted(
            run=run,
            command=command,
            profile=profile.name,
            hosts=names,
            started=started,
            who=who,
            undoes=undoes,
        )
        yield tell(begun)
        try:
            for event in body(run):
                yield tell(event)
        except Cancelled:
            pass
        except OnboardError as error:
            yield tell(failure(error))
        except Exception as error:  # noqa: BLE001 - a defect ends the run as any other error does
            yield tell(failure(keep_defect(error)))
        for name in names:
            host = state.host(name)
            if host.finished:
                continue
            reason = "Stopped before its turn" if cancel.stopping else "The run ended before its turn"
            if host.is_proven:
                reason = "Not looked at: it answered with its nonce, and the run ended before it was looked at again"
            yield tell(HostFinished(host=name, status=HostStatus.SKIPPED, reason=reason))
        if kept and unkept is None:
            try:
                tools.journal.finish(run, state.counts())
            except OnboardError as error:
                unkept = error
        if unkept is not None:
            yield tell(failure(unkept))
        finished = RunFinished(run=run, hosts=state.counts(), causes=causes_of(state.hosts.values()))
        yield tell(finished)


def failure(error: OnboardError) -> RunFailed:
    """The event that tells of an error."""
    kind = next((kind for kind, of in KINDS.items() if isinstance(error, of)), "error")
    return RunFailed(
        kind=kind,
        what=str(error.what),
        where=error.where,
        why=str(error.why),
        remedy=str(error.remedy),
        problems=error.problems,
        wording=wording_of(error.what, error.remedy),
    )
