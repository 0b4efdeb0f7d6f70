"""No secret shows: not in a log at DEBUG level, the journal, a report, an error, a process list or a file left behind.

The canaries are the account's password (for log-in and for sudo) and every activation code that the practice cloud
handed out. The one place where a code may be seen is the agent's own argument list while it registers.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from canaries import ProcessWatch, Search, new_password
from engine.real_bench import RealBench, real_bench
from realhosts import RealHost

from onboard.cli.main import main
from onboard.model.errors import OnboardError
from onboard.model.profile import Credential, CredentialKind, Profile
from onboard.model.secret import Secret
from onboard.practice import activations, agentapi
from onboard.practice.image import image
from onboard.practice.machine import ACCOUNT
from onboard.practice.serve import NAME, Practice, running_practice
from onboard.profiles.file import save
from onboard.steps.posix.register_agent import RegisterAgent

USER = "canary"
AGENT = "/usr/bin/amazon-ssm-agent"
AGENTS_OWN = (b"\0-register\0",)  # documented: the agent takes its code as an argument
SHELLS = ("dash", "mksh", "busybox")


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every activation code that the practice cloud of this process hands out: it keeps none itself."""
    handed: list[str] = []
    real = activations.new_activation_code

    def noted() -> str:
        handed.append(real())
        return handed[-1]

    monkeypatch.setattr(activations, "new_activation_code", noted)
    return handed


def delete_activations_before_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each activation goes at the moment when the first agent asks for it."""
    real = agentapi.find_activation

    def gone(activation_id: str) -> None:
        found = real(activation_id)
        if found:
            found[0].activations.pop(activation_id, None)

    monkeypatch.setattr(agentapi, "find_activation", gone)


class Site:
    """A folder that holds everything this program keeps and says, and a vault outside of it."""

    def __init__(self, folder: Path, profile: Profile, known_hosts: str, password: str) -> None:
        self.folder = folder / "site"
        self.home = self.folder / "home"
        self.temporary = self.folder / "tmp"
        for made in (self.home, self.temporary):
            made.mkdir(parents=True)
        self.vault = folder / "vault"
        self.keep(password)
        self.known_hosts = known_hosts
        (self.home / "known_hosts").write_text(known_hosts)
        self.file = self.folder / "profile.toml"
        save(profile, self.file)
        self.calls = 0

    def keep(self, password: str) -> None:
        self.vault.write_text(password)
        self.vault.chmod(0o600)

    def arguments(self, *arguments: str) -> list[str]:
        self.calls += 1
        with_profile = arguments[0] in ("check", "plan", "apply")
        log = ["--debug-log", str(self.folder / f"debug-{self.calls}.log")]
        return [*arguments, *(["--profile", str(self.file)] if with_profile else []), *log]

    def runs(self) -> list[str]:
        listed = subprocess.run(
            [sys.executable, "-m", "onboard", "runs", "--json"], capture_output=True, env=self.environment, check=True
        )
        return [json.loads(line)["run"] for line in listed.stdout.splitlines()]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ONBOARD_HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def look(self, search: Search) -> None:
        search.look_below(self.folder)


class Program:
    """The console program in processes of their own; what they say is kept in the site's folder."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, *arguments: str, at: str = "", then: Callable[[int], None] | None = None) -> dict[str, str]:
        """Run it; when it tells that the step `at` begins on a server, call `then` with its process id.

        server → status at the end.
        """
        command = [sys.executable, "-m", "onboard", *self.site.arguments(*arguments)]
        number = self.site.calls
        out, err = self.site.folder / f"out-{number}", self.site.folder / f"err-{number}"
        with (
            out.open("w") as out_file,
            err.open("wb") as err_file,
            subprocess.Popen(
                command, env=self.site.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err_file
            ) as process,
        ):
            assert process.stdout is not None
            status = {}
            for raw in process.stdout:
                line = raw.decode()
                out_file.write(line)
                event = json.loads(line) if line.startswith('{"event"') else {}
                if then is not None and event.get("event") == "step_started" and event["step"] == at:
                    then(process.pid)
                    then = None
                if event.get("event") == "host_finished":
                    status[event["host"]] = event["status"]
        assert "Traceback" not in err.read_text()
        return status


@contextmanager
def system_log(host: RealHost) -> Iterator[list[bytes]]:
    """Receives what the host's programs log: sudo, PAM, sshd."""
    said: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"{host.root}/dev/log")
        host.run("chmod 666 /dev/log")
        listener.settimeout(0.1)
        stop = threading.Event()

        def receive() -> None:
            while not stop.is_set():
                try:
                    said.append(listener.recv(65536))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield said
        finally:
            stop.set()
            thread.join()


