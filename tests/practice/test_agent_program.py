"""The stand-in agent as the program /usr/bin/amazon-ssm-agent."""

import ast
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from practice_bench import Practice, wait_until
from test_agent_class import REGION, send

from onboard.practice.agent import shared_credentials
from onboard.practice.packages import INIT_SCRIPT, agent_source

ONLINE = [{"Key": "PingStatus", "Values": ["Online"]}]


class Host:
    """Files of a server in a folder, and the program on it."""

    def __init__(self, folder: Path, endpoint: str | None, python: str = sys.executable) -> None:
        self.folder = folder
        self.program = folder / "amazon-ssm-agent"
        self.program.write_bytes(agent_source("3.3.4793.0"))
        self.command = [python, str(self.program)]
        self.environment = {"PATH": os.environ["PATH"], "ONBOARD_PRACTICE_ROOT": str(folder)}
        if endpoint is not None:
            configuration = folder / "etc/amazon/ssm/amazon-ssm-agent.json"
            configuration.parent.mkdir(parents=True)
            endpoints = {service: {"Endpoint": endpoint} for service in ("Ssm", "Mds", "Mgs")}
            configuration.write_text(json.dumps({**endpoints, "Identity": {"ConsumptionOrder": ["OnPrem"]}}))

    def run(self, *arguments: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            env={**self.environment, **environment},
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def register(self, code: str, activation_id: str, *more: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return self.run("-register", "-code", code, "-id", activation_id, "-region", REGION, *more, answer=answer)

    @contextmanager
    def running(self, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(self.command, env={**self.environment, **environment})
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0

    def file(self, path: str) -> Path:
        return self.folder / path

    @property
    def log(self) -> str:
        return self.file("var/log/amazon/ssm/amazon-ssm-agent.log").read_text()


@pytest.fixture
def host(practice: Practice, tmp_path: Path) -> Host:
    return Host(tmp_path, practice.cloud.endpoint_url)


def test_it_tells_its_version(host: Host) -> None:
    done = host.run("-version")
    assert (done.returncode, done.stdout) == (0, "SSM Agent version: 3.3.4793.0\n")


def test_it_is_python_3_9() -> None:
    ast.parse(agent_source("3.3.4851.0"), feature_version=(3, 9))


@pytest.mark.parametrize("python", [sys.executable, "python3.9", "python3.13"])
def test_it_registers_runs_and_answers(practice: Practice, tmp_path: Path, python: str) -> None:
    if python != sys.executable:
        found = shutil.which(python)
        works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
        if not works:
            pytest.skip(f"needs {python}")
    host = Host(tmp_path, practice.cloud.endpoint_url, python)
    practice.cloud.settings.poll_hold_s = 20
    code, activation_id = practice.activation()
    done = host.register(code, activation_id, "-y")
    assert done.returncode == 0, done
    said = "Successfully registered the instance with AWS SSM using Managed instance-id: "
    assert done.stdout.startswith(said)
    instance_id = done.stdout.removeprefix(said).strip()
    registration = host.file("var/lib/amazon/ssm/registration")
    assert json.loads(registration.read_text()) == {"ManagedInstanceID": instance_id, "Region": REGION}
    secret = [registration, *host.file("var/lib/amazon/ssm/Vault/Store").iterdir()]
    assert sorted(path.name for path in secret) == ["InstanceFingerprint", "RegistrationKey", "registration"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    ssm = practice.client("ssm")
    with host.running():
        wait_until(lambda: practice.polls() == 1)
        (node,) = ssm.describe_instance_information(Filters=ONLINE)["InstanceInformationList"]
        assert (node["InstanceId"], node["AgentVersion"]) == (instance_id, "3.3.4793.0")
        lines = ["cd /", "echo $((6 * 7)); pwd", "echo oops >&2", "exit 5"]
        command_id = send(practice, instance_id, Parameters={"commands": lines})

        def answered() -> bool:
            answer = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
            return bool(answer["Status"] == "Failed")

        wait_until(answered)
        answer = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        assert (answer["StandardOutputContent"], answer["StandardErrorContent"]) == ("42\n/\n", "oops\n")
        assert answer["ResponseCode"] == 5
        elsewhere = {"commands": ["pwd"], "workingDirectory": [str(tmp_path)]}
        command_id = send(practice, instance_id, Parameters=elsewhere)
        wait_until(
            lambda: (
                ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)["StandardOutputContent"]
                == f"{tmp_path}\n"
            )
        )
    assert code not in host.log
    assert "(practice stand-in)" in host.log


def test_a_command_that_is_cancelled_leaves_no_process(practice: Practice, host: Host) -> None:
    practice.cloud.settings.poll_hold_s = 20
    code, activation_id = practice.activation()
    instance_id = host.register(code, activation_id, "-y").stdout.split()[-1]
    ssm = practice.client("ssm")
    with host.running():
        wait_until(lambda: practice.polls() == 1)
        pidfile = host.file("pid")
        script = [f"sleep 600 & echo $! > {pidfile}.new; mv {pidfile}.new {pidfile}; wait"]
        command_id = send(practice, instance_id, Parameters={"commands": script})
        wait_until(pidfile.exists)
        ssm.cancel_command(CommandId=command_id)
        wait_until(
            lambda: ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)["Status"] == "Cancelled"
        )
        wait_until(lambda: not alive(int(pidfile.read_text())))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_refusals_and_unreachable_clouds_are_told_as_the_real_agent_does(practice: Practice, host: Host) -> None:
    failed = "Registration failed due to error registering the instance with AWS SSM. "
    _, activation_id = practice.activation()
    done = host.register("wrong", activation_id, "-y")
    assert done.returncode == 1
    assert done.stdout.startswith(failed + "InvalidActivation: \n\tstatus code: 400, request id: ")
    assert not host.file("var/lib/amazon/ssm/registration").exists()
    practice.cloud.settings.update({"throttles": {"RegisterManagedInstance": {"next_calls": 1}}})
    assert failed + "ThrottlingException: Rate exceeded" in host.register("x", "y", "-y").stdout
    assert host.run("-register", "-y").returncode == 1
    assert host.run("-sing").returncode == 2


def test_it_speaks_to_no_endpoint_but_a_practices(tmp_path: Path) -> None:
    host = Host(tmp_path, None)
    done = host.register("code", "id", "-y")
    assert done.returncode == 1
    assert "the practice agent speaks to http:// endpoints only" in done.stdout


def test_it_asks_before_it_takes_another_identity(practice: Practice, host: Host) -> None:
    code, activation_id = practice.activation()
    first = host.register(code, activation_id).stdout.split()[-1]
    done = host.register(code, activation_id, answer="No\n")
    assert done.returncode == 1
    assert "Would you like to override existing with new registration information? [Yes/No]: " in done.stdout
    assert first in host.file("var/lib/amazon/ssm/registration").read_text()
    second = host.register(code, activation_id, answer="Yes\n").stdout.split()[-1]
    third = host.run("--register", "--y", f"-code={code}", f"-id={activation_id}", f"-region={REGION}")
    assert len({first, second, third.stdout.split()[-1]}) == 3


def test_it_forgets_its_registration(practice: Practice, host: Host) -> None:
    host.register(*practice.activation(), "-y")
    done = host.run("-register", "-clear")
    assert done.stdout == "Registration information has been removed from the instance.\n"
    assert host.file("var/lib/amazon/ssm/registration").exists(), "as the real agent leaves it"
    assert '"instanceID":""' in host.file("var/lib/amazon/ssm/Vault/Store/RegistrationKey").read_text()
    unregistered = host.run()
    assert unregistered.returncode == 1
    assert "RegistrationKey does not exist" in unregistered.stdout
    assert "RegistrationKey does not exist" in host.log


def test_a_refused_registration_costs_it_the_former_one(practice: Practice, host: Host) -> None:
    _, activation_id = practice.activation()
    host.register(*practice.activation(), "-y")
    assert host.register("wrong", activation_id, "-y").returncode == 1
    assert host.file("var/lib/amazon/ssm/registration").exists()
    assert '"instanceID":""' in host.file("var/lib/amazon/ssm/Vault/Store/RegistrationKey").read_text()


def test_it_goes_through_a_proxy(practice: Practice, tmp_path: Path) -> None:
    host = Host(tmp_path, "http://cloud.invalid")
    code, activation_id = practice.activation()
    arguments = ("-register", "-y", "-code", code, "-id", activation_id, "-region", REGION)
    done = host.run(*arguments, http_proxy=practice.cloud.endpoint_url)
    assert done.returncode == 0, done  # the front answers absolute-form requests, as a proxy would pass them on
    refused = host.run(*arguments, http_proxy=practice.cloud.endpoint_url, no_proxy="other, .invalid")
    assert refused.returncode == 1


def test_the_init_script_starts_and_stops_it(practice: Practice, host: Host) -> None:
    if not Path("/bin/sh").exists():
        pytest.skip("needs /bin/sh")
    host.register(*practice.activation(), "-y")
    program = host.file("agent")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{host.program}" "$@"\n')
    program.chmod(0o755)
    script = host.file("init")
    text = INIT_SCRIPT.replace("AGENT=/usr/bin/amazon-ssm-agent", f"AGENT={host.program}").replace(
        'setsid "$AGENT"', f'setsid "{program}"'
    )
    script.write_text(text.replace("/var/", f"{host.folder}/var/"))

    def init(verb: str) -> tuple[int, str]:
        done = subprocess.run(
            ["/bin/sh", str(script), verb],
            env=host.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    host.file("var/run").mkdir()
    assert init("status") == (3, "amazon-ssm-agent is stopped\n")
    assert init("start")[0] == 0
    try:
        pid = int(host.file("var/run/amazon-ssm-agent.pid").read_text())
        wait_until(lambda: "UpdateInstanceInformation" in {call.operation for call in practice.cloud.calls.after()})
        assert init("status") == (0, "amazon-ssm-agent is running\n")
        assert init("start")[0] == 0
        assert int(host.file("var/run/amazon-ssm-agent.pid").read_text()) == pid
    finally:
        assert init("stop")[0] == 0
    assert not alive(pid)
    assert init("status")[0] == 3
    assert init("stop")[0] == 0
    assert init("dance")[0] == 2


TOKEN = {"AccessKeyId": "ASIANEW", "SecretAccessKey": "s+/=", "SessionToken": "FQoG=="}
# As AWS's agent 3.3.1142.0 wrote them.
ROOTS_OWN = """\
# mine
[default]
aws_access_key_id=AKIAROOT
aws_secret_access_key=own # inline
region=x

[other]
aws_access_key_id = AKIAOTHER
"""
WRITTEN_OVER = """\
# mine
[default]
aws_access_key_id     = ASIANEW
# inline
aws_secret_access_key = s+/=
region                = x
aws_session_token     = FQoG==

[other]
aws_access_key_id = AKIAOTHER

"""
WRITTEN_NEW = """\
[default]
aws_access_key_id     = ASIANEW
aws_secret_access_key = s+/=
aws_session_token     = FQoG==

"""


@pytest.mark.parametrize(
    ("found", "written"),
    [("", WRITTEN_NEW), (ROOTS_OWN, WRITTEN_OVER), (f"not INI\n{ROOTS_OWN}", WRITTEN_NEW)],
)
def test_shared_credentials_are_written_as_the_real_agent_writes_them(found: str, written: str) -> None:
    assert shared_credentials(found, TOKEN) == written


@pytest.mark.parametrize("shared", [True, False])
def test_it_writes_over_roots_credentials_unless_its_configuration_forbids_it(
    practice: Practice, host: Host, shared: bool
) -> None:
    if not shared:
        configuration = host.file("etc/amazon/ssm/amazon-ssm-agent.json")
        configuration.write_text(
            json.dumps({**json.loads(configuration.read_text()), "Profile": {"ShareCreds": False}})
        )
    credentials = host.file("root/.aws/credentials")
    credentials.parent.mkdir(parents=True)
    credentials.write_text("[default]\naws_access_key_id = AKIAROOT\n")
    credentials.chmod(0o640)
    host.register(*practice.activation(), "-y")
    with host.running():
        wait_until(lambda: practice.polls() == 1)
    noted = json.loads(host.file("var/lib/amazon/ssm/runtimeconfig/identity_config.json").read_text())
    assert noted["ShareFile"] == ("/root/.aws/credentials" if shared else "")
    assert ("AKIAROOT" in credentials.read_text()) == (not shared)
    assert ("aws_session_token" in credentials.read_text()) == shared
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o640
