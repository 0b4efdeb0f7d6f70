"""A run's report as HTML and CSV: everything is in it, nothing that was said is taken for markup or a formula."""

import csv
import io
import os
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from onboard.model import events
from onboard.model.causes import causes_of
from onboard.model.errors import Problem
from onboard.model.finding import Finding, Verdict
from onboard.model.state import fold
from onboard.model.status import HostStatus
from onboard.report.csv_report import csv_report
from onboard.report.document import document, report_of
from onboard.report.html import html_report

EVIL = "<script>alert(1)</script><img src=http://evil.example/x>\"'&"
RECORD = {
    "run": "20261124-130211-3f9a",
    "command": "apply",
    "profile": f"/home/{EVIL}.toml",
    "started": "2026-11-24T13:02:11+00:00",
    "finished": "2026-11-24T13:16:40+00:00",
}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def told(activation_deleted: bool = True, finished: bool = True) -> list[dict[str, Any]]:
    slow = Finding(check="clock_in_sync", status=Verdict.FAIL, summary=f"Slow {EVIL}", remedy=f"Set it {EVIL}")
    stream: list[events.Event] = [
        events.RunStarted(
            run="r", command="apply", profile=EVIL, hosts=("a", "b", "c", EVIL, "e", "f"), started="now", who="ada"
        ),
        events.HostJudged(host="f", status=HostStatus.READY, findings=()),
        events.AwsChanged(change="create_activation", subject="act-1", summary="Created"),
        events.StepFinished(host="e", step="confirm", outcome="done", instance_id="mi-0e"),
        events.HostFinished(host="a", status=HostStatus.ONLINE, instance_id="mi-0a"),
        events.HostFinished(host="b", status=HostStatus.BLOCKED, findings=(slow,)),
        events.HostFinished(host="c", status=HostStatus.SKIPPED, reason="Stopped before its turn"),
        events.HostFinished(host=EVIL, status=HostStatus.FAILED, reason="=cmd|' /C calc'!A0", remedy="@SUM(1)"),
    ]
    if activation_deleted:
        stream.append(events.AwsChanged(change="delete_activation", subject="act-1", summary="Deleted"))
    if finished:
        state = fold(stream)
        stream.append(events.RunFinished(run="r", hosts=state.counts(), causes=causes_of(state.hosts.values())))
    return [event.to_json() for event in stream]


class Page(HTMLParser):
    """What a browser would make of the page, as far as these tests ask."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [f"{name}={value}" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_every_server_of_a_document_has_every_field() -> None:
    fields = {
        "name", "status", "judged", "instance_id", "reason", "remedy", "evidence", "findings", "steps", "facts",
        "unknown",
    }  # fmt: skip
    hosts = document(report_of(RECORD, told(finished=False)))["hosts"]
    assert hosts
    assert all(host.keys() == fields for host in hosts)


def test_what_was_said_is_text_and_nothing_is_fetched() -> None:
    page = Page(html_report(report_of(RECORD, told())))
    assert page.open == [], "every element is closed"
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert page.links == []
    assert page.text.count("<script>alert(1)</script>") >= 5, "it is shown, as text"
    style = page.words[page.words.index(next(words for words in page.words if ":root" in words))]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_tells_all_of_the_run() -> None:
    text = Page(html_report(report_of(RECORD, told()))).text
    for words in (
        "2 online", "3 not online", "1 skipped", "mi-0a", "mi-0e", "2026-11-24 13:02:11 UTC", "✕ Blocked", "✓ Online",
        "Stopped before its turn", "Deleted: it can no longer be used to register", "Causes, grouped", "By ada",
    ):  # fmt: skip
        assert words in text, words
    assert text.index("Not online") < text.index("✓ Online"), "what needs a person comes first"
    left = Page(html_report(report_of(RECORD, told(activation_deleted=False)))).text
    assert "Not deleted: act-1" in left


def test_a_run_that_was_broken_off_or_failed_says_so() -> None:
    broken = Page(html_report(report_of({**RECORD, "finished": None}, told(finished=False)))).text
    assert "It was interrupted" in broken
    assert "… Not finished" in broken
    judged = events.HostJudged(host="e", status=HostStatus.READY, findings=()).to_json()
    only_judged = Page(html_report(report_of({**RECORD, "finished": None}, [told()[0], judged]))).text
    assert "0 online 6 not online" in only_judged
    failed = events.RunFailed(kind="aws", what="AWS refused", where="ssm", why="AccessDenied", remedy="Ask for it")
    text = Page(html_report(report_of(RECORD, [*told(), failed.to_json()]))).text
    assert "✕ AWS refused" in text
    assert "Ask for it" in text
    problem = Problem("region.name", "no Region is set", "Choose one")
    mistaken = events.RunFailed(kind="profile", what="1 mistake found", problems=(problem,))
    assert "region.name: no Region is set. Choose one." in html_report(report_of(RECORD, [*told(), mistaken.to_json()]))
    again = [failed.to_json(), *told()]
    assert "AWS refused" not in html_report(report_of(RECORD, again)), "what a resumed run got over is past"


def test_every_command_and_an_empty_run_have_a_report() -> None:
    for command in ("apply", "check", "plan", "undo", "trust"):
        page = Page(html_report(report_of({**RECORD, "command": command}, [])))
        assert "0 " in page.text
        assert page.open == []


def test_csv_opens_in_a_spreadsheet_and_holds_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_report(report_of(RECORD, told())), newline="")))
    assert [row["server"] for row in rows] == ["a", "b", "c", EVIL, "e", "f"]
    assert rows[0]["instance_id"] == "mi-0a"
    assert rows[1]["reason"] == f"Slow {EVIL}"
    assert rows[3]["reason"].startswith("'=cmd")
    assert rows[3]["remedy"] == "'@SUM(1)"


@pytest.mark.parametrize(
    "said",
    [
        "=cmd|' /C calc'!A0", ";=cmd|' /C calc'!A0", "x; =1+1", 'x;"=1+1', "x;'=1+1", 'x";"+1', "a\n=1", "a\r\n-1",
        "a\t@SUM(1)", "  =1", "＝1", ";;-1", "x;\u00a0=1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_separates_cells(said: str, separator: str) -> None:
    finished = events.HostFinished(host="a", status=HostStatus.FAILED, reason=said, remedy=said)
    text = csv_report(report_of(RECORD, [told()[0], finished.to_json()]))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    cells = [cell.lstrip(' \u00a0\r\n\t"') for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝"))]
    as_meant = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in as_meant] == [len(as_meant[0])] * 7


def test_every_cell_of_the_csv_is_quoted() -> None:
    assert csv_report(report_of(RECORD, [told()[0]])).splitlines()[1].startswith('"a","')


def test_chromium_renders_and_prints_it_and_asks_for_nothing(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    file = tmp_path / "report.html"
    file.write_text(html_report(report_of(RECORD, told())), encoding="utf-8")
    (tmp_path / "run").mkdir(mode=0o700)
    netlog = tmp_path / "net.json"
    for what in (f"--screenshot={tmp_path / 'page.png'}", f"--print-to-pdf={tmp_path / 'page.pdf'}"):
        command = [
            CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={netlog}",
            "--virtual-time-budget=2000", what, file.as_uri(),
        ]  # fmt: skip
        environment = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
        subprocess.run(command, check=True, capture_output=True, timeout=90, env=environment)
        assert "evil.example" not in netlog.read_text()
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
