"""The whole line on practice: from nothing to Online and answered, and back."""

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Bench

from onboard.aws.session import open_aws
from onboard.engine import check as checking
from onboard.engine.check import plan
from onboard.hosts.connection import Connection
from onboard.model.cancel import CancelToken
from onboard.model.errors import AwsError, ConnectionLost
from onboard.model.events import Event, PlanMade
from onboard.model.outcome import troubles
from onboard.model.secret import Secret
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.practice.machine import CONFIG, DROP_INS
from onboard.steps.base import Done
from onboard.steps.posix.register_agent import RegisterAgent
from onboard.steps.posix.start_agent import StartAgent

FAULTS = {
    "no-amazon-roots": "root_certificates_present",
    "slow-clock": "clock_in_sync",
    "no-route": "endpoints_reachable",
    "other-account": "not_registered_elsewhere",
    "clone": "not_a_clone",
    "clone-2": "not_a_clone",
}
HEALTHY = ("healthy-debian", "healthy-rhel")


def failed_checks(state: State, name: str) -> set[str]:
    return {finding.check for finding in state.hosts[name].findings if finding.status == "fail"}


def test_healthy_servers_come_online_and_each_broken_one_names_its_fault(bench: Callable[..., Bench]) -> None:
    work = bench()
    state = work.apply()
    for name in HEALTHY:
        assert state.hosts[name].status is HostStatus.ONLINE, state.hosts[name]
        assert (state.hosts[name].instance_id or "").startswith("mi-")
    for name, check in FAULTS.items():
        assert state.hosts[name].status is HostStatus.BLOCKED, state.hosts[name]
        assert failed_checks(state, name) == {check}
        assert all(finding.remedy for finding in troubles(state.hosts[name]))
    calls = work.practice.cloud.calls
    assert len(calls.of("RegisterManagedInstance")) == 2
    assert [call.error for call in calls.of("DeleteActivation")] == [""]


def test_check_and_plan_change_nothing(bench: Callable[..., Bench]) -> None:
    work = bench()
    before = work.digests()
    assert work.check().counts() == {"ready": 2, "blocked": 6}
    state = work.plan()
    assert state.plan is not None
    assert [host.host for host in state.plan.hosts] == list(HEALTHY)
    assert work.digests() == before
    assert work.practice.cloud.calls.mutating() == []


