"""Testing one server: a name that nobody knows, and a resolver that does not answer."""

import socket
import threading
from collections.abc import Callable

import pytest
from engine.conftest import Bench

from onboard.engine.probe import probe
from onboard.model.cancel import CancelToken
from onboard.model.profile import Host
from onboard.model.state import State, fold
from onboard.model.status import HostStatus

NAMELESS = Host(name="a", address="no-such-name.invalid")


@pytest.fixture
def probed(bench: Callable[..., Bench]) -> Callable[..., State]:
    work = bench(1)

    def run(host: Host | None = None, cancel: CancelToken | None = None) -> State:
        with work.tools() as tools:
            return fold(probe(work.profile, host or work.profile.hosts[0], tools, cancel or CancelToken()))

    return run


def test_every_stage_passes(probed: Callable[..., State]) -> None:
    state = probed()
    ((name, host),) = state.hosts.items()
    assert host.status is HostStatus.READY
    assert [stage.outcome for stage in state.connection[name]] == ["passed"] * 5


def test_an_unknown_name_ends_with_reason_and_remedy(probed: Callable[..., State]) -> None:
    state = probed(NAMELESS)
    host, stages = state.hosts["a"], state.connection["a"]
    assert host.status is HostStatus.UNREACHABLE
    assert (host.reason, bool(host.remedy)) == ("The server's name is not known", True)
    assert [stage.outcome for stage in stages] == ["failed", *["skipped"] * 4]
    assert "no-such-name.invalid cannot be resolved" in stages[0].detail


def test_a_resolver_that_does_not_answer_can_be_stopped(
    probed: Callable[..., State], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, let_go, cancel = threading.Event(), threading.Event(), CancelToken()
    answered: list[bool] = []

    def silent(*_: object, **__: object) -> list[object]:
        asked.set()
        answered.append(let_go.wait(10))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    stopper = threading.Thread(target=lambda: asked.wait(10) and cancel.stop_now())
    stopper.start()
    try:
        assert probed(NAMELESS, cancel).hosts["a"].status is HostStatus.SKIPPED
        assert not answered
    finally:
        let_go.set()
        stopper.join()
