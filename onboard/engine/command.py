"""What all commands have in common: a run in the journal, errors as events, and a last event that always comes."""

import json
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onboard.defects import keep_defect
from onboard.engine.journal import Journal
from onboard.engine.other_runs import other_run_on
from onboard.engine.person import person
from onboard.engine.workbench import Tools
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.causes import causes_of
from onboard.model.errors import OnboardError
from onboard.model.events import Event, FactsGathered, HostFinished, RunFailed, RunFinished, RunStarted
from onboard.model.profile import Host, Profile
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.model.words import wording_of

Body = Callable[[str], Generator[Event, None, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A command as it was given, for the journal.

    hosts    its servers; one for which it reports no end is reported as skipped
    path     of the profile's file, "" if it has none
    resume   the id of an earlier run to continue, "" for a new run
    alone    whether it is refused while another run changes some of its servers
    undoes   the run that it undoes, or ""
    """

    command: str
    profile: Profile
    hosts: Sequence[Host]
    path: str = ""
    resume: str = ""
    alone: bool = False
    undoes: str = ""


def new_run() -> str:
    """An id that sorts by time: 20261124-101500-3f9a."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def conduct(begun: Begun, body: Body, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """Run `body(run)`, which yields events, as a run in the journal; end with RunFinished whatever happens.

    Raises OnboardError at the first event, before any event or journal entry, if another process works on the run to
    continue, or if the command has to be alone and another run changes some of its servers.
    A run whose journal fails is stopped, and ends with an event that says so.
    """
    run = begun.resume or new_run()
    journal, who = tools.journal, person()
    with journal.held(run):
        if not begun.resume:
            of_run = json.dumps(begun.profile.model_dump(mode="json", by_alias=True))
            journal.begin(run, begun.command, begun.path, of_run, who=who, undoes=begun.undoes)
        if begun.alone and (other := other_run_on(begun.hosts, journal, tools.known_hosts, own=(run, begun.undoes))):
            if not begun.resume:
                journal.forget(run)
            raise other
        if begun.resume:
            journal.begin_again(run)
        state, kept = State(), _Kept(run, journal, cancel)
        for event in _told(_started(begun, run, who), body, state, cancel):
            kept.record(event)
            yield event
        kept.finish(state)
        if kept.failed is not None:
            yield failure(kept.failed)
        finished = _finished(run, state)
        kept.record(finished)
        yield finished


def look(
    command: str, body: Body, *, profile: Profile, cancel: CancelToken, hosts: Sequence[Host] = ()
) -> Iterator[Event]:
    """Run `body("")`, a query, in the same way as `conduct`, but without a run id and without the journal."""
    state = State()
    yield from _told(_started(Begun(command=command, profile=profile, hosts=hosts), "", person()), body, state, cancel)
    yield _finished("", state)


class _Kept:
    """Writes a run's events into the journal. If that fails, sets `failed` and stops the run."""

    def __init__(self, run: str, journal: Journal, cancel: CancelToken) -> None:
        self._run = run
        self._journal = journal
        self._cancel = cancel
        self.failed: OnboardError | None = None

    def record(self, event: Event) -> None:
        self._write(lambda: self._journal.record(self._run, event))

    def finish(self, state: State) -> None:
        self._write(lambda: self._journal.finish(self._run, state.counts()))

    def _write(self, write: Callable[[], None]) -> None:
        if self.failed is not None:
            return
        try:
            write()
        except OnboardError as error:
            self.failed = error
            self._cancel.stop(str(error.what))


def _told(started: RunStarted, body: Body, state: State, cancel: CancelToken) -> Iterator[Event]:
    """A command's events except the last, folded into `state`: errors become events, and each server gets an end."""

    def told(event: Event) -> Event:
        if not isinstance(event, FactsGathered):  # not needed here, and most of the memory that many servers take
            state.fold(event)
        return event

    yield told(started)
    try:
        for event in body(started.run):
            yield told(event)
    except Cancelled:
        pass
    except OnboardError as error:
        yield told(failure(error))
    except Exception as error:  # noqa: BLE001 - a defect ends the run as any other error does
        yield told(failure(keep_defect(error)))
    for name in started.hosts:
        host = state.host(name)
        if host.finished:
            continue
        reason = cancel.why or "Stopped before its turn" if cancel.stopping else "The run ended before its turn"
        if host.is_proven:
            reason = "Not checked: it answered with its nonce, but the run ended before it was checked again"
        yield told(HostFinished(host=name, status=HostStatus.SKIPPED, reason=reason))


def _started(begun: Begun, run: str, who: str) -> RunStarted:
    return RunStarted(
        run=run,
        command=begun.command,
        profile=begun.profile.name,
        hosts=tuple(host.name for host in begun.hosts),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        who=who,
        undoes=begun.undoes,
    )


def _finished(run: str, state: State) -> RunFinished:
    return RunFinished(run=run, hosts=state.counts(), causes=causes_of(state.hosts.values()))


def failure(error: OnboardError) -> RunFailed:
    """The event that reports an error."""
    return RunFailed(
        kind=error.kind,
        what=str(error.what),
        where=error.where,
        why=str(error.why),
        remedy=str(error.remedy),
        problems=error.problems,
        wording=wording_of(error.what, error.remedy),
    )
