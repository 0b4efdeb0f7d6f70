"""The proof: Systems Manager says Online, and a Run Command returns the nonce that was placed on that very server.

One thread asks about the nodes of all workers, and one sends their Run Commands in batches, so that a thousand
waiting servers need one call to AWS each time instead of a thousand.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

from onboard.aws.commands import Invocation, invocations, send_script
from onboard.aws.failures import THROTTLES, may_pass, persistently
from onboard.aws.instances import Node, NodePoller
from onboard.aws.session import Aws
from onboard.aws.waits import waiting
from onboard.engine.command_ends import NotProven, not_answered
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import AwsError, OnboardError
from onboard.model.family import Family, family_of
from onboard.model.profile import Host
from onboard.model.words import Text
from onboard.steps.base import Proof

T = TypeVar("T")

SOON = 0.1  # seconds until a new question is asked again; then the pause grows, up to `poll`
GATHER = 1.0  # least seconds between two queries for answers, so that servers that arrive in between share a command
SLOWER = 1.5
CLEARED = 20.0  # seconds for nodes to remove their nonces
LAST = 0.5  # seconds to wait for an answer while everything stops
FAILURES = 3  # consecutive calls that AWS refused before those who wait get the error


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a node to be Online and for its answer.

    poll   the longest pause between two queries
    doubt  how long no node may come Online before it is asked whether something prevents them all
    """

    online: float = 300.0
    answer: float = 180.0
    poll: float = 2.0
    doubt: float = 30.0


DEFAULT_PATIENCE = Patience()


