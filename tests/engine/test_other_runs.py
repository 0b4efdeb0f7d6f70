"""Two commands at one time: on the same server the second one is refused, on others it is not."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from engine.conftest import Bench

from onboard.engine.apply import apply
from onboard.engine.other_runs import other_run_on
from onboard.hosts.ssh.known_hosts import KnownHosts, entry_name
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.profile import Host, Profile
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
        host.model_copy(update={"name": names[host.name], "address": host.place.address})
        for host in profile.hosts
        if host.name in names
    )
    return profile.model_copy(update={"hosts": hosts})


def test_a_second_apply_on_the_same_server_is_refused_and_changes_nothing(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    with under_way(work, renamed(work.profile, {"healthy-rhel": "known-by-another-name"})) as run:
        before, calls = work.digests(), work.practice.cloud.calls.count
        with pytest.raises(OnboardError) as refused:
            work.apply()
        assert "healthy-rhel" in refused.value.what
        assert "healthy-debian" not in refused.value.what
        assert run in refused.value.where
        assert refused.value.remedy
        assert (work.digests(), work.practice.cloud.calls.count) == (before, calls)
        assert runs(work) == [run], "the refused one is forgotten"
    assert _online(work.apply()) == {"healthy-debian", "healthy-rhel"}


def test_another_spelling_of_the_address_is_the_same_server(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    with under_way(work, renamed(work.profile, {"healthy-rhel": "other"})):
        work.profile = moved(work.profile, "localhost")
        with pytest.raises(OnboardError, match="healthy-rhel") as refused:
            work.apply()
        assert "healthy-debian" not in refused.value.what


def test_the_same_host_key_is_the_same_server(bench: Callable[..., Bench], tmp_path: Path) -> None:
    work = bench(2)
    elsewhere = moved(work.profile, "192.0.2.7")
    rhel = next(host for host in elsewhere.hosts if host.name == "healthy-rhel")
    lines = work.practice.known_hosts.splitlines()
    key = next(line.partition(" ")[2] for line in lines if line.startswith(f"[127.0.0.1]:{rhel.place.port} "))
    known = tmp_path / "known"
    known.write_text("\n".join([*lines, f"{entry_name(rhel.place)} {key}", ""]))
    with under_way(work, renamed(work.profile, {"healthy-rhel": "other"})), work.tools() as tools:
        elsewhere_too = replace(tools, known_hosts=KnownHosts.from_file(known))
        with pytest.raises(OnboardError, match="changing healthy-rhel;"):
            list(apply(elsewhere, elsewhere_too, CancelToken()))


def test_names_that_nobody_resolves_are_other_servers(bench: Callable[..., Bench]) -> None:
    work = bench(1)
    with work.tools() as tools:
        hosts = [Host(name="a", address="a.invalid")]
        with under_way(work, work.profile):
            assert other_run_on(hosts, tools.journal, tools.known_hosts, own=()) is None


def moved(profile: Profile, address: str) -> Profile:
    """The profile with its servers at another address, at the same ports."""
    hosts = tuple(host.model_copy(update={"address": address}) for host in profile.hosts)
    return profile.model_copy(update={"hosts": hosts})


def test_a_run_is_not_undone_on_servers_that_another_one_changes(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    first = work.apply()
    before = work.digests()
    with under_way(work, work.profile):
        with pytest.raises(OnboardError, match="Another process is changing"):
            work.undo(first.run)
        assert work.digests() == before
    assert work.undo(first.run).failure is None


def test_a_run_that_is_refused_to_go_on_stays_as_it_was(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    run = work.apply().run
    with work.tools() as tools:
        before = tools.journal.run(run)
        with under_way(work, work.profile), pytest.raises(OnboardError, match="Another process is changing"):
            work.apply(resume=run)
        assert tools.journal.run(run) == before
    assert before.finished


def test_a_run_that_had_ended_and_is_broken_off_when_it_goes_on_has_not_ended(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    run = work.apply().run
    with work.tools() as tools, closing(apply(work.profile, tools, CancelToken(), resume=tools.journal.run(run))) as on:
        next(iter(on))
        assert tools.journal.run(run).finished == ""


def test_runs_on_other_servers_do_not_wait_for_each_other(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    with under_way(work, renamed(work.profile, {"healthy-rhel": "healthy-rhel"})):
        work.profile = renamed(work.profile, {"healthy-debian": "healthy-debian"})
        assert _online(work.apply()) == {"healthy-debian"}


def runs(work: Bench) -> list[str]:
    with work.tools() as tools:
        return [record.run for record in tools.journal.runs()]


def _online(state: State) -> set[str]:
    return {name for name, host in state.hosts.items() if host.status is HostStatus.ONLINE}
