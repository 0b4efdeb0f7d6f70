"""What holds for every test: its own home, no account of the user's, nothing left running.

Its being here also lets every test import what lies beside it: `from realhosts import real_hosts`.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from turnstile import pytest_configure_node, pytest_runtest_protocol  # noqa: F401 - hooks of pytest
from whole import TALLY, Tally, line_of

GRACE = 5.0  # seconds that a thread may take to end after its test asked it to

# Fixtures that outlive one test start more threads of these names while they serve it; they have to be gone at the end.
OUTLIVING = ("practice-", "asyncio_")

# With several workers (pytest -n), tests that use the machine's network or a screen as a whole all go to one worker, as
# they disturb each other. They are known by the helpers that they import or use. While a test that measures time runs
# (marker `measures`), no other test does: see tests/turnstile.py.
ALONE = "one-at-a-time"
HELPERS = {"cleanroot", "desktop", "gui.desktop", "lab", "openssh", "packaged", "realhosts", "regionnet"}
FIXTURES = {"lab", "systemd_lab"}
LOOKING_AROUND = {"checks/test_failing_commands.py"}  # sees all processes of this machine, agents of real hosts too

USER_VARIABLES = ("AWS_", "ONBOARD_", "SSH_AUTH_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
KEPT_VARIABLES = ("ONBOARD_PWSH", "ONBOARD_REAL_AGENT")
CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")  # what is costly to make is kept between runs


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        if is_alone(item):
            item.add_marker(pytest.mark.xdist_group(ALONE))


def is_alone(item: pytest.Item) -> bool:
    """Whether no other test of its kind may run at the same time."""
    assert isinstance(item, pytest.Function)
    imported = {getattr(value, "__module__", None) for value in vars(item.module).values()}
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return bool(imported & HELPERS) or bool(FIXTURES.intersection(item.fixturenames)) or path in LOOKING_AROUND


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if line := line_of(report):
                terminalreporter.write_line(line)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make the base system of real hosts before any test's time limit runs: the first time takes minutes."""
    if "realhosts" not in sys.modules or session.config.option.collectonly:
        return
    from realhosts import base_system, missing_part

    if not missing_part():
        with suppress(pytest.skip.Exception):  # the tests that need it say so themselves
            base_system()


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """What became of the cases of a suite, for the line at the end of the run; see whole.py."""
    counted = Tally()
    record_property(TALLY, counted.numbers)
    return counted


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of the user's is read or changed: credentials, proxies, ssh-agent, the program's own files."""
    for name in list(os.environ):
        if name.upper().startswith(USER_VARIABLES) and name not in KEPT_VARIABLES:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE)
    monkeypatch.setenv("ONBOARD_HOME", str(home / "onboard"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "no-aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test fails that leaves a thread or a process behind."""
    threads = set(threading.enumerate())
    processes = children()
    yield
    started = [thread for thread in threading.enumerate() if thread not in threads]
    left = still_running([thread for thread in started if not thread.name.startswith(OUTLIVING)])
    assert not left, f"threads left behind: {', '.join(thread.name for thread in left)}"
    left_processes = children() - processes
    assert not left_processes, f"processes left behind: {', '.join(map(command_line, sorted(left_processes)))}"


@pytest.fixture(autouse=True, scope="session")
def nothing_outlives_the_session() -> Iterator[None]:
    threads = set(threading.enumerate())
    yield
    left = still_running([thread for thread in threading.enumerate() if thread not in threads])
    assert not left, f"threads left behind: {', '.join(thread.name for thread in left)}"


def still_running(threads: list[threading.Thread]) -> list[threading.Thread]:
    """Those of the threads that have not ended after GRACE."""
    end = time.monotonic() + GRACE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [thread for thread in threads if thread.is_alive()]


def children() -> set[int]:
    """Process ids of this process's children, where the system tells (Linux)."""
    lists = Path("/proc/self/task").glob("*/children")
    found: set[int] = set()
    for file in lists:
        try:
            found.update(map(int, file.read_text().split()))
        except (FileNotFoundError, ProcessLookupError):  # that thread has just ended
            continue
    return found


def command_line(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return f"{process} (ended)"
    return f"{process} {b' '.join(words).decode(errors='replace').strip() or '(zombie)'}"
