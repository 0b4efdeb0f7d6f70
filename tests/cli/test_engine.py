"""The engine as the wizard's child; the wizard's tests give it real orders."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring.errors
import pytest

from onboard.cli.engine import Child
from onboard.engine.journal import Journal
from onboard.model.profile import Credential, CredentialKind
from onboard.model.secret import Secret
from onboard.practice.image import image
from onboard.practice.machine import ACCOUNT
from onboard.practice.serve import NAME, Practice, running_practice

RIGHT = Secret("the right one")


def test_a_wizard_that_has_gone_is_no_defect_and_what_runs_ends_cleanly() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "onboard", "engine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.close()
    host = {"name": "nowhere", "address": "127.0.0.1", "port": 1}
    with child.stdin as orders:
        orders.write(json.dumps({"id": 1, "do": "check", "profile": {"hosts": [host]}}).encode() + b"\n")
        orders.flush()
        home = Path(os.environ["ONBOARD_HOME"])
        end = time.monotonic() + 60
        while not (home / "journal.sqlite").exists():  # what has not begun when the wizard goes is not begun
            assert time.monotonic() < end
            time.sleep(0.01)
    child.wait(60)
    assert not (home / "defects.log").exists()
    journal = Journal(home)
    assert [bool(run.finished) for run in journal.runs()] == [True]
    journal.close()


def test_orders_are_utf_8_whatever_the_locale() -> None:
    order = {"id": 1, "do": "check", "profile": {"name": "Łódź", "hosts": []}}
    with subprocess.Popen(
        [sys.executable, "-m", "onboard", "engine"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(order, ensure_ascii=False).encode() + b"\n")
        child.stdin.flush()
        began = next((json.loads(line) for line in child.stdout if b"run_started" in line), {})
        child.stdin.close()  # not before: what has not begun when the wizard goes is not begun
        child.stdout.read()
    assert child.returncode == 0
    assert began["profile"] == "Łódź"


class Wizard:
    """The other end of an engine that runs in this process: gives orders, answers, and hears what is told."""

    def __init__(self, practice: Practice) -> None:
        credential = Credential(kind=CredentialKind.SSH_PASSWORD, username=ACCOUNT)
        profile = practice.profile().model_copy(update={"credentials": {NAME: credential}})
        self.profile = profile.model_dump(mode="json", by_alias=True)
        self._orders: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self.child = Child(lambda line: self._told.put(json.loads(line)))

    def give(self, **order: object) -> None:
        self._orders.put(json.dumps(order))

    def run(self, number: int, command: str, **more: object) -> None:
        self.give(id=number, do=command, profile=self.profile, **more)

    def until(self, event: str) -> list[dict[str, object]]:
        """What is told up to that event."""
        heard = []
        while not heard or heard[-1]["event"] != event:
            heard.append(self._told.get(timeout=60))
        return heard

    def orders(self) -> Iterator[str]:
        while (line := self._orders.get()) is not None:
            yield line

    def leave(self) -> None:
        self._orders.put(None)


@contextmanager
def wizard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wizard]:
    with running_practice(1, only=[image("healthy-debian")], password=RIGHT) as practice:
        for name, value in practice.environment().items():
            monkeypatch.setenv(name, value)
        home = Path(os.environ["ONBOARD_HOME"])
        home.mkdir(exist_ok=True)
        (home / "known_hosts").write_text(practice.known_hosts)
        one = Wizard(practice)
        threads = [
            threading.Thread(target=one.child.listen, args=(one.orders(),)),
            threading.Thread(target=one.child.work),
        ]
        for thread in threads:
            thread.start()
        yield one
        one.leave()
        for thread in threads:
            thread.join(60)


def status(heard: list[dict[str, object]]) -> object:
    return next(event["status"] for event in heard if event["event"] in ("host_judged", "host_finished"))


def test_a_typed_secret_serves_what_follows_and_a_wrong_one_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with wizard(monkeypatch) as one:
        one.run(1, "check")
        one.until("secret_wanted")
        one.give(do="secret", name=NAME, value="a wrong one", keep=False)
        assert status(one.until("run_finished")) == "unreachable"
        one.run(2, "check")
        one.until("secret_wanted")
        one.give(do="secret", name=NAME, value=RIGHT.reveal(), keep=False)
        assert status(one.until("run_finished")) == "ready"
        one.run(3, "check")
        heard = one.until("run_finished")
        assert "secret_wanted" not in {event["event"] for event in heard}
        assert status(heard) == "ready"


def test_undo_logs_in_as_the_profile_says_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    with wizard(monkeypatch) as one:
        one.run(1, "apply")
        one.until("secret_wanted")
        one.give(do="secret", name=NAME, value=RIGHT.reveal(), keep=False)
        told = one.until("run_finished")
        assert told[-1]["hosts"] == {"online": 1}
        one.profile["credentials"][NAME]["username"] = "nobody"
        one.run(2, "undo", run=told[-1]["run"])
        assert status(one.until("run_finished")) == "unreachable"
        one.profile["credentials"][NAME]["username"] = ACCOUNT
        one.run(3, "undo", run=told[-1]["run"])
        one.until("secret_wanted")
        one.give(do="secret", name=NAME, value=RIGHT.reveal(), keep=False)
        assert status(one.until("run_finished")) == "ready"


def test_a_secret_that_no_keyring_takes_is_used_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise keyring.errors.NoKeyringError

    monkeypatch.setattr("keyring.set_password", refuse)
    with wizard(monkeypatch) as one:
        one.run(1, "check")
        one.until("secret_wanted")
        one.give(do="secret", name=NAME, value=RIGHT.reveal(), keep=True)
        heard = one.until("run_finished")
        assert status(heard) == "ready"
        assert ["was not stored" in str(event["text"]) for event in heard if event["event"] == "noted"] == [True]


def test_only_the_command_that_is_named_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with wizard(monkeypatch) as one:
        one.run(1, "check")
        one.until("secret_wanted")
        one.run(2, "check")
        one.run(3, "runs")
        one.give(do="stop_now", id=2)
        one.give(do="secret", name=NAME, value=RIGHT.reveal(), keep=False)
        first, second, third = (one.until("run_finished") for _ in range(3))
        assert status(first) == "ready"
        assert [event["id"] for event in second] == [2], "it never began"
        assert third[-1]["id"] == 3


def test_a_wizard_that_goes_while_it_is_asked_leaves_no_engine_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with wizard(monkeypatch) as one:
        one.run(1, "check")
        one.run(2, "check")
        one.until("secret_wanted")
        one.leave()
        assert status(one.until("run_finished")) in ("unreachable", "skipped")
