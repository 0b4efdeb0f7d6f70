"""Online means asked in this run: neither an earlier run's proof nor a resumed one's makes a server online."""

from collections.abc import Callable

import pytest
from engine.conftest import Bench

from onboard.aws.commands import send_script
from onboard.engine.apply import apply
from onboard.engine.proof import Prover
from onboard.model.cancel import CancelToken
from onboard.model.errors import AwsError
from onboard.model.events import StepFinished
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.practice.server import PracticeServer


def wipe(server: PracticeServer) -> None:
    """As when the machine was set up anew under its name and host key: nothing of Onboard or the agent is there."""
    server.agent.kill()
    machine = server.machine
    machine.files.clear()
    machine.package, machine.running, machine.enabled = None, False, False


def killed_after_the_first_proof(work: Bench) -> State:
    """A run that is broken off once its canary has answered."""
    state = State()
    with work.tools() as tools:
        events = apply(work.profile, tools, CancelToken())
        for event in events:
            state.fold(event)
            if isinstance(event, StepFinished) and (event.step, event.outcome) == ("confirm", "done"):
                break
        events.close()  # type: ignore[attr-defined]
    return state


def test_every_apply_asks_every_server_over_the_connection_of_its_own_check(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    assert work.apply().counts() == {"online": 2}
    count = work.practice.cloud.calls.count
    log_ins = {server.name: server.log_ins for server in work.practice.servers}
    assert work.check().counts() == {"ready": 2}, "check asks no node, and calls none online"
    assert work.plan().counts() == {"ready": 2}
    assert work.practice.cloud.calls.mutating(after=count) == []
    assert {server.log_ins - log_ins[server.name] for server in work.practice.servers} == {2}
    again = work.apply()
    assert again.counts() == {"online": 2}
    assert [host.steps for host in again.hosts.values()] == [{"place_nonce": "done", "confirm": "done"}] * 2
    assert {server.log_ins - log_ins[server.name] for server in work.practice.servers} == {3}
    assert {call.operation for call in work.practice.cloud.calls.mutating(after=count)} == {"SendCommand"}


def test_a_server_whose_agent_has_stopped_is_not_online_while_aws_still_says_so(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    assert work.apply().counts() == {"online": 2}
    stopped, other = work.practice.servers
    stopped.agent.dies_at_command = True  # until then it is Online
    again = work.apply()
    assert again.hosts[stopped.name].status is HostStatus.FAILED
    assert again.hosts[stopped.name].steps["confirm"] == "failed"
    assert "answer" in again.hosts[stopped.name].reason
    assert again.hosts[other.name].status is HostStatus.ONLINE, "no canary goes before those that are only asked"


def test_another_machine_under_a_proven_name_with_a_copy_of_its_registration_is_not_online(
    bench: Callable[..., Bench],
) -> None:
    work = bench(2)
    first, second = work.practice.servers
    proven, other = work.profile.hosts
    work.profile = work.profile.model_copy(update={"hosts": (proven,)})
    node = work.apply().hosts[first.name].instance_id
    second.machine.package, second.machine.enabled, second.machine.running = first.machine.package, True, True
    second.machine.files.update({k: v for k, v in first.machine.files.items() if "/amazon/" in k})
    moved = proven.model_copy(update={"address": other.address, "port": other.port})
    work.profile = work.profile.model_copy(update={"hosts": (moved,)})
    state = work.apply()
    assert state.hosts[first.name].instance_id == node
    assert state.hosts[first.name].status is HostStatus.FAILED, state.hosts[first.name]


def test_a_server_that_was_wiped_before_the_run_goes_on_is_onboarded_anew(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    wiped, other = work.practice.servers
    killed = killed_after_the_first_proof(work)
    old = killed.hosts[wiped.name].instance_id
    assert old is not None
    wipe(wiped)
    before = work.digests()[wiped.name]
    log_ins = wiped.log_ins
    resumed = work.apply(resume=killed.run)
    assert wiped.log_ins > log_ins
    assert resumed.counts() == {"online": 2}, resumed.hosts
    assert resumed.hosts[wiped.name].instance_id not in (old, None)

    undone = work.undo(killed.run)
    assert undone.counts() == {"ready": 2}, undone.hosts
    gone = {call.instance_id for call in work.practice.cloud.calls.of("DeregisterManagedInstance")}
    assert {old, resumed.hosts[wiped.name].instance_id, resumed.hosts[other.name].instance_id} == gone
    assert work.digests()[wiped.name] == before


def test_a_run_that_goes_on_asks_the_servers_that_had_answered(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    stopped, other = work.practice.servers
    killed = killed_after_the_first_proof(work)
    assert killed.hosts[stopped.name].is_proven
    stopped.agent.dies_at_command = True
    resumed = work.apply(resume=killed.run)
    assert resumed.hosts[stopped.name].status is HostStatus.FAILED
    assert resumed.hosts[other.name].status is HostStatus.ONLINE
    with work.tools() as tools:
        assert set(tools.journal.proven_in(killed.run)) == {other.name}


def test_what_could_not_be_looked_at_last_of_all_is_not_online(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(1)
    asked = []

    def refuse(*_: object) -> None:
        asked.append(1)
        raise AwsError("the line was cut")

    with monkeypatch.context() as broken:
        broken.setattr("onboard.engine.rollout.nodes", refuse)
        state = work.apply()
    (host,) = state.hosts.values()
    assert host.status is HostStatus.FAILED
    assert host.reason.startswith("Not checked")
    assert "the line was cut" in host.reason
    assert len(asked) > 1, "once may be chance"
    assert work.apply(resume=state.run).counts() == {"online": 1}


def test_a_nonce_that_could_not_be_removed_goes_with_the_next_run_or_with_undo(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(1)
    (server,) = work.practice.servers
    before = work.digests()
    first = work.apply().run
    standing = work.digests()
    with monkeypatch.context() as broken:
        broken.setattr(Prover, "clear", lambda *_: frozenset())
        assert work.apply().counts() == {"online": 1}
    assert [path for path in server.machine.files if "/nonce-" in path]
    assert work.apply().counts() == {"online": 1}
    assert work.digests() == standing
    with monkeypatch.context() as broken:
        broken.setattr(Prover, "clear", lambda *_: frozenset())
        work.apply()
    assert work.digests() != standing
    undone = work.undo(first)
    assert undone.counts() == {"ready": 1}, "a run that only asked does not stand in its way"
    assert work.digests() == before


def test_servers_share_a_command_and_hold_no_turn_while_they_wait(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(12)
    names = tuple(host for host in work.profile.hosts if host.name.startswith("healthy"))
    run = work.profile.run.model_copy(update={"concurrency": 1})
    work.profile = work.profile.model_copy(update={"hosts": names, "run": run})
    work.apply()
    sent: list[int] = []

    def count(aws: object, ids: object, *more: object, **named: object) -> object:
        nodes = list(ids)  # type: ignore[call-overload]
        sent.append(len(nodes))
        return send_script(aws, nodes, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("onboard.engine.proof.send_script", count)
    state = work.apply()
    assert state.counts() == {"online": len(names)}
    assert sum(sent) == 2 * len(names), "each is asked once, and cleared once"
    assert sent[-1] == len(names), "one command removes all nonces"
