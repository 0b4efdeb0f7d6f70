"""What is concluded from measurements: whose figures decide, what is not recommended, and the words for it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from onboard.aws.latency import Measured, Proxy, Target
from onboard.engine import regions as engine
from onboard.engine.journal import Journal
from onboard.engine.workbench import Tools
from onboard.hosts.connection import Connection
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable, OnboardError
from onboard.model.events import Event, Region, RegionsRanked, RunFailed
from onboard.model.latency import Latency
from onboard.model.profile import Host, NetworkSection, Profile, RegionSection
from onboard.model.region_evidence import with_evidence
from onboard.model.state import State, fold

CHINA = Profile(region=RegionSection(name="cn-north-1"))  # a partition of two Regions
TARGETS = [Target("cn-north-1", "ssm.cn-north-1.amazonaws.com.cn")]


def at(north_ms: float, northwest_ms: float) -> Measured:
    def near(ms: float) -> Latency:
        return Latency.of([ms - 0.5 + number / 10 for number in range(10)])

    return Measured({"cn-north-1": near(north_ms), "cn-northwest-1": near(northwest_ms)}, "direct")


class Servers:
    """A connector to servers that are as far from the Regions as said, or cannot be reached."""

    def __init__(self, places: Mapping[str, Measured | None]) -> None:
        self.places = places

    def connect(self, host: Host, cancel: CancelToken) -> Connection:
        if self.places[host.name] is None:
            raise HostUnreachable("The server cannot be reached", where=host.name)
        return Connected(host)  # type: ignore[return-value]


class Connected:
    def __init__(self, host: Host) -> None:
        self.host = host

    def close(self) -> None:
        pass


Concluded = Callable[..., State]


@pytest.fixture
def concluded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Concluded]:
    """Runs the command with these measurements in place of real ones."""
    with closing(Journal(tmp_path / "journal")) as journal:

        def run(
            here: Measured,
            servers: Mapping[str, Measured | None] | None = None,
            enabled: Mapping[str, bool] | None = None,
            profile: Profile = CHINA,
        ) -> State:
            places = servers or {}
            monkeypatch.setattr(engine, "measure", lambda *_, **__: here)
            monkeypatch.setattr(engine, "measure_from", lambda connection, *_: places[connection.host.name])
            monkeypatch.setattr(engine, "_enabled", lambda *_: enabled)
            tools = Tools(Servers(places), journal, tmp_path, KnownHosts(tmp_path / "known_hosts"))
            hosts = [Host(name=name) for name in places]
            stream: list[Event] = list(engine.regions(profile, tools, CancelToken(), servers=hosts))
            return fold(stream)

        yield run


def ranking(state: State) -> RegionsRanked:
    assert state.ranking is not None
    return state.ranking


def test_several_servers_decide_together(concluded: Concluded) -> None:
    state = concluded(at(10, 40), {"a": at(30, 20), "b": at(50, 20)})
    assert ranking(state).recommended == "cn-northwest-1"
    assert ranking(state).origin == "a, b"
    north: Region = state.regions["cn-north-1"]
    assert north.median_ms == pytest.approx(39.95)
    assert [one.origin for one in north.measured] == ["this computer", "a", "b"]
    assert any("The servers decide" in why for why in ranking(state).why)
    assert state.counts() == {"ready": 2}


def test_a_region_that_is_not_enabled_is_shown_and_not_recommended(concluded: Concluded) -> None:
    state = concluded(at(10, 40), enabled={"cn-north-1": False, "cn-northwest-1": True})
    assert list(state.regions) == ["cn-north-1", "cn-northwest-1"]
    assert ranking(state).recommended == "cn-northwest-1"
    assert "cn-north-1 is nearer (9.9 ms), but it is not enabled in this account" in ranking(state).why
    assert state.regions["cn-north-1"].enabled is False


def test_the_chosen_region_is_called_far(concluded: Concluded) -> None:
    assert "The profile's Region cn-north-1 is 80.0 ms farther" in ranking(concluded(at(90, 10))).why
    assert len(ranking(concluded(at(12, 10))).why) == 1


def test_a_server_out_of_reach_does_not_decide(concluded: Concluded) -> None:
    state = concluded(at(10, 40), {"a": None})
    assert (ranking(state).origin, ranking(state).recommended) == ("this computer", "cn-north-1")
    assert state.counts() == {"unreachable": 1}


def test_when_nothing_answers_the_run_fails_as_one_that_aws_did_not_answer(concluded: Concluded) -> None:
    silent = Latency(lost=10, error="no answer within 1 second")
    state = concluded(Measured({"cn-north-1": silent, "cn-northwest-1": silent}, "direct"))
    assert ranking(state).recommended is None
    assert isinstance(state.failure, RunFailed)
    assert (state.failure.kind, state.failure.why) == ("aws", "no answer within 1 second")


def test_the_evidence_is_kept_and_the_choice_is_not_overruled(concluded: Concluded) -> None:
    state = concluded(at(90, 10))
    kept = with_evidence(CHINA, state).region
    assert kept.name == "cn-north-1"
    assert kept.measured is not None
    assert kept.measured.recommended == "cn-northwest-1"
    assert list(kept.measured.medians) == ["cn-north-1", "cn-northwest-1"]
    assert kept.measured.medians == pytest.approx({"cn-north-1": 90, "cn-northwest-1": 10}, abs=0.1)
    assert with_evidence(Profile(), state).region.name == "cn-northwest-1"
    assert with_evidence(CHINA, State()) is CHINA


def proxied(*, own: str | None = None, agents: str | None = None, no_proxy: Sequence[str] = ()) -> Proxy | None:
    network = NetworkSection(proxy=agents, no_proxy=tuple(no_proxy))
    return engine.proxy_of(Profile(region=RegionSection(measure_through=own), network=network), TARGETS)


def test_the_proxy_is_the_one_named_for_it_else_the_agents_else_this_computers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxied() is None
    monkeypatch.setenv("HTTPS_PROXY", "http://machine:3128")
    assert proxied() == Proxy("machine", 3128)
    assert proxied(agents="http://agents:8080") == Proxy("agents", 8080)
    assert proxied(own="http://own:1", agents="http://agents:8080") == Proxy("own", 1)
    assert proxied(agents="http://agents:8080", no_proxy=[".amazonaws.com.cn"]) == Proxy("machine", 3128)
    assert proxied(agents="http://agents:8080", no_proxy=["::1", "*"]) == Proxy("machine", 3128)
    monkeypatch.setenv("NO_PROXY", "amazonaws.com.cn")
    assert proxied() is None
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTPS_PROXY", "socks5://machine:1080")
    with pytest.raises(OnboardError, match="HTTPS_PROXY"):
        proxied()


def test_an_account_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(engine, "open_aws", lambda _: let_go.wait(10))
    monkeypatch.setattr(engine, "ACCOUNT_LIMIT", 0.2)
    try:
        assert engine._enabled(CHINA, "cn-north-1", CancelToken()) is None
    finally:
        let_go.set()
