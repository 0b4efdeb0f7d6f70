"""Runs of versions before this one are listed and reported with the ends they had, and refused where they must be."""

import csv
import json
from pathlib import Path

import pytest
from cli.conftest import Console
from recordings.recorded import RECORDINGS, take

ENDS = {  # of the run of apply, by server; None: it was broken off
    "before/ended": {
        "healthy-debian": "online", "healthy-rhel": "online", "clone": "blocked", "clone-2": "blocked",
        "no-amazon-roots": "blocked", "no-route": "blocked", "other-account": "blocked", "slow-clock": "blocked",
    },
    "before/judged-only": None,
    "before/confirmed-without-end": None,
    "before/steps-under-way": None,
    "before/some-of-each": None,
    "before/undone": {"healthy-debian": "online", "healthy-rhel": "online"},
    "before/with-a-fix": {"healthy-debian": "online", "no-amazon-roots": "online"},
    "before/with-tags": {"healthy-debian": "online", "healthy-rhel": "online"},
}  # fmt: skip
PROVEN = {"before/confirmed-without-end": "healthy-debian", "before/some-of-each": "healthy-debian"}


def of_recording(console: Console, recording: str) -> tuple[Console, str]:
    """A console whose home has the recording's journal; the id of its run of apply."""
    take(recording, Path(console.environment["ONBOARD_HOME"]))
    (run,) = [line["run"] for line in console("runs", "--json").lines if line["command"] == "apply"]
    return console, str(run)


def test_every_recording_is_looked_at() -> None:
    assert set(ENDS) == set(RECORDINGS)


@pytest.mark.parametrize("recording", RECORDINGS)
def test_runs_are_listed_with_their_ends(console: Console, recording: str) -> None:
    console, run = of_recording(console, recording)
    ends = ENDS[recording]
    (listed,) = [line for line in console("runs", "--json").lines if line["run"] == run]
    assert bool(listed["finished"]) == (ends is not None)
    statuses = list((ends or {}).values())
    assert listed["hosts"] == {status: statuses.count(status) for status in statuses}
    (row,) = [line for line in console("runs").out.splitlines() if line.startswith(run)]
    assert ("interrupted" in row) == (ends is None)


@pytest.mark.parametrize("recording", RECORDINGS)
def test_reports_of_all_formats_tell_the_ends(console: Console, recording: str) -> None:
    console, run = of_recording(console, recording)
    ends = ENDS[recording]
    report = json.loads(console("report", run, "--format", "json").out)
    table = list(csv.DictReader(console("report", run, "--format", "csv").out.splitlines()))
    page = console("report", run, "--format", "html").out
    hosts = {host["name"]: host for host in report["hosts"]}
    assert {row["server"]: row["status"] for row in table} == {
        name: host["status"] or "" for name, host in hosts.items()
    }
    assert all(name in page for name in hosts)
    assert all(host["instance_id"] in page for host in hosts.values() if host["instance_id"])
    assert report["account"]["account"] == "123456789012"
    if ends:
        assert {name: host["status"] for name, host in hosts.items()} == ends
        assert report["finished"]
        assert report["counts"] == {status: list(ends.values()).count(status) for status in set(ends.values())}
    else:
        assert report["finished"] is None
        online = [name for name, host in hosts.items() if host["status"] == "online"]
        assert online == [name for name in [PROVEN.get(recording)] if name], "what answered, and nothing else"
        assert report["counts"].get("online", 0) == len(online)
        assert "interrupted" in page


def test_the_fix_and_the_tags_are_in_the_report(console: Console) -> None:
    console, run = of_recording(console, "before/with-a-fix")
    (mended,) = [host for host in json.loads(console("report", run).out)["hosts"] if host["name"] == "no-amazon-roots"]
    assert mended["steps"]["install_roots"] == "done"
    console, run = of_recording(console, "before/with-tags")
    (tagged,) = [host for host in json.loads(console("report", run).out)["hosts"] if host["name"] == "healthy-rhel"]
    assert tagged["steps"]["tag_node"] == "done"


def test_an_undo_is_reported_and_leaves_nothing_to_undo(console: Console) -> None:
    console, run = of_recording(console, "before/undone")
    (undo,) = [str(line["run"]) for line in console("runs", "--json").lines if line["command"] == "undo"]
    report = json.loads(console("report", undo).out)
    assert {host["reason"] for host in report["hosts"]} == {"Restored"}
    assert "left to undo" in console("undo", run, "--yes", code=None).err


@pytest.mark.parametrize(
    "recording", [name for name in RECORDINGS if name not in ("before/undone", "before/judged-only")]
)
def test_nothing_is_undone_that_nobody_agreed_to(console: Console, recording: str) -> None:
    console, run = of_recording(console, recording)
    assert "there is no terminal to ask" in console("undo", run, code=2).err


def test_a_run_is_not_resumed_on_other_servers(served: Console) -> None:
    console, run = of_recording(served, "before/some-of-each")
    profile = ("--profile", "practice/profile.toml")
    refused = console("apply", *profile, "--resume", run, "--yes", code=2).err
    assert "when the run began" in refused
    (plan,) = [str(line["run"]) for line in console("runs", "--json").lines if line["command"] == "plan"]
    assert "a run of plan" in console("apply", *profile, "--resume", plan, "--yes", code=2).err