def prepare_host(host: RealHost, shell: str, password: str) -> None:
    """An account with a password, sudo that wants it and logs, sshd that logs all it can, another /bin/sh."""
    host.run(f"useradd --create-home --shell /bin/bash {USER}")
    host.run("chpasswd", stdin=f"{USER}:{password}\n")
    rule = f"Defaults logfile=/var/log/sudo.log\n{USER} ALL=(ALL) ALL\n"
    host.write(f"/etc/sudoers.d/{USER}", rule, 0o440)
    host.write("/etc/ssh/sshd_config.d/debug.conf", "LogLevel DEBUG3\n")
    host.run("pkill -HUP -o -x sshd")
    host.run("python3 -", stdin=WRITE_ARGUMENTS_DOWN)
    if shell != "dash":
        host.run(f"ln -sf /bin/{shell} /bin/sh")


# Programs that scripts call for a moment, too short for a watch, write their arguments and environment down by
# themselves. Which of them are built into a shell differs from shell to shell.
WRITE_ARGUMENTS_DOWN = r'''
import os, subprocess
listed = subprocess.run(["dpkg", "-L", "coreutils", "grep", "sed", "mawk"], capture_output=True, text=True, check=True)
paths = [path for path in listed.stdout.splitlines() if path.startswith(("/bin/", "/usr/bin/"))]
os.mkdir("/var/log/arguments")
os.chmod("/var/log/arguments", 0o1777)
for path in paths:
    true = os.path.join("/usr/lib/true", os.path.basename(path))
    os.makedirs("/usr/lib/true", exist_ok=True)
    os.rename(path, true)
    with open(path, "w") as file:
        file.write(f"""#!/bin/dash
{{ printf '%s\\n' "$0" "$@"; export -p; }} >>/var/log/arguments/$$
exec {true} "$@"
""")
    os.chmod(path, 0o755)
'''


def password_profile(work: RealBench, vault: Path) -> Profile:
    credential = Credential(kind=CredentialKind.SSH_PASSWORD, username=USER, secret_command=("cat", str(vault)))
    run = work.profile.run.model_copy(update={"canary": 0})
    return work.profile.model_copy(update={"credentials": {"default": credential}, "run": run})


@pytest.mark.timeout(400)
def test_real_hosts_show_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: list[str]) -> None:
    password = new_password()
    with real_bench(SHELLS, tmp_path, monkeypatch) as work, ProcessWatch() as processes:
        began = time.time()
        hosts = dict(zip(SHELLS, work.fleet, strict=True))
        for shell, host in hosts.items():
            prepare_host(host, shell, password)
        profile = password_profile(work, tmp_path / "vault")
        site = Site(tmp_path, profile, work.known_hosts_text(), password)
        program = Program(site)
        with system_log(hosts["dash"]) as logged:
            _all_that_can_happen(program, hosts, work, profile, monkeypatch)
        search = Search({"password": password, **{f"code {n}": code for n, code in enumerate(codes)}})
        site.look(search)
        for number, message in enumerate(logged):
            search.look_at(f"system log, message {number}", message)
        for host in hosts.values():
            kernel = [host.root / name for name in ("proc", "sys")]
            search.look_below(host.root, changed_after=began - 1, skip=kernel)
            search.look_at(f"sshd of {host.name}", host.said().encode())
        _prove_that_it_was_looked_at(search, processes, logged, codes, site, hosts["mksh"])
    search.look_at_processes(processes, allowed=AGENTS_OWN)
    assert search.found == []
    assert len(codes) >= 6


