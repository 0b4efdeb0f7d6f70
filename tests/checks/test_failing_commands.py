"""Servers whose commands do not work, by real scripts and checks. What could not be learned is never a failure."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from servers import CONTEXT, HOST

from onboard.checks.base import Context
from onboard.checks.catalog import judge, judge_fleet
from onboard.facts import bundle
from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.facts.base import Answer, Wanted
from onboard.facts.catalog import facts_of
from onboard.hosts.connection import ScriptResult
from onboard.model.endpoints import Endpoints
from onboard.model.family import Family
from onboard.model.finding import Finding, Verdict
from onboard.scripts.posix import POSIX

FACTS = facts_of(Family.POSIX)

COMMANDS = frozenset(
    "apt-get awk cat curl date df dnf dpkg dpkg-query env getconf getent grep host hostname id initctl ls nslookup "  # noqa: SIM905
    "openssl python3 readlink rpm sed sha256sum snap sort sudo systemctl timeout tr uname wc yum zypper".split()
)
WAYS = {"fail": "exit 1", "are killed": "kill -9 $$", "cannot be executed": "exit 126"}


class Endpoint(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    """Endpoints that answer, under a name that is known."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="practice-endpoint")
        thread.start()
        yield replace(CONTEXT, endpoints=Endpoints(*[f"http://localhost:{server.server_port}"] * 4))
        server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Stands for the folder / of a server that lacks nothing."""
    files = {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        "etc/ssl/certs/ca-certificates.crt": "".join(root.pem for root in AMAZON_ROOTS),
        "etc/machine-id": "1" * 32,
    }
    for path, content in files.items():
        (tmp_path / "root" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / path).write_text(content)
    return tmp_path / "root"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The one folder in which commands are found: empty."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def put(folder: Path, way: str, *names: str) -> None:
    """Commands of these names that do not work."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{WAYS[way]}\n")
        (folder / name).chmod(0o755)


def put_working(folder: Path, *without: str) -> None:
    """Those of this machine."""
    for name in COMMANDS - set(without):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)


def findings(root: Path, folder: Path, context: Context) -> dict[str, Finding]:
    """What the checks say of a server where commands are found in `folder` alone."""
    wanted = Wanted(context.endpoints)
    answers = {}
    for fact in FACTS:
        script = re.sub(r"(?<![\w}/.$])/(etc|usr|var|snap|run|lib)/", rf"{root}/\1/", POSIX.file(f"facts/{fact.name}"))
        done = subprocess.run(
            ["/bin/sh"],
            input=script,
            capture_output=True,
            text=True,
            env={"PATH": str(folder), "LC_ALL": "C", **wanted.variables},
            check=False,
        )
        answers[fact.name] = Answer(done.stdout, done.stderr, done.returncode)
    facts = bundle.parse(FACTS, ScriptResult(0, bundle.answer(bundle.compose(POSIX, FACTS, wanted), answers), b""))
    found = [*judge(HOST, facts, context), *judge_fleet([HOST], {HOST.name: facts}, context)[HOST.name]]
    return {finding.check: finding for finding in found}


def failures(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.summary for name, finding in findings.items() if finding.status is Verdict.FAIL}


def test_commands_that_are_not_found_make_no_failure(root: Path, folder: Path, context: Context) -> None:
    found = findings(root, folder, context)
    assert failures(found) == {}
    assert found["package_manager_usable"].status is Verdict.UNKNOWN


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("missing", [(), ("curl", "getent"), ("curl", "getent", "python3")])
def test_commands_of_which_none_works_make_no_failure(
    root: Path, folder: Path, context: Context, way: str, missing: tuple[str, ...]
) -> None:
    put(folder, way, *COMMANDS - set(missing))
    assert failures(findings(root, folder, context)) == {}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize(
    ("broken", "missing", "check"),
    [
        ("curl", (), "endpoints_reachable"),
        ("python3", ("curl",), "endpoints_reachable"),
        ("getent", (), "names_resolve"),
        ("python3", ("getent",), "names_resolve"),
        ("df", (), "disk_space_sufficient"),
        ("awk", (), "root_certificates_present"),
        ("id", (), "privilege_sufficient"),
        ("uname", (), "kernel_supported"),
    ],
)
def test_a_command_that_alone_does_not_work_costs_its_own_answers(
    root: Path, folder: Path, context: Context, way: str, broken: str, missing: tuple[str, ...], check: str
) -> None:
    (root / "run/systemd/system").mkdir(parents=True)
    put_working(folder, *missing)
    put(folder, way, broken)
    found = findings(root, folder, context)
    assert failures(found) == {}
    assert found[check].status is Verdict.UNKNOWN


def test_a_store_of_certificates_that_only_root_may_read_is_unknown(root: Path, folder: Path, context: Context) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    put_working(folder)
    (root / "etc/ssl/certs/ca-certificates.crt").chmod(0o600)
    for above in (root, *root.parents):
        if str(above).startswith("/tmp/"):
            above.chmod(0o755)
    script = re.sub(r"(?<![\w}/.$])/etc/", f"{root}/etc/", POSIX.file("facts/root_certificates"))
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "root only" in done.stderr
