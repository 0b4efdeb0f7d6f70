"""Test the connection to one server stage by stage, and report what went wrong."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from onboard.engine.command import look
from onboard.engine.workbench import Tools
from onboard.hosts.connection import Connection
from onboard.model.cancel import CancelToken
from onboard.model.errors import (
    HostError,
    HostUnreachable,
    HostUntrusted,
    LogInBroken,
    LogInRefused,
    LogInUntried,
    PrivilegeMissing,
)
from onboard.model.events import CONNECTION_STAGES, ConnectionStage, Event, HostFinished
from onboard.model.family import family_of
from onboard.model.profile import Host, Profile
from onboard.model.status import HostStatus
from onboard.model.words import joined, wording_of
from onboard.scripts.catalog import DIALECTS

NAME_LIMIT = 10.0  # seconds
# The stage in which an error of `connect` occurred; errors that are not listed occurred in the log-in.
_STAGE_OF = ((LogInRefused, "log-in"), (LogInBroken, "log-in"), (HostUntrusted, "identity"), (HostUnreachable, "port"))


def probe(profile: Profile, host: Host, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """Each stage as a ConnectionStage; then the server's end: ready, or where it failed."""

    def body(_: str) -> Generator[Event, None, None]:
        stages = _Stages(host)
        try:
            address = tools.dialler.address_of(host, cancel, NAME_LIMIT)
        except HostUnreachable as error:
            yield from stages.failed("name", error.why, error.remedy)
            yield HostFinished.of(host.name, _status(error), reason=error.what, remedy=error.remedy)
            return
        yield stages.passed("name", address)
        try:
            connection = tools.connector.connect(host, cancel)
        except HostError as error:
            yield from stages.failed_by(error)
            yield HostFinished.of(host.name, _status(error), reason=error.what, remedy=error.remedy)
            return
        with closing(connection):
            for stage in ("port", "identity", "log-in"):
                yield stages.passed(stage)
            yield from _privilege(connection, stages)

    return look("probe", body, profile=profile, cancel=cancel, hosts=(host,))


def _privilege(connection: Connection, stages: "_Stages") -> Generator[Event, None, None]:
    host = connection.host.name
    who = DIALECTS[family_of(connection.host)].file("who")
    try:
        result = connection.run_script(who, privileged=True, timeout=30)
    except HostError as error:
        yield from stages.failed("privilege", joined(error.what, error.why, ". "), error.remedy)
        status = HostStatus.BLOCKED if isinstance(error, PrivilegeMissing) else HostStatus.UNREACHABLE
        yield HostFinished.of(host, status, reason=error.what, remedy=error.remedy)
        return
    yield stages.passed("privilege", result.stdout.decode("utf-8", "replace").strip())
    yield HostFinished(host=host, status=HostStatus.READY)


def _status(error: HostError) -> HostStatus:
    return HostStatus.UNTRUSTED if isinstance(error, HostUntrusted) else HostStatus.UNREACHABLE


class _Stages:
    """Reports the stages in order. A stage passes only if it was reached; those after a failure are skipped."""

    def __init__(self, host: Host, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host.name
        self._clock = clock
        self._began = clock()

    def passed(self, stage: str, detail: str = "") -> ConnectionStage:
        return self._told(stage, "passed", detail)

    def failed(self, stage: str, detail: str, remedy: str) -> Iterator[ConnectionStage]:
        yield self._told(stage, "failed", detail, remedy)
        for later in CONNECTION_STAGES[CONNECTION_STAGES.index(stage) + 1 :]:
            yield self._told(later, "skipped")

    def failed_by(self, error: HostError) -> Iterator[ConnectionStage]:
        """Fail in `port`, `identity` or `log-in`, by the kind of error; the name stage was already reported."""
        stage = next((stage for kind, stage in _STAGE_OF if isinstance(error, kind)), "log-in")
        was_contacted = not isinstance(error, LogInUntried)
        for earlier in CONNECTION_STAGES[1 : CONNECTION_STAGES.index(stage)]:
            yield self._told(earlier, "passed" if was_contacted else "skipped")
        yield from self.failed(stage, joined(error.what, error.why, ". "), error.remedy)

    def _told(self, stage: str, outcome: str, detail: str = "", remedy: str = "") -> ConnectionStage:
        return ConnectionStage(
            host=self._host,
            stage=stage,
            outcome=outcome,
            detail=detail,
            remedy=remedy,
            seconds=round(self._clock() - self._began, 3),
            wording=wording_of(detail, remedy),
        )
