"""The window, the command line and the reports agree on how a recorded run ended, even if it was interrupted."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from recordings.recorded import RECORDINGS, run_of, take

from onboard.cli.report import FORMATS, report_of_run
from onboard.cli.text import People
from onboard.engine.history import replay
from onboard.engine.journal import Journal
from onboard.gui.models.outcome import OutcomeModel
from onboard.model.events import Recorded
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.report.document import Report
from onboard.wizard.progress import Group, place_of
from onboard.wizard.replay import Replay

Ends = Mapping[str, str]  # server → status, "" where the run was interrupted before its end
WORDS = {"Online": "online", "Skipped": "skipped", "Failed": "failed", "Blocked": "blocked", "Not finished": ""}
WORDS |= {"Unreachable": "unreachable", "Identity not approved": "untrusted"}
GROUPS = {"online": Group.ONLINE, "skipped": Group.WAITING}


def in_json(report: Report) -> Ends:
    return {host["name"]: host["status"] or "" for host in json.loads(FORMATS["json"](report))["hosts"]}


def in_csv(report: Report) -> Ends:
    return {row["server"]: row["status"] for row in csv.DictReader(io.StringIO(FORMATS["csv"](report), newline=""))}


def in_html(report: Report) -> Ends:
    rows = re.findall(
        r"<tr><td class=name>([^<]+)</td><td class=keep><span class=\w+>. ([^<]+)<", FORMATS["html"](report)
    )
    return {name: "" if word == "Not finished" else word.lower() for name, word in rows}


def in_window(report: Report) -> Ends:
    return on_finish(report.state)


def on_finish(state: State) -> Ends:
    model = OutcomeModel()
    model.show(state, State())
    rows = [model.texts(row) for row in range(model.rowCount())]
    return {row[0]: WORDS[row[1]] for row in rows}


@pytest.fixture
def in_terminal(capsys: pytest.CaptureFixture[str]) -> Callable[[Report], Ends]:
    def read(report: Report) -> Ends:
        People().end(report.state)
        rows = re.findall(r"^(\S+) +[✓▲✕–…] (not finished|\w+) ", capsys.readouterr().out, re.MULTILINE)
        return {name: "" if word == "not finished" else word for name, word in rows}

    return read


@pytest.mark.parametrize("recording", RECORDINGS)
def test_all_faces_tell_the_same_ends(recording: str, tmp_path: Path, in_terminal: Callable[[Report], Ends]) -> None:
    take(recording, tmp_path)
    with closing(Journal(tmp_path)) as journal:
        report = report_of_run(run_of(journal), journal)
        shown = Replay()
        for event in replay(run_of(journal), journal):
            if isinstance(event, Recorded):
                shown.fold(event)
    ends = in_json(report)
    assert ends
    assert {face: read(report) for face, read in FACES.items()} == dict.fromkeys(FACES, ends)
    assert in_terminal(report) == ends
    assert on_finish(shown.states["apply"]) == ends, "what the wizard shows of an earlier run"
    assert ("undo" in shown.states) == recording.endswith("/undone")
    assert {host.status for host in shown.states["undo"].hosts.values()} <= {HostStatus.READY}
    for name, end in ends.items():
        place = place_of(report.state.hosts[name], ())
        assert (place.group is Group.ONLINE) == (end == "online"), name
        if end:
            assert place.group is GROUPS.get(end, Group.FAILED), name
    online = re.search(r"<b class=\"\w+\">(\d+)</b> online", FORMATS["html"](report))
    assert online
    assert int(online[1]) == list(ends.values()).count("online")


FACES = {"csv": in_csv, "html": in_html, "window": in_window}
