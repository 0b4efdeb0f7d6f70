"""The prover's bookkeeping: which node was sent which command, and questions whose worker has gone."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from onboard.aws.session import Aws
from onboard.engine.command_ends import NotProven
from onboard.engine.proof import Patience, Prover
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.family import Family
from onboard.model.profile import Host, Protocol
from onboard.steps.base import Proof

PROOF = Proof("AWS-RunShellScript", "cat nonce", "rm nonce", "/var/log/agent.log")
PROOFS = {Family.POSIX: PROOF}


class OneCommandEach:
    """As much of Systems Manager as a proof needs: nodes answer for the command that they were sent, and no other."""

    def __init__(self, offline: set[str]) -> None:
        self._offline = offline
        self._commands: dict[str, list[str]] = {}

    def send_command(self, *, InstanceIds: list[str], **_: object) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if self._offline & set(InstanceIds):
            raise ClientError({"Error": {"Code": "InvalidInstanceId", "Message": "not connected"}}, "SendCommand")
        command = f"command-{len(self._commands)}"
        self._commands[command] = InstanceIds
        return {"Command": {"CommandId": command}}

    def get_paginator(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=self._invocations)

    def _invocations(self, *, CommandId: str, **_: object) -> Iterator[dict[str, Any]]:  # noqa: N803 - AWS's name
        plugins = [{"Output": f"{CommandId}\n"}]
        yield {
            "CommandInvocations": [
                {"InstanceId": node, "Status": "Success", "CommandPlugins": plugins}
                for node in self._commands[CommandId]
            ]
        }


def aws_with(offline: set[str]) -> Aws:
    return cast("Aws", SimpleNamespace(ssm=OneCommandEach(offline)))


def test_one_node_that_went_offline_costs_no_other_its_proof() -> None:
    nodes = [f"mi-{number:017x}" for number in range(7)]
    offline = nodes[3]
    patience = Patience(online=1, answer=5, poll=0.05)
    with (
        Prover(aws_with({offline}), PROOFS, CancelToken(), patience) as prover,
        ThreadPoolExecutor(len(nodes)) as pool,
    ):
        # All are asked for before the desk looks, so that they go out together and AWS refuses them together.
        prover._asked |= dict.fromkeys(nodes, PROOF)
        with prover._answers._changed:
            asked: dict[str, Future[str]] = {node: pool.submit(prover.answer, node, Host(name=node)) for node in nodes}
            for node in nodes:
                prover._answers._open[node] = Future()
        with pytest.raises(NotProven, match="refused the Run Command"):
            asked.pop(offline).result()
        assert all(future.result().startswith("command-") for future in asked.values())


class ThrottledOnce(OneCommandEach):
    """AWS takes the first command, and is too busy for the second at first."""

    def __init__(self) -> None:
        super().__init__(set())
        self.sent: list[str] = []
        self._calls = 0

    def send_command(self, *, InstanceIds: list[str], **more: object) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self._calls += 1
        if self._calls == 2:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "SendCommand")
        self.sent += InstanceIds
        return super().send_command(InstanceIds=InstanceIds, **more)


def test_no_node_is_asked_twice_when_aws_is_too_busy_for_a_later_command() -> None:
    ssm = ThrottledOnce()
    nodes = [f"mi-{number:017x}" for number in range(60)]
    with Prover(cast("Aws", SimpleNamespace(ssm=ssm)), PROOFS, CancelToken(), Patience(answer=5, poll=0.05)) as it:
        it._asked |= dict.fromkeys(nodes, PROOF)
        with it._answers._changed:
            futures = [it._answers._open.setdefault(node, Future()) for node in nodes]
            it._answers._changed.notify()
        assert all(future.result(5).status == "Success" for future in futures)
    assert sorted(ssm.sent) == nodes


class SettledMeanwhile(Future[str]):
    """The answer comes between the time-out of one look and the next."""

    def result(self, timeout: float | None = None) -> str:
        if not self.done():
            self.set_result("answer")
            raise TimeoutError
        return super().result(timeout)


class SettledAtTheLastMoment(Future[str]):
    """The answer comes when the waiting is over already."""

    def cancel(self) -> bool:
        self.set_result("answer")
        return super().cancel()


@pytest.mark.parametrize(("future", "limit"), [(SettledMeanwhile(), 5.0), (SettledAtTheLastMoment(), 0.0)])
def test_an_answer_that_comes_while_the_waiting_ends_counts(future: Future[str], limit: float) -> None:
    with Prover(aws_with(set()), PROOFS, CancelToken(), Patience(poll=0.05)) as prover:
        assert prover._result(future, limit) == "answer"


def test_who_shares_a_node_with_one_that_gave_up_is_not_proven() -> None:
    given_up: Future[str] = Future()
    given_up.cancel()
    with Prover(aws_with(set()), PROOFS, CancelToken(), Patience(poll=0.05)) as prover:
        assert prover._result(given_up, 5) is None


def test_a_refusal_for_a_worker_that_gave_up_harms_no_other() -> None:
    gone, waiting = "mi-" + "1" * 17, "mi-" + "2" * 17
    questions: dict[str, Future[Any]] = {gone: Future(), waiting: Future()}
    questions[gone].cancel()
    with Prover(aws_with({gone}), PROOFS, CancelToken(), Patience(poll=0.05)) as prover:
        prover._asked |= dict.fromkeys(questions, PROOF)
        prover._collect(questions)
    assert questions[waiting].result(timeout=0).stdout == "command-0\n"


def test_an_aws_that_never_answers_does_not_hold_up_a_stop() -> None:
    asked, answer, answered = threading.Event(), threading.Event(), threading.Event()

    def hang(**_: object) -> None:
        asked.set()
        answer.wait(10)
        answered.set()

    cancel = CancelToken()
    aws = cast("Aws", SimpleNamespace(ssm=SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=hang))))
    with ThreadPoolExecutor(1) as pool, Prover(aws, PROOFS, cancel, Patience()) as prover:
        worker = pool.submit(prover.wait_online, "mi-" + "0" * 17, Host(name="a"))
        assert asked.wait(10)
        cancel.stop_now()
        with pytest.raises(Cancelled):
            worker.result(10)
        prover.__exit__(None, None, None)  # as the block's end does, while AWS has not answered
        assert not answered.is_set()
        answer.set()


class Kept:
    """Keeps which document and lines each node was sent, and answers at once."""

    def __init__(self) -> None:
        self.sent: dict[str, list[tuple[str, list[str]]]] = {}
        self._nodes: list[list[str]] = []

    def send_command(
        self,
        *,
        InstanceIds: list[str],  # noqa: N803 - AWS's name
        DocumentName: str,  # noqa: N803 - AWS's name
        Parameters: dict[str, list[str]],  # noqa: N803 - AWS's name
        **_: object,
    ) -> dict[str, Any]:
        for node in InstanceIds:
            self.sent.setdefault(node, []).append((DocumentName, Parameters["commands"]))
        self._nodes.append(InstanceIds)
        return {"Command": {"CommandId": str(len(self._nodes) - 1)}}

    def get_paginator(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=self._invocations)

    def _invocations(self, *, CommandId: str, **_: object) -> Iterator[dict[str, Any]]:  # noqa: N803 - AWS's name
        nodes = self._nodes[int(CommandId)]
        yield {"CommandInvocations": [{"InstanceId": node, "Status": "Success"} for node in nodes]}


def test_servers_of_each_family_are_asked_with_their_own_document_and_script() -> None:
    ssm, windows = Kept(), Proof("AWS-RunPowerShellScript", "type nonce", "del nonce", "agent.log")
    hosts = {"mi-" + "1" * 17: Host(name="web"), "mi-" + "2" * 17: Host(name="file", protocol=Protocol.WINRM)}
    proofs = {Family.POSIX: PROOF, Family.WINDOWS: windows}
    with (
        ThreadPoolExecutor(2) as pool,
        Prover(cast("Aws", SimpleNamespace(ssm=ssm)), proofs, CancelToken(), Patience(answer=5, poll=0.05)) as prover,
    ):
        list(pool.map(prover.answer, hosts, hosts.values()))
        assert prover.clear(hosts) == set(hosts)
    posix, other = (ssm.sent[node] for node in hosts)
    assert posix == [("AWS-RunShellScript", ["cat nonce"]), ("AWS-RunShellScript", ["rm nonce"])]
    assert other == [("AWS-RunPowerShellScript", ["type nonce"]), ("AWS-RunPowerShellScript", ["del nonce"])]
