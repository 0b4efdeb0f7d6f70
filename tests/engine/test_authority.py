"""What a server says of its node is a claim: which nodes a run deregisters and tags, AWS and the journal decide."""

from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest
from engine.conftest import Bench

from onboard.aws.instances import Node
from onboard.aws.session import open_aws
from onboard.engine.authority import objection
from onboard.engine.journal import Journal
from onboard.hosts.connection import Connection
from onboard.model.errors import ConnectionLost
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.practice.step_simulation import SIMULATED
from onboard.steps.posix.register_agent import RegisterAgent


def only(work: Bench, number: int, **tags: str) -> str:
    """Let the profile hold this one of its servers alone. Its name."""
    host = work.practice.profile().hosts[number]
    work.profile = work.profile.model_copy(update={"hosts": (host.model_copy(update={"tags": tags}),)})
    return host.name


def lying(monkeypatch: pytest.MonkeyPatch, action: str, **lines: str) -> None:
    """Let the roots of all practice servers print these lines, too, when a script of register_agent has run."""
    key = ("register_agent", action)
    honest: Callable[[Any], Awaitable[None]] = SIMULATED[key]

    async def answer(step: Any) -> None:
        await honest(step)
        for name, value in lines.items():
            step.say(name.replace("__", "."), value)

    monkeypatch.setitem(SIMULATED, key, answer)  # type: ignore[arg-type]


def nodes_in_aws(work: Bench) -> set[str]:
    with closing(open_aws(work.profile)) as aws:
        return {item["InstanceId"] for item in aws.ssm.describe_instance_information()["InstanceInformationList"]}


def warnings(state: State) -> str:
    return " ".join(noted.text for noted in state.notes if noted.level == "warning")


def onboarded(work: Bench, number: int) -> tuple[str, str, str]:
    """(server, its run, its node) after apply brought it online alone."""
    name = only(work, number)
    state = work.apply()
    node = state.hosts[name].instance_id
    assert state.hosts[name].status is HostStatus.ONLINE
    assert node is not None
    return name, state.run, node


def test_a_server_that_names_another_node_when_it_is_undone_harms_it_not(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(2)
    _, _, victim = onboarded(work, 0)
    evil, run, own = onboarded(work, 1)
    lying(monkeypatch, "undo", instance_id=victim)
    undone = work.undo(run)
    assert nodes_in_aws(work) == {victim}, "the node that the journal and AWS know is deregistered, and no other"
    assert [call.instance_id for call in work.practice.cloud.calls.of("DeregisterManagedInstance")] == [own]
    assert undone.hosts[evil].status is HostStatus.READY


def test_a_server_that_names_another_node_when_it_registers_harms_it_not(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(2)
    _, _, victim = onboarded(work, 0)
    evil = only(work, 1, team="evil")
    with monkeypatch.context() as lies:
        lying(lies, "apply", instance_id=victim, undo__node=victim)
        run = work.apply().run
    undone = work.undo(run)
    calls = work.practice.cloud.calls
    assert calls.of("AddTagsToResource") == []
    assert calls.of("DeregisterManagedInstance") == []
    assert undone.hosts[evil].status is HostStatus.FAILED
    assert f"{victim} was not deregistered" in undone.hosts[evil].reason
    (own,) = nodes_in_aws(work) - {victim}
    assert own in warnings(undone), "what the run registered and cannot name stays, and is told"


def test_a_node_of_another_server_of_the_same_run_is_not_to_be_had_either(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(2)
    evil, good = (host.name for host in work.profile.hosts)
    really = RegisterAgent.apply

    def lose(step: RegisterAgent, connection: Connection, *more: Any) -> Any:
        done = really(step, connection, *more)
        if connection.host.name == evil:
            raise ConnectionLost("The connection was lost", where=evil)
        return done

    work.profile = work.profile.model_copy(update={"run": work.profile.run.model_copy(update={"canary": 2})})
    with monkeypatch.context() as broken:
        broken.setattr(RegisterAgent, "apply", lose)
        state = work.apply()
    victim = state.hosts[good].instance_id
    assert state.hosts[good].status is HostStatus.ONLINE
    assert victim is not None
    only(work, 0)
    lying(monkeypatch, "undo", instance_id=victim)
    undone = work.undo(state.run)
    assert work.practice.cloud.calls.of("DeregisterManagedInstance") == []
    assert victim in nodes_in_aws(work)
    assert good in undone.hosts[evil].reason


def test_tags_are_set_when_the_nonce_has_come_back_and_not_before(bench: Callable[..., Bench]) -> None:
    """A server that has taken over another one's registration answers no nonce: the other one's node does."""
    work = bench(2)
    _, _, victim = onboarded(work, 0)
    first, second = work.practice.servers
    second.agent.twin = first.agent
    second.agent.wrong_nonce = True
    evil = only(work, 1, team="evil")
    state = work.apply()
    assert state.hosts[evil].status is HostStatus.FAILED, state.hosts[evil]
    assert state.hosts[evil].instance_id == victim
    assert work.practice.cloud.calls.of("AddTagsToResource") == []


def test_a_node_that_answers_but_was_registered_by_nobody_here_is_not_tagged(
    bench: Callable[..., Bench], tmp_path: Any
) -> None:
    work = bench(1)
    name, _, node = onboarded(work, 0)
    work.folder = tmp_path / "another-computer"
    work.folder.mkdir()
    only(work, 0, team="a")
    state = work.apply()
    assert state.hosts[name].status is HostStatus.ONLINE
    assert node in warnings(state)
    assert "not tagged" in warnings(state)
    assert work.practice.cloud.calls.of("AddTagsToResource") == []


def test_what_two_servers_claim_belongs_to_the_one_that_proved_it(tmp_path: Any) -> None:
    node = Node("mi-0123456789abcdef0", is_online=True, activation_id="activation")
    with closing(Journal(tmp_path)) as journal:
        for run, path in (("r1", "/p.toml"), ("r2", "/p.toml"), ("r3", "/other.toml")):
            journal.begin(run, "apply", path, "{}")
        journal.write("r1", "", "create_activation", "done", {"id": "activation"})
        assert objection(journal, "r1", "a", node), "nothing was registered there"
        for host in ("a", "b"):
            journal.write("r1", host, "register_agent", "intent")
        assert objection(journal, "r1", "a", node) == ""
        assert objection(journal, "r2", "a", node) == "", "a later run takes up what an earlier one began"
        assert objection(journal, "r3", "a", node), "another profile's run"
        journal.write("r1", "a", "register_agent", "done", {"node": node.instance_id})
        assert objection(journal, "r1", "a", node) == ""
        assert "claimed by a" in objection(journal, "r1", "b", node)
        journal.write("r1", "b", "register_agent", "done", {"node": node.instance_id})
        assert "claimed by b" in objection(journal, "r1", "a", node)
        journal.write("r1", "a", "confirm", "done", {"instance_id": node.instance_id})
        assert objection(journal, "r1", "a", node) == ""
        assert "claimed by a" in objection(journal, "r1", "b", node)
