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
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark
from onboard.model.events import HostFinished, HostJudged, Recorded
from onboard.model.finding import Finding, Verdict
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


def test_a_server_that_came_online_with_a_warning_is_told_apart_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """It is online, as it was proven, and what it was warned about is still shown, before the others that are well."""
    state, busy = State(run="r", command="apply"), finding(Verdict.WARN, "the package manager is busy")
    for name, status, findings in (("a", HostStatus.READY, ()), ("b", HostStatus.WARNED, (busy,))):
        state.fold(HostJudged(host=name, status=status, findings=findings))
        state.fold(HostFinished(host=name, status=HostStatus.ONLINE, instance_id="mi-1", findings=findings))
    People().end(state)
    told = capsys.readouterr().out
    assert re.search(r"b +▲ online \(warned\) +mi-1 +The package manager is busy.*\na +✓ online +mi-1", told)
    report = Report(run="r", command="apply", profile="", started="", finished=None, state=state)
    assert list(in_html(report).items()) == [("b", "online"), ("a", "online")]
    assert re.findall(r"<td class=keep><span class=(\w+)>. Online</span>( \(warned\))?", FORMATS["html"](report)) == [
        ("warn", " (warned)"),
        ("ok", ""),
    ]
    assert in_json(report) == in_csv(report) == {"a": "online", "b": "online"}, "the contract's word"
    model = OutcomeModel()
    model.show(state, State())
    rows = [(*model.texts(row), model.index(row, 1).data(CellRole.MARK)) for row in range(model.rowCount())]
    assert rows == [
        ("b", "Online", "mi-1", "the package manager is busy", Mark.WARN),
        ("a", "Online", "mi-1", "", Mark.DONE),
    ]


def finding(status: Verdict, summary: str) -> Finding:
    return Finding(check="package_manager_usable", status=status, summary=summary, remedy="Wait")
