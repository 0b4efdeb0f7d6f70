"""`onboard practice --run`: every server of the story ends as its image says, and each fault is explained."""

import json
import os
import time

import pytest

pytest.importorskip("onboard.practice.serve", reason="needs the extra: practice")

import keyring
from machine import slowness

from onboard.cli import practice
from onboard.cli.main import main
from onboard.engine.proof import Patience
from onboard.model.event_json import event_from_json
from onboard.model.finding import Verdict
from onboard.model.outcome import end_note
from onboard.model.state import fold
from onboard.practice.image import image, images, story

LIMIT_S = 60  # on two cores
Line = dict[str, object]


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is changed in a copy, and no dead agent is waited for any longer than a living one needs."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(practice, "PATIENCE", Patience(online=30 * slowness(), answer=5 * slowness(), poll=0.1))


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> list[Line]:
    assert main(["practice", "--run", "--json", *arguments]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def ends(lines: list[Line]) -> dict[str, Line]:
    return {str(line["host"]): line for line in lines if line["event"] == "host_finished"}


def explained(end: Line) -> set[tuple[str, str]]:
    """(what is wrong, what to do) of everything that is wrong with a server; what to do is never missing."""
    found = [(str(one["summary"]), str(one["remedy"])) for one in end["findings"] if one["status"] != Verdict.PASS]  # type: ignore[attr-defined,index]
    told = [(str(end["reason"]), str(end["remedy"]))] if end["reason"] else []
    assert all(summary and remedy for summary, remedy in (*told, *found)), end
    return {*told, *found}


def test_each_server_of_the_story_ends_as_its_image_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(keyring, "get_password", lambda _, name: asked.append(name))
    began = time.monotonic()
    lines = run(capsys, code=1)
    took = time.monotonic() - began
    by_name = ends(lines)
    names = [one.name for one in story() for _ in range(one.count)]
    assert len(by_name) == len(names) <= 40
    kinds = {name: next(one for one in images() if _is_of(name, one.name)) for name in by_name}
    assert {name: end["status"] for name, end in by_name.items()} == {name: kind.ends for name, kind in kinds.items()}
    for name, kind in kinds.items():
        wrong = explained(by_name[name])
        assert bool(wrong) == (not kind.is_healthy and kind.name != "slow"), (name, wrong)
    faults = {(kind.ends, kind.name) for name, kind in kinds.items() if explained(by_name[name])}
    told = {frozenset(explained(end)) for end in by_name.values()} - {frozenset()}
    assert len(told) == len(faults) >= 10, "no two kinds of servers end in the same words"
    assert {"failed", "unreachable", "untrusted", "blocked", "online"} == {status for status, _ in faults}
    judged = {str(line["host"]) for line in lines if line["event"] == "host_judged" and line["status"] == "warned"}
    assert judged == {"busy-packages"}
    shown = fold(event for line in lines if (event := event_from_json(line)))
    words = {f"{host.ended}{end_note(host, 'apply')}" for host in shown.hosts.values()}
    assert words == {"failed", "unreachable", "untrusted", "blocked", "online", "online (warned)"}
    assert asked == [], "the user's keyring is left alone"
    assert took < LIMIT_S * slowness()


def _is_of(name: str, kind: str) -> bool:
    return name == kind or (name.startswith(f"{kind}-") and name.removeprefix(f"{kind}-").isdecimal())


def test_the_run_is_the_story_as_often_as_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--images", "healthy-rhel, switched-off", "--hosts", "3", code=1)
    assert {name: end["status"] for name, end in ends(lines).items()} == {
        "healthy-rhel": "online",
        "switched-off": "unreachable",
        "healthy-rhel-2": "online",
    }


def test_images_are_listed_and_a_name_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["practice", "--images", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in listed] == [[one.name, one.ends] for one in images()]
    assert image("goes-away").wrong in "\n".join(listed)
    assert main(["practice", "--images", "list", "--json"]) == 0
    assert [json.loads(line)["image"] for line in capsys.readouterr().out.splitlines()] == [
        one.name for one in images()
    ]
    assert main(["practice", "--run", "--images", "goes-awy"]) == 2
    assert "Did you mean goes-away" in capsys.readouterr().err


def test_people_are_told_which_came_online_with_a_warning_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["practice", "--run", "--images", "healthy-debian,busy-packages"]) == 0
    told = capsys.readouterr().out
    assert "2 online (1 warned)" in told
    warned, healthy = (line for line in told.splitlines() if " online" in line and "mi-" in line)
    assert warned.startswith("busy-packages"), "it comes first, as it deserves a look"
    assert "▲ online (warned)" in warned
    assert "package manager" in warned
    assert "warned" not in healthy
