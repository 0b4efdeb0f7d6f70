"""Two commands at one time: on the same server the second one is refused, on others it is not."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from engine.conftest import Bench

from onboard.engine.apply import apply
from onboard.model.cancel import CancelToken
from onboard.model.profile import Profile
from onboard.model.state import State
from onboard.model.status import HostStatus


@contextmanager
def under_way(work: Bench, profile: Profile) -> Iterator[str]:
    """A run of apply that has begun and goes on, as in another process; its id."""
    with work.tools() as tools, closing(apply(profile, tools, CancelToken())) as events:
        yield next(iter(events)).run  # type: ignore[attr-defined]


def renamed(profile: Profile, names: dict[str, str]) -> Profile:
    """The profile with those of its servers alone that have a name here, under that."""
    hosts = tuple(
        host.model_copy(update={"name": names[host.name], "address": host.target[0]})
        for host in profile.hosts
        if host.name in names
    )
    return profile.model_copy(update={"hosts": hosts})


def test_a_second_apply_on_the_same_server_is_refused_and_changes_nothing(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    with under_way(work, renamed(work.profile, {"healthy-rhel": "known-by-another-name"})) as run:
        before, calls = work.digests(), work.practice.cloud.calls.count
        state = work.apply()
        assert state.failure is not None
        assert "healthy-rhel" in state.failure.what
        assert "healthy-debian" not in state.failure.what
        assert run in state.failure.where
        assert state.failure.remedy
        assert {host.status for host in state.hosts.values()} == {HostStatus.SKIPPED}
        assert (work.digests(), work.practice.cloud.calls.count) == (before, calls)
    assert _online(work.apply()) == {"healthy-debian", "healthy-rhel"}


def test_a_run_is_not_undone_on_servers_that_another_one_changes(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    first = work.apply()
    before = work.digests()
    with under_way(work, work.profile):
        state = work.undo(first.run)
        assert state.failure is not None
        assert work.digests() == before
    assert work.undo(first.run).failure is None


def test_runs_on_other_servers_do_not_wait_for_each_other(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    with under_way(work, renamed(work.profile, {"healthy-rhel": "healthy-rhel"})):
        work.profile = renamed(work.profile, {"healthy-debian": "healthy-debian"})
        assert _online(work.apply()) == {"healthy-debian"}


def _online(state: State) -> set[str]:
    return {name for name, host in state.hosts.items() if host.status is HostStatus.ONLINE}
