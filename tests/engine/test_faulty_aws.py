"""Whole runs over an AWS that stumbles: nothing is left in AWS, and every end has its true cause."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from engine.conftest import QUICK, Bench
from faulty_aws import Fault, Line, faulty
from machine import slowness

from onboard.aws.changes.activations import find_activations
from onboard.aws.session import open_aws
from onboard.engine.apply import apply
from onboard.hosts.connection import Connection
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable, ProfileError
from onboard.model.events import StepFinished, StepStarted
from onboard.model.profile import Host
from onboard.model.state import State, fold
from onboard.model.status import HostStatus

Stumbling = Callable[[int], tuple[Bench, Line]]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.aws.answers.random.random", lambda: 0.0)
    monkeypatch.setattr("onboard.aws.failures.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("onboard.aws.changes.activations.FIRST_WAIT", 0.01)
    monkeypatch.setattr("onboard.engine.proof.GATHER", 0.05)


@pytest.fixture
def stumbling(bench: Callable[..., Bench]) -> Iterator[Stumbling]:
    """`stumbling(hosts)`: a bench whose operator reaches the cloud over a line that can fail."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(hosts: int) -> tuple[Bench, Line]:
            work = bench(hosts)
            line = stack.enter_context(faulty(work.practice.cloud.endpoint_url))
            aws = work.profile.aws.model_copy(update={"endpoint_url": line.url})
            work.profile = work.profile.model_copy(update={"aws": aws})
            return work, line

        yield start


def left(work: Bench, run: str) -> int:
    return len(find_activations(open_aws(work.profile), name=work.profile.activation.name, run=run))


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LOST_502, Fault.HTML])
def test_an_activation_whose_answer_was_lost_is_gone_when_the_run_ends(stumbling: Stumbling, fault: Fault) -> None:
    work, line = stumbling(1)
    line.next("CreateActivation", fault)
    state = work.apply()
    assert state.counts() == {"online": 1}, state.hosts
    assert left(work, state.run) == 0


def test_what_could_not_be_looked_for_at_once_is_found_when_the_run_ends(stumbling: Stumbling) -> None:
    work, line = stumbling(1)
    line.next("CreateActivation", Fault.LOST)
    line.next("DescribeActivations", Fault.RESET, Fault.RESET, Fault.RESET)
    state = work.apply()
    assert state.counts() == {"online": 1}, state.hosts
    assert left(work, state.run) == 0


def test_undo_finds_an_activation_whose_answer_was_lost(stumbling: Stumbling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.aws.changes.activations.GAP", 0.0)
    monkeypatch.setattr("onboard.aws.failures.GAP", 0.0)
    work, line = stumbling(1)
    line.next("CreateActivation", Fault.LOST)
    line.always = {"DescribeActivations": Fault.RESET}
    state = work.apply()
    assert state.failure is not None
    line.always = {}
    assert left(work, state.run) == 1
    work.undo(state.run)
    assert left(work, state.run) == 0


class NobodyThere:
    """No server can be reached."""

    def connect(self, host: Host, _: CancelToken) -> Connection:
        raise HostUnreachable("There is nobody", where=host.name)


def killed_before_the_activation_is_deleted(work: Bench) -> State:
    """A run that ends, as by kill -9, once its only server has answered."""
    state = State()
    with work.tools() as tools, pytest.MonkeyPatch.context() as dead:
        dead.setattr("onboard.engine.rollout.end_all", lambda *_: iter(()))
        dead.setattr(tools.journal, "finish", lambda *_: None)
        events = apply(work.profile, tools, CancelToken(), profile_path="/profile.toml")
        for event in events:
            state.fold(event)
            if isinstance(event, StepFinished) and (event.step, event.outcome) == ("confirm", "done"):
                break
        events.close()  # type: ignore[attr-defined]
    return state


@pytest.mark.parametrize("how", ["resume", "another apply"])
def test_an_activation_left_by_a_killed_run_is_deleted_without_a_server_to_work_on(
    stumbling: Stumbling, how: str
) -> None:
    work, _ = stumbling(1)
    killed = killed_before_the_activation_is_deleted(work)
    assert left(work, killed.run) == 1
    with work.tools() as tools:
        record = tools.journal.run(killed.run) if how == "resume" else None
        away = replace(tools, connector=NobodyThere())
        state = fold(apply(work.profile, away, CancelToken(), profile_path="/profile.toml", resume=record))
    assert state.counts() == {"unreachable": 1}
    assert [change.change for change in state.aws_changes] == ["delete_activation"]
    assert left(work, killed.run) == 0


def test_a_run_that_was_undone_is_not_resumed(stumbling: Stumbling) -> None:
    work, line = stumbling(1)
    run = work.apply().run
    undone = work.undo(run).run
    line.seen.clear()
    with pytest.raises(ProfileError) as refused:
        work.apply(resume=run)
    assert undone in str(refused.value)
    assert "start a new run: apply without --resume" in str(refused.value)
    assert line.seen == [], "nothing was done before it was refused"
    assert work.apply().counts() == {"online": 1}


def test_a_role_deleted_while_servers_wait_is_named(stumbling: Stumbling) -> None:
    work, _ = stumbling(1)
    work.patience = replace(QUICK, online=60, doubt=0.2)
    work.practice.cloud.settings.heartbeat_limit_s = -1  # without its role, an agent gets no credentials to report with
    with work.tools() as tools:
        state = State()
        for event in apply(work.profile, tools, CancelToken()):
            state.fold(event)
            if isinstance(event, StepFinished) and event.step == "register_agent":
                iam = open_aws(work.profile).iam
                for policy in iam.list_attached_role_policies(RoleName=work.profile.role.name)["AttachedPolicies"]:
                    iam.detach_role_policy(RoleName=work.profile.role.name, PolicyArn=policy["PolicyArn"])
                iam.delete_role(RoleName=work.profile.role.name)
    (host,) = state.hosts.values()
    assert host.status is HostStatus.FAILED
    assert f"The service role {work.profile.role.name} no longer exists" in host.reason


def test_a_gap_of_the_network_is_survived_while_servers_wait(stumbling: Stumbling) -> None:
    """Far more calls fail than are repeated at once."""
    work, line = stumbling(2)
    work.patience = replace(QUICK, online=60, answer=60)
    state, begun = State(), False
    with work.tools() as tools:
        for event in apply(work.profile, tools, CancelToken()):
            state.fold(event)
            if not begun and isinstance(event, StepStarted) and event.step == "confirm":
                begun = True
                line.next("DescribeInstanceInformation", *[Fault.RESET] * 12)
                line.next("SendCommand", *[Fault.RESET] * 4)
                line.next("ListCommandInvocations", *[Fault.HTML] * 12)
    assert state.counts() == {"online": 2}, [host.reason for host in state.hosts.values()]


def test_an_outage_that_lasts_is_the_cause_of_what_waited_in_vain(stumbling: Stumbling) -> None:
    work, line = stumbling(1)
    work.patience = replace(QUICK, answer=1.5 * slowness())
    line.always = {"SendCommand": Fault.LOST_503}
    state = work.apply()
    (host,) = state.hosts.values()
    assert host.status is HostStatus.FAILED
    assert "503" in host.reason
    assert "did not answer" not in host.reason


def test_credentials_that_expire_while_servers_wait_are_told_with_what_to_do(stumbling: Stumbling) -> None:
    work, line = stumbling(1)
    line.always = {"SendCommand": Fault.EXPIRED}
    state = work.apply()
    (host,) = state.hosts.values()
    assert "credentials have expired" in host.reason
    assert "--resume" in host.remedy
    assert left(work, state.run) == 0
