"""One server's unforeseen error ends that server, and no other one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from engine.conftest import Bench

from onboard.aws.latency import Measured
from onboard.engine import trust as trusting
from onboard.engine.regions import regions
from onboard.engine.workbench import Tools
from onboard.hosts.connection import Connection, Connector
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.outcome import troubles
from onboard.model.profile import Host
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.steps.base import StepFailed

BAD, GOOD = "healthy-debian", "healthy-rhel"


class Stumbling:
    """A connector that stumbles over one server."""

    def __init__(self, connector: Connector, error: Exception) -> None:
        self._connector = connector
        self._error = error

    def connect(self, host: Host, cancel: CancelToken) -> Connection:
        if host.name == BAD:
            raise self._error
        return self._connector.connect(host, cancel)


class StumblingBench(Bench):
    """Commands on practice whose connector stumbles."""

    error: Exception | None = None

    @contextmanager
    def tools(self) -> Iterator[Tools]:
        with super().tools() as tools:
            yield replace(tools, connector=Stumbling(tools.connector, self.error)) if self.error else tools


@pytest.fixture
def stumbling(bench: Callable[..., Bench]) -> StumblingBench:
    plain = bench(2)
    return StumblingBench(plain.practice, plain.folder)


def is_told(state: State, reason: str) -> bool:
    bad, good = state.hosts[BAD], state.hosts[GOOD]
    assert good.status is not HostStatus.SKIPPED
    assert good.status is not HostStatus.FAILED
    return bad.status is HostStatus.FAILED and reason in bad.reason and bool(bad.remedy)


ERRORS = [
    (ZeroDivisionError("secret"), "A defect in Onboard: ZeroDivisionError"),
    (OnboardError("The vault is closed", why="It is Sunday", remedy="Wait"), "The vault is closed: It is Sunday"),
]


@pytest.mark.parametrize(("error", "reason"), ERRORS)
def test_a_check_goes_on(stumbling: StumblingBench, error: Exception, reason: str) -> None:
    stumbling.error = error
    assert is_told(stumbling.check(), reason)


def test_what_a_server_said_when_a_step_failed_reaches_its_end(stumbling: StumblingBench) -> None:
    said = "dpkg: error: cannot write: No space left on device"
    stumbling.error = StepFailed("The agent was not installed", where=BAD, remedy="Free some space", evidence=said)
    bad = stumbling.check().hosts[BAD]
    assert bad.evidence == said
    assert troubles(bad)[0].evidence == said


def test_undo_goes_on(stumbling: StumblingBench) -> None:
    run = stumbling.apply().run
    stumbling.error, reason = ERRORS[0]
    assert is_told(stumbling.undo(run), reason)
    stumbling.error = None
    assert stumbling.undo(run).counts() == {"ready": 1}, "what is left is taken back the next time"


def test_regions_are_measured_from_the_others(stumbling: StumblingBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_no_interest(*_: object, **__: object) -> None:
        raise OnboardError("not measured")

    monkeypatch.setattr("onboard.engine.regions.measure", of_no_interest)
    monkeypatch.setattr("onboard.engine.regions.measure_from", lambda *_: Measured({}, "direct"))
    stumbling.error, reason = ERRORS[0]
    with stumbling.tools() as tools:
        hosts = stumbling.profile.hosts
        assert is_told(fold(regions(stumbling.profile, tools, CancelToken(), servers=hosts)), reason)


def test_keys_are_read_from_the_others(
    stumbling: StumblingBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = trusting.harvest

    def harvest(host: Host, *rest: object, **more: object) -> object:
        if host.name == BAD:
            raise ZeroDivisionError
        return read(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(trusting, "harvest", harvest)
    with stumbling.tools() as tools:
        strange = replace(tools, known_hosts=KnownHosts(tmp_path / "known_hosts"))
        state = fold(trusting.trust(stumbling.profile, strange, CancelToken()))
    assert is_told(state, "A defect in Onboard: ZeroDivisionError")