class _Desk(Generic[T]):
    """Takes questions about nodes from workers, and answers them together in its own thread.

    `serve` settles the questions that it can, and returns how many seconds to wait at least before asking AWS again:
    0 unless AWS throttles `call`.
    While AWS does not answer, those who wait go on waiting; `trouble` is why nothing is known now.
    """

    def __init__(
        self,
        name: str,
        call: str,
        serve: Callable[[dict[str, Future[T]]], float],
        longest: float,
        soon: float = SOON,
    ) -> None:
        self._call = call
        self._serve = serve
        self._longest = longest
        self._soon = min(soon, longest)
        self._pause = self._soon
        self._open: dict[str, Future[T]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self.trouble: AwsError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(self, node: str) -> Future[T]:
        with self._changed:
            future = self._open.setdefault(node, Future())
            self._pause = self._soon
            self._changed.notify()
        return future

    def close(self, cancel: CancelToken) -> None:
        """End the thread. After stop_now() this does not wait for an answer from AWS."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        while self._thread.is_alive() and not cancel.stopping_now:
            self._thread.join(0.1)
        self._thread.join(LAST)

    def _run(self) -> None:
        failures, since = 0, None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._open)
                if self._closed:
                    return
                questions = dict(self._open)
            began = time.monotonic()
            try:
                rest = self._serve(questions)
                failures, self.trouble = 0, None
                since = (since or began) if rest else None
            except Exception as error:  # noqa: BLE001 - those who wait get it
                rest = self._longest
                if isinstance(error, AwsError) and may_pass(error):
                    self.trouble = error
                    since = since or began
                else:
                    failures += 1
                    if failures >= FAILURES or not isinstance(error, AwsError):
                        _fail(questions.values(), error)
            with self._changed:
                self._open = {node: future for node, future in self._open.items() if not future.done()}
                with nullcontext() if since is None or not self._open else self._telling(since):
                    self._changed.wait_for(lambda: self._closed, max(self._pause, rest))
                self._pause = min(self._pause * SLOWER, self._longest)

    def _telling(self, since: float) -> AbstractContextManager[None]:
        """Meanwhile, a person is told that AWS has refused or not answered since then."""
        if self.trouble is None:
            return waiting(self._call, since=since, why=THROTTLES)
        return waiting(self.trouble.where, since=since, why=self.trouble.what)


class Prover:
    """Asks Systems Manager on behalf of all workers. Use it in a `with` block, which ends its two threads.

    `obstacle` is called with the nodes that AWS lists while none comes Online: what prevents them all, if anything.
    """

    def __init__(
        self,
        aws: Aws,
        proofs: Mapping[Family, Proof],
        cancel: CancelToken,
        patience: Patience,
        obstacle: Callable[[Iterable[Node]], OnboardError | None] = lambda _: None,
    ) -> None:
        self._aws = aws
        self._proofs = proofs
        self._cancel = cancel
        self._patience = patience
        self._poller = NodePoller(aws, interval=patience.poll)
        self._asked: dict[str, Proof] = {}  # node → how to ask it
        self._sent: dict[str, str] = {}  # node → its command
        self._obstacle = obstacle
        self._progress: float | None = None  # since when no node has come Online
        self._online = _Desk[Node]("nodes", "ssm:DescribeInstanceInformation", self._look, patience.poll)
        self._answers = _Desk[Invocation]("run-command", "ssm:SendCommand", self._collect, patience.poll, GATHER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._online.close(self._cancel)
        self._answers.close(self._cancel)

    def wait_online(self, instance_id: str, host: Host) -> Node:
        """Wait until the node is Online, and return it. Raises NotProven if it takes too long, AwsError, Cancelled."""
        node = self._result(self._online.ask(instance_id), self._patience.online)
        if node is None:
            _raise(self._online.trouble, self._patience.online)
            raise NotProven(
                Text("The node did not come Online within {seconds} s", seconds=f"{self._patience.online:.0f}"),
                where=host.name,
                why="The agent is registered, but Systems Manager does not hear from it",
                remedy=Text("See {log} on the server; then run apply again", log=self._proofs[family_of(host)].log),
            )
        return node

    def answer(self, instance_id: str, host: Host) -> str:
        """What the node printed when asked for its nonce. Raises NotProven if there is none, AwsError, Cancelled."""
        self._asked[instance_id] = self._proofs[family_of(host)]
        invocation = self._result(self._answers.ask(instance_id), self._patience.answer)
        if invocation is None:
            _raise(self._answers.trouble, self._patience.answer)
            raise NotProven(
                Text(
                    "The node did not answer a Run Command within {seconds} s",
                    seconds=f"{self._patience.answer:.0f}",
                ),
                where=host.name,
                why="Systems Manager said Online, but the agent has not answered since",
                remedy=Text(
                    "Check that the amazon-ssm-agent service runs and reaches ssmmessages, and see {log}; "
                    "then run apply again",
                    log=self._asked[instance_id].errors or self._asked[instance_id].log,
                ),
            )
        if invocation.status != "Success":
            raise not_answered(invocation, host.name, self._asked[instance_id])
        return invocation.stdout

    def clear(self, ids: Iterable[str]) -> frozenset[str]:
        """Remove the nonces of these nodes, which have answered; return the nodes where that succeeded.

        The next run removes the others.
        """
        done: set[str] = set()
        try:
            waiting = {
                (one.command, node)
                for proof, nodes in self._by_proof(ids)
                for one in send_script(
                    self._aws,
                    nodes,
                    proof.remove,
                    document=proof.document,
                    comment="Onboard: remove the nonce that was asked for",
                )
                if one.command
                for node in one.nodes
            }
            deadline = time.monotonic() + min(CLEARED, self._patience.answer)
            while waiting and time.monotonic() < deadline and not self._cancel.stopping_now:
                commands = {command for command, _ in waiting}
                found = persistently(partial(invocations, self._aws, commands), self._cancel)
                ended = {key for key in waiting if key in found and found[key].finished}
                done |= {node for command, node in ended if found[command, node].status == "Success"}
                waiting -= ended
                if waiting:
                    self._cancel.wait_now(min(GATHER, self._patience.poll))
        except AwsError:
            pass  # a nonce that stays is readable only by root, and no longer proves anything
        return frozenset(done)

    def _result(self, future: Future[T], limit: float) -> T | None:
        """Wait for an answer; None without one. It is not looked at meanwhile, as hundreds of threads may wait."""
        forget = self._cancel.on_stop_now(lambda: _fail([future], Cancelled()))
        try:
            return future.result(timeout=limit)
        except TimeoutError:
            if future.done():  # answered in the meantime, or the question itself raised a TimeoutError
                return future.result()
        except CancelledError:  # another server with the same node gave up waiting
            return None
        finally:
            forget()
        return None if future.cancel() else future.result()

    def _look(self, questions: dict[str, Future[Node]]) -> float:
        found = self._poller.ask(questions)
        if found is None:  # throttled
            return self._poller.interval
        for instance_id, future in questions.items():
            node = found.get(instance_id)
            if node is not None and node.is_online:
                self._progress = None
                _settle(future, node)
        self._ask_for_obstacle({node: future for node, future in questions.items() if not future.done()}, found)
        return 0

    def _ask_for_obstacle(self, waiting: Mapping[str, Future[Node]], found: Mapping[str, Node]) -> None:
        """If no node has come Online for a while, ask what prevents them, and tell those who wait."""
        now = time.monotonic()
        if not waiting or self._progress is None:
            self._progress = now
        elif now - self._progress >= self._patience.doubt:
            self._progress = now
            error = self._obstacle(found.values())
            if error is not None:
                _fail(waiting.values(), error)

    def _collect(self, questions: dict[str, Future[Invocation]]) -> float:
        self._send({node: future for node, future in questions.items() if node not in self._sent})
        commands = {self._sent[node] for node in questions if node in self._sent}
        for (_, node), invocation in invocations(self._aws, commands).items():
            if invocation.finished and node in questions:
                self._sent.pop(node, None)
                _settle(questions[node], invocation)
        return 0

    def _send(self, new: dict[str, Future[Invocation]]) -> None:
        comment = "Onboard: proof that this node answers"
        for proof, nodes in self._by_proof(new):
            for sent in send_script(self._aws, nodes, proof.ask, document=proof.document, comment=comment):
                if sent.refused:
                    error = NotProven("AWS refused the Run Command for the node", why=sent.refused)
                    _fail([new[node] for node in sent.nodes], error)
                else:  # kept at once, so that no node is asked twice if a later command is refused
                    self._sent |= dict.fromkeys(sent.nodes, sent.command)

    def _by_proof(self, ids: Iterable[str]) -> Iterator[tuple[Proof, list[str]]]:
        """Group the nodes that can share a command (one document, one script). Nodes never asked are left out."""
        together: dict[Proof, list[str]] = defaultdict(list)
        for node in ids:
            if node in self._asked:
                together[self._asked[node]].append(node)
        yield from together.items()


def _raise(trouble: AwsError | None, waited: float) -> None:
    """Raise that AWS could not be asked, if that is why nothing is known after so many seconds."""
    if trouble is not None:
        raise AwsError(
            trouble.what,
            where=trouble.where,
            why=Text("AWS could not be asked for {seconds} s. {why}", seconds=f"{waited:.0f}", why=trouble.why),
            remedy=trouble.remedy,
            code=trouble.code,
            unanswered=trouble.unanswered,
        )


def _fail(futures: Iterable[Future[T]], error: BaseException) -> None:
    for future in futures:
        with suppress(InvalidStateError):
            future.set_exception(error)


def _settle(future: Future[T], value: T) -> None:
    with suppress(InvalidStateError):  # its worker gave up waiting
        future.set_result(value)