@pytest.mark.parametrize("command", [checking.check, plan])
def test_a_code_of_an_mfa_device_is_asked_for_once(
    bench: Callable[..., Bench],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., Iterable[Event]],
) -> None:
    work = bench()  # two of its servers are registered already: AWS is asked about their nodes
    config = tmp_path / "aws-config"
    config.write_text(
        "[profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "[profile base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    work.profile = work.profile.model_copy(update={"aws": work.profile.aws.model_copy(update={"profile": "mfa"})})
    asked: list[str] = []

    def code(prompt: str) -> Secret:
        asked.append(prompt)
        return Secret("123456")

    with work.tools() as tools:
        state = fold(command(work.profile, replace(tools, mfa_code=code), CancelToken()))
    assert state.failure is None
    assert len(asked) == 1
    assert work.practice.cloud.calls.of("DescribeInstanceInformation")


def test_a_plan_tells_what_stands_there_now_and_no_password_of_it(bench: Callable[..., Bench]) -> None:
    work = bench(1)
    files = work.practice.servers[0].machine.files
    files[CONFIG] = b'{"Identity": {"ConsumptionOrder": ["EC2"]}}'
    files[f"{DROP_INS}proxy.conf"] = b'[Service]\nEnvironment="https_proxy=http://eve:t0p@secret@10.0.0.9:3128"\n'
    network = work.profile.network.model_copy(update={"proxy": "http://127.0.0.1:3128"})
    work.profile = work.profile.model_copy(update={"network": network})
    with work.tools() as tools:
        told = list(plan(work.profile, tools, CancelToken()))
    made = next(event for event in told if isinstance(event, PlanMade))
    lines = json.loads(json.dumps(made.to_json()))["plan"]["hosts"][0]["changes"]
    before = {change["name"]: change["before"] for change in lines}
    assert before["configure_agent"] == {"Identity.ConsumptionOrder": '["EC2"]'}
    assert before["configure_proxy"] == {"https_proxy": "http://10.0.0.9:3128"}
    assert before["place_nonce"] == {}
    assert "secret" not in "".join(json.dumps(event.to_json()) for event in told)


def test_a_second_apply_changes_nothing_and_says_online(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    first = work.apply()
    before, calls = work.digests(), work.practice.cloud.calls.count
    second = work.apply()
    assert {host.status for host in second.hosts.values()} == {HostStatus.ONLINE}
    assert {h.name: h.instance_id for h in second.hosts.values()} == {
        h.name: h.instance_id for h in first.hosts.values()
    }
    assert second.plan is not None
    assert {change.name for host in second.plan.hosts for change in host.changes} == {"place_nonce"}
    assert [change.summary for change in second.plan.aws] == [
        "Ask 2 servers through Run Command for the nonce placed there"
    ]
    assert [host.steps["confirm"] for host in second.hosts.values()] == ["done", "done"], "asked in this run"
    assert work.digests() == before
    assert {call.operation for call in work.practice.cloud.calls.mutating(after=calls)} == {"SendCommand"}


def test_a_node_that_aws_does_not_tell_of_yet_is_not_taken_for_a_foreign_one(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(2)
    run = work.profile.run.model_copy(update={"canary": 2})
    work.profile = work.profile.model_copy(update={"run": run})
    monkeypatch.setattr("onboard.engine.survey.known_nodes", lambda aws, ids: frozenset())  # no agent has called
    really = RegisterAgent.apply
    lost, told = (host.name for host in work.profile.hosts)

    def register(step: RegisterAgent, connection: Connection, *more: Any) -> Done:
        done = really(step, connection, *more)
        if connection.host.name == lost:
            raise ConnectionLost("The connection was lost", where=lost)
        return done

    with monkeypatch.context() as broken:
        broken.setattr(RegisterAgent, "apply", register)
        broken.setattr(StartAgent, "apply", refuse)
        first = work.apply()
    assert first.counts() == {"failed": 2}
    second = work.apply(resume=first.run)
    assert second.counts() == {"online": 2}, second.hosts
    assert len(work.practice.cloud.calls.of("RegisterManagedInstance")) == 2
    with work.tools() as tools:
        assert tools.journal.registered("another", second.plan.region if second.plan else "") == frozenset()
    assert work.check().hosts[told].status is HostStatus.BLOCKED, "proven, and gone from AWS since: deregistered there"


def test_undo_deregisters_a_node_that_the_server_alone_knows(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(1)
    before, calls = work.digests(), work.practice.cloud.calls
    really = RegisterAgent.apply

    def lose(step: RegisterAgent, connection: Connection, *more: Any) -> None:
        really(step, connection, *more)
        raise ConnectionLost("The connection was lost", where=connection.host.name)

    with monkeypatch.context() as broken:
        broken.setattr(RegisterAgent, "apply", lose)
        run = work.apply().run
    assert len(calls.of("RegisterManagedInstance")) == 1
    work.undo(run)
    assert len(calls.of("DeregisterManagedInstance")) == 1
    assert len(calls.of("DeleteRole")) == 1, "no node uses it any more"
    assert work.digests() == before


def test_an_earlier_run_is_not_undone_under_a_later_one(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(2)
    before = work.digests()
    with monkeypatch.context() as broken:
        broken.setattr(StartAgent, "apply", refuse)
        first = work.apply().run
    second = work.apply()
    assert HostStatus.ONLINE in {host.status for host in second.hosts.values()}
    standing = work.digests()
    undone = work.undo(first)
    assert {host.status for host in undone.hosts.values()} == {HostStatus.SKIPPED}
    assert all(second.run in (host.remedy or "") for host in undone.hosts.values())
    assert work.digests() == standing
    work.undo(second.run)
    assert work.undo(first).failure is None
    assert work.digests() == before


def test_undo_leaves_everything_as_before(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    before = work.digests()
    run = work.apply().run
    assert work.digests() != before
    undone = work.undo(run)
    assert undone.counts() == {"ready": 2}, undone.hosts
    assert work.digests() == before
    calls = work.practice.cloud.calls
    assert len(calls.of("DeregisterManagedInstance")) == 2
    assert len(calls.of("DeleteRole")) == 1
    count = calls.count
    assert work.undo(run).failure is None
    assert calls.mutating(after=count) == [], "undo is safe to repeat"


def with_tags(work: Bench, **tags: str) -> None:
    first, *rest = work.profile.hosts
    hosts = (first.model_copy(update={"tags": tags}), *rest)
    work.profile = work.profile.model_copy(update={"hosts": hosts})


def test_a_servers_own_tags_are_planned_set_and_gone_with_its_node(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    with_tags(work, team="a", site="Köln 3")
    name = work.profile.hosts[0].name
    planned = work.plan().plan
    assert planned is not None
    tagging = [(host.host, change) for host in planned.hosts for change in host.changes if change.name == "tag_node"]
    assert [(host, change.summary) for host, change in tagging] == [(name, "Tag its node: site = Köln 3, team = a")]
    assert work.practice.cloud.calls.mutating() == []

    state = work.apply(approved=planned)
    assert state.counts() == {"online": 2}
    assert state.hosts[name].steps["tag_node"] == "done"
    node = state.hosts[name].instance_id
    assert node is not None
    with closing(open_aws(work.profile)) as aws:
        told = aws.ssm.list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node)["TagList"]
    assert {"team": "a", "site": "Köln 3"}.items() <= {tag["Key"]: tag["Value"] for tag in told}.items()

    again = work.apply().plan
    assert again is not None
    assert {change.name for host in again.hosts for change in host.changes} == {"place_nonce"}
    assert len(work.practice.cloud.calls.of("AddTagsToResource")) == 1
    undone = work.undo(state.run)
    assert undone.counts() == {"ready": 2}
    assert [noted.text for noted in undone.notes if "tags" in noted.text] == []


def test_tags_that_aws_refuses_are_set_by_the_next_run_before_the_proof(bench: Callable[..., Bench]) -> None:
    work = bench(1)
    with_tags(work, team="a")
    name = work.profile.hosts[0].name
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("onboard.aws.changes.node_tags.NodeTags.make", refuse)
        first = work.apply()
    assert first.hosts[name].status is HostStatus.FAILED
    assert "not allowed" in first.hosts[name].reason
    with work.tools() as tools:
        assert tools.journal.proven() == frozenset()
    second = work.apply()
    assert second.counts() == {"online": 1}
    assert second.hosts[name].steps["tag_node"] == "done"
    assert second.hosts[name].instance_id == first.hosts[name].instance_id
    undone = work.undo(second.run)
    assert any("the tags of" in noted.text and "stay" in noted.text for noted in undone.notes)


def refuse(*_: object) -> None:
    raise AwsError("tagging is not allowed", code="AccessDeniedException")


def test_what_a_plan_did_not_contain_is_refused(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    plan = work.plan().plan
    assert plan is not None
    less = replace(plan, hosts=plan.hosts[:1])
    before, calls = work.digests(), work.practice.cloud.calls.count
    state = work.apply(approved=less)
    assert state.failure is not None
    assert "healthy-rhel" in state.failure.why
    assert work.digests() == before
    assert work.practice.cloud.calls.mutating(after=calls) == []
    assert work.apply(approved=plan).counts() == {"online": 2}


def test_a_stop_before_the_start_changes_nothing(bench: Callable[..., Bench]) -> None:
    work = bench(2)
    cancel = CancelToken()
    cancel.stop()
    before = work.digests()
    assert work.apply(cancel=cancel).counts() == {"skipped": 2}
    assert work.digests() == before
    assert work.practice.cloud.calls.mutating() == []


@pytest.mark.parametrize("cheat", ["killed", "wrong nonce", "shared node"])
def test_green_cannot_be_had_by_cheating(bench: Callable[..., Bench], cheat: str) -> None:
    work = bench(2)
    first, second = work.practice.servers
    match cheat:
        case "killed":
            first.agent.dies_at_command = True
        case "wrong nonce":
            first.agent.wrong_nonce = True
        case "shared node":  # the first is the canary, and proven when the second comes
            second.agent.twin = first.agent
    state = work.apply()
    assert state.hosts[first.name].status is HostStatus.FAILED, state.hosts
    assert state.hosts[second.name].status is not HostStatus.ONLINE
    assert state.hosts[first.name].reason
    assert state.hosts[first.name].remedy
