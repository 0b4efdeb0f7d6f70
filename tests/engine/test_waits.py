"""While AWS does not answer, or refuses for long, a person is told which call is waited for."""

import io
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from engine.conftest import QUICK, Bench
from faulty_aws import Fault, faulty
from machine import slowness

from onboard.aws.changes.activations import ActivationWish, create_activation
from onboard.aws.failures import asking, persistently
from onboard.aws.session import open_aws
from onboard.aws.waits import asking_a_person, long_waits
from onboard.cli.output import JsonLines, follow
from onboard.cli.text import People
from onboard.engine.apply import apply
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import AwsError
from onboard.model.events import Event, Noted, RunFinished, RunStarted
from onboard.model.state import State

CALL = "ssm:DescribeActivations"
STARTED = RunStarted(run="r", command="apply", profile="", hosts=(), started="", who="", undoes="")
ENDED = RunFinished(run="r", hosts={})


class Heard:
    """A way of showing a run that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[Noted] = []
        self.events: list[Event] = []
        self._more = threading.Condition()

    def event(self, event: Event, state: State) -> None:
        self.events.append(event)
        if isinstance(event, Noted) and event.waiting:
            assert state.waiting == event.sentence
            with self._more:
                self.notes.append(event)
                self._more.notify_all()

    def end(self, state: State) -> None:
        assert state.waiting is None

    def hears(self, *words: str) -> bool:
        """Wait for a note with these words."""

        def heard() -> bool:
            return any(all(word in note.text for word in words) for note in self.notes)

        with self._more:
            return self._more.wait_for(heard, 30 * slowness())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.aws.waits.SLOW", 0.0)
    monkeypatch.setattr("onboard.cli.waits.LOOK", 0.01)


def test_a_call_that_is_not_answered_is_named() -> None:
    heard = Heard()

    def stream() -> Iterator[Event]:
        yield STARTED
        with asking(CALL):
            assert heard.hears("has not answered", CALL)
        yield ENDED

    follow(stream(), heard, CancelToken())


def test_what_aws_said_last_is_told_while_a_call_is_repeated() -> None:
    heard, cancel = Heard(), CancelToken()

    def refused() -> None:
        raise AwsError("AWS throttles the account's requests", where=CALL, code="ThrottlingException")

    def stream() -> Iterator[Event]:
        yield STARTED
        threading.Thread(target=lambda: (heard.hears(f"{CALL} has not", "throttles"), cancel.stop_now())).start()
        with pytest.raises(AwsError):
            persistently(refused, cancel)
        assert heard.hears(f"{CALL} has not succeeded", "throttles")
        yield ENDED

    follow(stream(), heard, cancel)


def test_a_role_that_aws_does_not_see_yet_is_told(bench: Callable[[int], Bench]) -> None:
    heard = Heard()
    wish = ActivationWish(role="nobody", name="web", size=1, expires_in_hours=4, tags={}, run="r-1")
    aws = open_aws(bench(1).profile)

    def wait(_: float) -> bool:
        return heard.hears("ssm:CreateActivation has not succeeded")

    def stream() -> Iterator[Event]:
        yield STARTED
        create_activation(aws, wish, CancelToken(), wait=wait)

    with pytest.raises(Cancelled):
        follow(stream(), heard, CancelToken())


@pytest.mark.parametrize("call", ["DescribeInstanceInformation", "SendCommand"])
def test_servers_that_wait_for_a_throttling_aws_are_told_of(
    bench: Callable[[int], Bench], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr("onboard.aws.answers.random.random", lambda: 0.0)
    heard, work = Heard(), bench(1)
    work.patience = QUICK
    with faulty(work.practice.cloud.endpoint_url) as line, work.tools() as tools:
        aws = work.profile.aws.model_copy(update={"endpoint_url": line.url})
        profile = work.profile.model_copy(update={"aws": aws})
        cancel = CancelToken()

        def stream() -> Iterator[Event]:
            for event in apply(profile, tools, cancel):
                if getattr(event, "step", "") == "start_agent":
                    line.always = {call: Fault.THROTTLED}
                yield event

        def until_told() -> None:
            heard.hears(f"ssm:{call} has not succeeded", "throttles")
            line.always = {}

        threading.Thread(target=until_told).start()
        state, _ = follow(stream(), heard, cancel)
    assert any(f"ssm:{call} has not succeeded" in note.text and "throttles" in note.text for note in heard.notes)
    assert state.counts() == {"online": 1}


def test_nothing_follows_the_last_event() -> None:
    heard, release, waits = Heard(), threading.Event(), threading.Event()

    def wait_for_ever() -> None:
        with asking(CALL):
            waits.set()
            release.wait()

    class Slow(Heard):
        """Showing the last event takes so long that the wait is looked at meanwhile."""

        def event(self, event: Event, state: State) -> None:
            super().event(event, state)
            if event is ENDED:
                threading.Thread(target=wait_for_ever, daemon=True).start()
                waits.wait()

    heard = Slow()
    follow(iter([STARTED, ENDED]), heard, CancelToken())
    release.set()
    assert heard.events == [STARTED, ENDED]


def test_a_person_who_is_asked_is_not_aws() -> None:
    with asking("sts:GetCallerIdentity"):
        assert "sts:GetCallerIdentity" in long_waits()
        with asking_a_person():
            assert not long_waits()
        assert "sts:GetCallerIdentity" in long_waits()
    assert not long_waits()


def test_a_terminal_and_a_program_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    note = Noted.of("Waiting for AWS: it has not answered", waiting=True)
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    People().event(note, State())
    assert note.text in err.getvalue()
    JsonLines().event(note, State())
    assert '"waiting": true' in out.getvalue()
