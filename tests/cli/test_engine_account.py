"""The wizard asks for the account before the Region is chosen: with an empty home, and with keys alone."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from machine import slowness

from onboard.cli.engine import Child
from onboard.model.event_json import event_from_json
from onboard.model.state import State, fold

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture
def cloud() -> Iterator["Cloud"]:
    practice = pytest.importorskip("onboard.practice.cloud", reason="needs the extra: practice")
    with practice.running_cloud() as running:
        yield running


def told(command: str, **profile: object) -> State:
    """What the engine tells of a command, as the window folds it."""
    return answered(json.dumps({"id": 1, "do": command, "profile": profile}))


def answered(line: str, heard: Callable[[dict[str, object]], object] = lambda _: None) -> State:
    """What the engine tells of an order; `heard` is called with each event."""
    lines: list[dict[str, object]] = []
    ended = threading.Event()

    def write(line: str) -> None:
        lines.append(json.loads(line))
        heard(lines[-1])
        if lines[-1]["event"] == "run_finished":
            ended.set()

    def orders() -> Iterator[str]:
        yield line
        ended.wait()  # the end of input would stop it

    child = Child(write)
    reader = threading.Thread(target=child.listen, args=(orders(),), daemon=True)
    reader.start()
    child.work()
    reader.join()
    return fold(event for line in lines if (event := event_from_json(line)))


def write_keys(home: Path, cloud: "Cloud", more: str = "") -> None:
    (home / ".aws").mkdir()
    keys = "aws_access_key_id = practice\naws_secret_access_key = practice\n"
    config = f"[default]\n{keys}endpoint_url = {cloud.endpoint_url}\n{more}"
    (home / ".aws" / "config").write_text(config)


def test_an_empty_home_lacks_credentials_and_not_a_region() -> None:
    failure = told("account").failure
    assert failure is not None
    assert failure.what == "no AWS credentials were found"
    assert failure.remedy
    assert not failure.problems


def test_keys_without_a_region_say_whose_they_are(empty_home: Path, cloud: "Cloud") -> None:
    write_keys(empty_home, cloud)
    state = told("account")
    assert state.failure is None
    assert state.account is not None
    assert state.account.account == cloud.account
    assert state.account.region == "", "none is decided"
    chosen = told("account", region={"name": "eu-central-1"})
    assert chosen.account == replace(state.account, region="eu-central-1")


def test_a_role_without_a_region_says_who_it_is(empty_home: Path, cloud: "Cloud") -> None:
    role = f"[profile admin]\nrole_arn = arn:aws:iam::{cloud.account}:role/admin\nsource_profile = default\n"
    write_keys(empty_home, cloud, f"{role}endpoint_url = {cloud.endpoint_url}\n")
    state = told("account", aws={"profile": "admin"})
    assert state.failure is None
    assert state.account is not None
    assert "assumed-role/admin" in state.account.arn


def test_what_needs_the_region_says_so(empty_home: Path, cloud: "Cloud") -> None:
    write_keys(empty_home, cloud)
    for command in ("preview", "plan"):
        failure = told(command).failure
        assert failure is not None
        assert [(problem.key, problem.problem) for problem in failure.problems] == [("region.name", "no Region is set")]
    wrong = told("account", region={"name": "xx-central-1"}).failure
    assert wrong is not None
    assert wrong.problems[0].problem == "there is no Region 'xx-central-1'"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": 1, "do": "reboot"}', "The engine has no command reboot"),
        ('{"id": 1, "do": "undo"}', "undo: An order cannot be read. run: Field required"),
        ('{"id": 1, "do": "probe", "host": "web1"}', "web1: The profile has no server of this name"),
        ('{"id": 1, "do": "report", "run": "r", "format": "pdf", "file": "r.pdf"}', "Reports are written as html, csv"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_answered_by_name(line: str, said: str, empty_home: Path) -> None:
    failure = answered(line).failure
    assert failure is not None
    assert said in f"{failure.where}: {failure.what}. {failure.why}"
    assert not list(empty_home.rglob("defects.log")), "it is no defect"


def test_the_wizard_is_told_what_the_engine_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.aws.waits.SLOW", 0.0)
    monkeypatch.setattr("onboard.cli.waits.LOOK", 0.01)
    monkeypatch.setattr("onboard.aws.answers.LIMIT", 0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    notes: list[dict[str, object]] = []
    told = threading.Event()

    def hear(line: dict[str, object]) -> None:
        if line["event"] == "noted" and "sts:GetCallerIdentity" in str(line["text"]):
            notes.append(line)
            told.set()

    with socket.create_server(("127.0.0.1", 0)) as silent:

        def hang_up_when_told() -> None:
            connection, _ = silent.accept()
            with connection:
                told.wait(30 * slowness())

        threading.Thread(target=hang_up_when_told, daemon=True).start()
        aws = {"endpoint_url": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        state = answered(json.dumps({"id": 1, "do": "account", "profile": {"aws": aws}}), hear)
    assert notes
    assert notes[0]["waiting"] is True
    assert notes[0]["id"] == 1
    assert state.failure is not None
    assert state.waiting is None, "it is over"