def _all_that_can_happen(
    program: Program, hosts: dict[str, RealHost], work: RealBench, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = program.site
    everyone = set(hosts)

    def ends(status: dict[str, str], wanted: str) -> None:
        assert set(status) == everyone, status
        assert set(status.values()) == {wanted}, (status, (site.folder / f"out-{site.calls}").read_text()[-3000:])

    ends(program("check", "--json"), "warned")
    program("check")
    program("plan", "--json", "-o", str(site.folder / "plan.json"))

    with monkeypatch.context() as patch:
        delete_activations_before_use(patch)
        ends(program("apply", "--yes", "--json"), "failed")
    ends(_with_talkative_agents(program, hosts), "failed")
    for run in site.runs()[:2]:
        program("undo", run, "--yes", "--json")

    stopped = program("apply", "--yes", "--json", at="register_agent", then=_stop_now)
    assert "failed" in stopped.values()
    dying = program("apply", "--yes", "--json", at="register_agent", then=lambda _: _hang_up(hosts["mksh"]))
    assert dying["mksh"] == "failed"
    ends(program("apply", "--yes", "--json"), "online")
    online = site.runs()[0]
    program("runs")
    program("report", online)
    program("report", online, "-o", str(site.folder / "report.json"))
    for run in site.runs()[:3]:
        program("undo", run, "--yes", "--json")

    hosts["dash"].run(f"echo 'Defaults:{USER} rootpw' >>/etc/sudoers.d/{USER}")
    assert program("apply", "--yes", "--json")["dash"] == "blocked"
    network = profile.network.model_copy(update={"proxy": f"http://{work.fleet.test_address}:9"})  # nobody is there
    save(profile.model_copy(update={"network": network}), site.file)
    ends(program("apply", "--yes", "--json"), "blocked")


def _with_talkative_agents(program: Program, hosts: dict[str, RealHost]) -> dict[str, str]:
    """Agents whose registration fails and which then repeat how they were called, as careless programs do."""
    for host in hosts.values():
        talk = f'#!/bin/sh\ncase $* in *-version*) exec {AGENT}.true "$@" ;; esac\necho "refused: $*" >&2\nexit 1\n'
        host.run(f"mv {AGENT} {AGENT}.true")
        host.write(AGENT, talk, 0o755)
    try:
        return program("apply", "--yes", "--json")
    finally:
        for host in hosts.values():
            host.run(f"mv {AGENT}.true {AGENT}")


def _stop_now(process: int) -> None:
    os.kill(process, signal.SIGTERM)


def _hang_up(host: RealHost) -> None:
    """End every SSH session of the host, as when it dies."""
    host.run(f"pkill -KILL -f '^sshd: {USER}'", check=False)


def _prove_that_it_was_looked_at(
    search: Search, processes: ProcessWatch, logged: list[bytes], codes: list[str], site: Site, host: RealHost
) -> None:
    """What is known to be there was seen: else finding nothing would mean nothing."""
    argued = b"\n".join(seen for seen in processes.seen if AGENTS_OWN[0] in seen)
    assert any(code.encode() in argued for code in codes), "no agent was seen while it registered"
    assert any(b"sudo" in message for message in logged)
    arguments = [file.read_text() for file in (host.root / "var/log/arguments").iterdir()]
    assert any(text.startswith(("/usr/bin/printf", "/bin/printf")) for text in arguments)
    logs = "".join(path.read_text(errors="replace") for path in site.folder.glob("debug-*.log"))
    for logger in ("paramiko.transport", "botocore", "urllib3.connectionpool"):
        assert f" {logger}" in logs, f"{logger} logged nothing"
    assert " DEBUG " in logs
    assert search.files > 100


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[OnboardError]:
    """Every error of this program that was made, also those that nobody was told of."""
    made: list[OnboardError] = []
    real = OnboardError.__init__

    def noted(error: OnboardError, *arguments: object, **named: object) -> None:
        real(error, *arguments, **named)  # type: ignore[arg-type]
        made.append(error)

    monkeypatch.setattr(OnboardError, "__init__", noted)
    return made


class Inside:
    """The console program's own `main` in this process, where logs and output can be had; `said` holds both."""

    def __init__(self, site: Site, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
        self._site = site
        self._caplog = caplog
        self._capsys = capsys
        self.said: list[str] = []
        self.loggers: set[str] = set()

    def __call__(self, *arguments: str) -> list[dict[str, object]]:
        """What it says with --json."""
        with_profile = arguments[0] in ("check", "plan", "apply")
        main([*arguments, "--json", *(["--profile", str(self._site.file)] if with_profile else [])])
        out, err = self._capsys.readouterr()
        formatted = [logging.Formatter("%(name)s %(message)s").format(record) for record in self._caplog.records]
        self.said += [out, err, *formatted, *(repr(record.args) for record in self._caplog.records)]
        self.loggers |= {record.name for record in self._caplog.records}
        self._caplog.clear()
        return [json.loads(line) for line in out.splitlines()]


@contextmanager
def practice_site(
    folder: Path, monkeypatch: pytest.MonkeyPatch, password: str, kind: CredentialKind
) -> Iterator[tuple[Practice, Site]]:
    """Two servers whose sudo wants the password; everything of this program in the site's folder."""
    base = image("healthy-debian")
    guarded = base.model_copy(update={"server": base.server.model_copy(update={"sudo": "password"})})
    with running_practice(2, only=[guarded], password=Secret(password)) as practice:
        for name, value in practice.environment().items():
            monkeypatch.setenv(name, value)
        key_file = str(practice.key_file) if kind is CredentialKind.SSH_KEY else None
        credential = Credential(
            kind=kind, username=ACCOUNT, key_file=key_file, secret_command=("cat", str(folder / "vault"))
        )
        profile = practice.profile().model_copy(update={"credentials": {NAME: credential}})
        site = Site(folder, profile, practice.known_hosts, password)
        monkeypatch.setenv("ONBOARD_HOME", str(site.home))
        monkeypatch.setattr(tempfile, "tempdir", str(site.temporary))
        yield practice, site


def defect(*_: object) -> None:
    raise ZeroDivisionError("a defect, injected")


def fails(name: str, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrange for a run to fail."""
    match name:
        case "activation deleted":
            delete_activations_before_use(monkeypatch)
        case "defect in a step":
            monkeypatch.setattr("onboard.steps.script.answers", defect)
        case "defect after the registration":
            real = RegisterAgent.apply

            def broken(step: RegisterAgent, *arguments: object) -> None:
                real(step, *arguments)  # type: ignore[arg-type]
                defect()

            monkeypatch.setattr(RegisterAgent, "apply", broken)
        case "defect in the program":
            monkeypatch.setattr("onboard.engine.rollout.Rollout._waves", defect)
        case "server dies":
            real_register = RegisterAgent.apply

            def dying(step: RegisterAgent, connection: object, *arguments: object) -> object:
                for server in practice.servers:
                    for open_connection in list(server._open):
                        open_connection._loop.call_soon_threadsafe(open_connection.abort)
                return real_register(step, connection, *arguments)  # type: ignore[arg-type]

            monkeypatch.setattr(RegisterAgent, "apply", dying)
        case "stop now":
            real_apply = RegisterAgent.apply

            def stopping(*arguments: object) -> object:
                os.kill(os.getpid(), signal.SIGTERM)
                return real_apply(*arguments)  # type: ignore[arg-type]

            monkeypatch.setattr(RegisterAgent, "apply", stopping)


FAILURES = (
    "nothing",
    "activation deleted",
    "defect in a step",
    "defect after the registration",
    "defect in the program",
    "server dies",
    "stop now",
    "wrong password",
    "wrong password for sudo",
)


@pytest.mark.parametrize("failure", FAILURES)
def test_practice_shows_no_secret(
    failure: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    codes: list[str],
    errors: list[OnboardError],
) -> None:
    password, wrong = new_password(), new_password()
    kind = CredentialKind.SSH_KEY if failure.endswith("sudo") else CredentialKind.SSH_PASSWORD
    caplog.set_level(logging.DEBUG)
    with practice_site(tmp_path, monkeypatch, password, kind) as (practice, site):
        program = Inside(site, caplog, capsys)
        if failure.startswith("wrong"):
            site.keep(wrong)
        program("check")
        with monkeypatch.context() as patch:
            fails(failure, practice, patch)
            ended = program("apply", "--yes")
        run = str(program("runs")[0]["run"])
        program("report", run)
        program("undo", run, "--yes")
    online = [event for event in ended if event["event"] == "host_finished" and event["status"] == "online"]
    assert len(online) == (2 if failure == "nothing" else 0), ended[-3:]
    search = Search({"password": password, "wrong password": wrong})
    for number, code in enumerate(codes):
        search.add(f"code {number}", code)
    site.look(search)
    for text in program.said:
        search.look_at(f"output or log ({text[:60]!r})", text)
    for error in errors:
        for shown in (str(error), repr(error), repr(error.__context__), *traceback.format_exception(error)):
            search.look_at(f"error {type(error).__name__}", shown)
    assert search.found == []
    assert {"paramiko.transport", "urllib3.connectionpool", "botocore.hooks"} <= program.loggers
    assert codes or failure.startswith("wrong") or failure == "defect in the program"


def test_practice_in_one_process_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, codes: list[str]
) -> None:
    """`onboard practice --run`: cloud, servers and agents log into the same log as the program itself."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    main(["practice", "--run", "--json", "--hosts", "2"])
    search = Search({f"code {number}": code for number, code in enumerate(codes)})
    for record in caplog.records:
        text = logging.Formatter("%(name)s %(message)s").format(record)
        search.look_at(f"log of {record.name}", f"{text} {record.args!r}")
    assert codes
    assert search.found == []
