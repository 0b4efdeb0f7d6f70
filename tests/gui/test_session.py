"""The session and its engine child, without a window."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEventLoop

from onboard.gui.session import Session
from onboard.model import orders
from onboard.model.errors import Problem
from onboard.model.status import HostStatus


def wait(condition: Callable[[], object], seconds: float = 40) -> None:
    """Run the event loop until something is true."""
    clock = QElapsedTimer()
    clock.start()
    while not condition():
        assert clock.elapsed() < seconds * 1000, "it took too long"
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 100)


@pytest.fixture
def practice(session: Session) -> Session:
    up: list[bool] = []
    session.practice.ready.connect(lambda: up.append(True))
    failed: list[str] = []
    session.practice.failed.connect(lambda *said: failed.append(" ".join(said)))
    session.practice.start(2)
    wait(lambda: up or failed)
    assert not failed, failed
    return session


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_trust_check_plan_and_apply_through_the_child(practice: Session) -> None:
    session = practice
    assert session.view.practice
    assert len(session.view.draft.hosts) == 2
    session.commands.run(orders.Trust())
    wait(lambda: not session.view.running)
    keys = {name: host.keys[0] for name, host in session.view.state("trust").hosts.items()}
    assert {key.trust for key in keys.values()} == {"new"}
    session.commands.run(orders.Trust(approve={name: key.fingerprint for name, key in keys.items()}))
    session.commands.run(orders.Check())
    wait(lambda: not session.view.running)
    assert session.view.state("trust").counts() == {"ready": 2}
    assert session.view.state("check").counts() == {"ready": 2}
    session.commands.run(orders.Plan())
    wait(lambda: not session.view.running)
    assert session.view.state("plan").plan is not None
    session.commands.run(orders.Apply())
    wait(lambda: not session.view.running)
    assert {host.status for host in session.view.state("apply").hosts.values()} == {HostStatus.ONLINE}


def test_an_edit_makes_what_it_changes_worthless(practice: Session) -> None:
    session = practice
    session.commands.run(orders.Account())
    session.commands.run(orders.Check())
    wait(lambda: not session.view.running)
    assert session.view.state("account").account is not None
    assert session.editor.put("region.name", "eu-west-1") is None
    assert session.view.state("check").hosts == {}
    assert session.view.state("account").account is not None
    wrong = session.editor.put("activation.expires_in_hours", 0)
    assert isinstance(wrong, Problem)
    assert "activation.expires_in_hours" in wrong.key


def test_an_engine_on_a_practice_has_nothing_of_the_users_aws_configuration(
    session: Session, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc to see a process's environment")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "canary-token")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    request.getfixturevalue("practice")
    session.commands.run(orders.Account())
    wait(lambda: not session.view.running)
    found = Path(f"/proc/{session.orders.engine.process_id}/environ").read_bytes().decode().split("\0")
    variables = dict(line.partition("=")[::2] for line in found)
    names = {name for name in variables if name.startswith("AWS_")}
    assert not names & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SSM"}
    assert variables["AWS_CONFIG_FILE"] == os.devnull
    assert variables["PATH"] == os.environ["PATH"]
    assert session.view.state("account").account is not None

    os.kill(session.practice.child.process_id, signal.SIGKILL)
    wait(lambda: not session.view.practice)
    session.commands.run(orders.Runs())
    wait(lambda: not session.view.running)
    found = Path(f"/proc/{session.orders.engine.process_id}/environ").read_bytes().decode().split("\0")
    assert "AWS_PROFILE=production" in found, "what comes next is no practice"


def test_a_practice_that_is_killed_leaves_no_files(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """These files include the key that logs in to its servers."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    request.getfixturevalue("practice")
    assert len(list(tmp_path.rglob("id_ed25519"))) == 2
    os.kill(session.practice.child.process_id, signal.SIGKILL)
    wait(lambda: not session.view.practice)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_dies_is_told_and_started_again(practice: Session) -> None:
    session = practice
    died: list[str] = []
    session.commands.engine_died.connect(died.append)
    session.commands.run(orders.Account())
    wait(lambda: session.orders.engine.process_id)
    os.kill(session.orders.engine.process_id, signal.SIGKILL)
    wait(lambda: died)
    failure = session.view.state("account").failure
    assert failure is not None
    assert "stopped unexpectedly" in failure.what
    session.commands.run(orders.Account())
    wait(lambda: not session.view.running)
    assert session.view.state("account").account is not None


def test_closing_ends_both_children(practice: Session) -> None:
    session = practice
    session.commands.run(orders.Account())
    wait(lambda: not session.view.running)
    pids = [session.orders.engine.process_id, session.practice.child.process_id]
    folder = session.practice.child.folder
    assert all(map(alive, pids))
    session.close()
    assert not any(map(alive, pids))
    assert not folder.exists()


def test_the_window_process_never_imports_what_the_engine_needs() -> None:
    modules = "onboard.gui.app, onboard.gui.window, onboard.gui.pages.catalog"
    heavy = ("boto3", "botocore", "paramiko", "winrm", "moto", "asyncssh", "onboard.engine", "onboard.practice")
    program = f"import sys, {modules}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
