"""The steps' scripts as texts: complete, plain sh, and understood on the way back."""

import fcntl
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from posix_shells import SHELLS, shell
from step_headers import declared

import onboard.steps.posix
from onboard.hosts.connection import ScriptResult
from onboard.model.family import Family
from onboard.model.profile import Host
from onboard.model.secret import Secret
from onboard.resources import resource
from onboard.scripts.dialect import END_OF_VARIABLES
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import StepFailed
from onboard.steps.catalog import STEPS, proof_of
from onboard.steps.failure_causes import explain_installation, explain_registration
from onboard.steps.posix.place_nonce import nonce_path

SCRIPTS = sorted(entry.name for entry in resource("scripts/posix/steps").iterdir())

SERVICE, DETACHED, PACKAGE = (script.SERVICE,), (script.LOCK, script.DETACHED, script.SERVICE), (script.PACKAGE,)
SHARED: dict[str, tuple[str, ...]] = {  # what each script shares with others
    "install_roots.apply": (),
    "install_roots.undo": SERVICE,
    "configure_agent.apply": (),
    "configure_agent.undo": SERVICE,
    "configure_proxy.apply": SERVICE,
    "configure_proxy.undo": SERVICE,
    "install_agent.apply": (*DETACHED, *PACKAGE),
    "install_agent.work": (script.PACKAGE_LOCK,),
    "install_agent.undo": (*DETACHED, *PACKAGE),
    "install_agent.unwork": (script.PACKAGE_LOCK,),
    "register_agent.apply": DETACHED,
    "register_agent.work": SERVICE,
    "register_agent.undo": (script.LOCK, script.SERVICE),
    "start_agent.apply": SERVICE,
    "start_agent.undo": (),
    "place_nonce.apply": (),
    "place_nonce.undo": (),
}
# What one script puts before another besides its variables.
SET_BY_SCRIPTS = {"install_agent.unwork": {"kind"}}


def given(name):
    """The variables of a script, by its header. Those of a pattern have names that only the run knows."""
    return {one for one in declared(name) if "*" not in one} | SET_BY_SCRIPTS.get(name, set())


def composed(name):
    step, action = name.split(".")
    return script.compose(POSIX, step, action, dict.fromkeys(sorted(given(name)), "some value"), SHARED[name])


def test_every_file_is_a_listed_step():
    files = {path.stem for path in Path(onboard.steps.posix.__path__[0]).glob("*.py")}
    assert files - {"__init__"} == {step.name for step in STEPS}


def test_every_step_has_its_scripts_and_every_script_its_step():
    assert {f"{name}.sh" for name in SHARED} == set(SCRIPTS)
    for step in STEPS:
        assert {f"{step.name}.apply.sh", f"{step.name}.undo.sh"} <= set(SCRIPTS)


@pytest.mark.parametrize("name", sorted(SHARED))
def test_a_composed_script_says_what_it_is_and_with_what(name):
    step, action = name.split(".")
    text = composed(name)
    assert script.asked(POSIX, text) == (step, action)
    assert POSIX.variables(text) == {"step": step, **dict.fromkeys(given(name), "some value")}
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0


def test_variables_of_any_content_arrive():
    odd = {"a": "it's\n# end of variables of mine\n$(x) `y` \\", "b": "", "c": 'ü"'}
    assert POSIX.variables(script.compose(POSIX, "place_nonce", "apply", odd)) == {"step": "place_nonce", **odd}


def test_a_script_may_be_the_variable_of_another():
    worker = script.compose(POSIX, "register_agent", "work", {"region": "eu-central-1"}, (script.SERVICE,))
    text = script.compose(POSIX, "register_agent", "apply", {"worker": worker, "last": "x"}, (script.SERVICE,))
    assert POSIX.variables(text) == {"step": "register_agent", "worker": worker, "last": "x"}


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck")
def test_shellcheck_finds_nothing(tmp_path):
    files = []
    for name in SHARED:
        path = tmp_path / f"{name}.sh"
        path.write_text(composed(name))
        files.append(str(path))
    # 2015: `A && B || fail` is meant. 2034, 2317, 2329: of what is shared, each script uses a part.
    # 2016: values are quoted once for the shell.
    options = ["--shell=sh", "--exclude=SC2015,SC2016,SC2034,SC2317,SC2329", "--format=gcc"]
    checked = subprocess.run(["shellcheck", *options, *files], capture_output=True, text=True, check=False)
    assert checked.stdout == ""


def test_scripts_use_no_tool_that_a_small_system_lacks():
    for name in SCRIPTS:
        text = resource(f"scripts/posix/steps/{name}").read_text()
        assert not re.search(r"\b(curl|wget|python3?|perl|jq|\[\[|local )\b", text), name


@pytest.mark.parametrize(
    ("kept", "left"),
    [("", []), ("install_roots", ["install_roots.undo"]), ("*", ["configure_agent.undo", "install_roots.undo"])],
)
def test_records_that_were_not_taken_up_stay_when_the_nonce_is_placed(tmp_path, kept, left):
    state = tmp_path / "onboard"
    state.mkdir()
    for name in ("configure_agent.undo", "install_roots.undo", "nonce-before"):
        (state / name).touch()
    variables = {"path": f"{state}/nonce-1", "kept": kept}
    text = script.compose(POSIX, "place_nonce", "apply", variables).replace("/var/lib/onboard", str(state))
    done = subprocess.run(["sh", "-c", text], input="n0nce\n", capture_output=True, text=True, check=True)
    assert "changed=yes" in done.stdout
    assert sorted(path.name for path in state.iterdir()) == [*left, "nonce-1"]


class Answering:
    """A connection whose server answers every script with the same."""

    host = Host(name="web")

    def __init__(self, stdout="", stderr="", exit_code=0):
        self._result = ScriptResult(exit_code, stdout.encode(), stderr.encode())

    def run_script(self, text, **options):
        assert options["privileged"]
        return self._result


def test_an_answer_is_understood():
    said = "noise\nchanged=yes\nundo.old=a=b\nundo.folders=\ndetail=It was so\ninstance_id=mi-1\n"
    done = script.run(Answering(said), "x", failure="no")
    assert (done.changed, done.detail) == (True, "It was so")
    assert done.undo == {"old": "a=b", "folders": ""}
    assert done.output == {"instance_id": "mi-1"}


@pytest.mark.parametrize("stdout", ["", "changed=yes\n"])
def test_a_failure_says_why_without_the_secret(stdout):
    failing = Answering(stdout, "first\nit was s3cret\n", exit_code=3)
    with pytest.raises(StepFailed) as failed:
        script.run(failing, "x", failure="It was not done", secret=Secret("s3cret"))
    assert (failed.value.what, failed.value.where) == ("It was not done", "web")
    assert failed.value.why == "it was (secret)"
    assert failed.value.evidence == "first\nit was (secret)"


def test_an_answer_that_broke_off_is_a_failure():
    with pytest.raises(StepFailed, match="answer was not understood") as failed:
        script.run(Answering("undo.old=x\n", "it warned\n"), "x", failure="no")
    assert "Run the command again" in failed.value.remedy
    assert failed.value.evidence == "it warned"


POST = 'RequestError: send request failed\ncaused by: Post "https://ssm.eu-central-1.amazonaws.com/": '
FAILED = "Registration failed due to error registering the instance with AWS SSM. "


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (FAILED + "ActivationExpired: \n\tstatus code: 400", "expired"),
        (FAILED + "InvalidActivation: ", "does not know the activation"),
        (FAILED + "RegistrationLimitExceeded: ", "used up"),
        (FAILED + "InstanceAlreadyRegistered: ", "already belongs to a node"),
        (FAILED + "MachineFingerprintDoesNotMatch", "fingerprint"),
        (
            FAILED + 'RequestError: send request failed\ncaused by: Post "https://ssm.x/": x509: certificate signed by '
            "unknown authority",
            "does not trust the certificate",
        ),
        (FAILED + "RequestError: send request failed\ncaused by: dial tcp 10.0.0.1:443: i/o timeout", "not reach"),
        (FAILED + "RequestError: send request failed\ncaused by: dial tcp: lookup ssm.x: no such host", "resolve"),
        (FAILED + 'caused by: Post "https://x": proxyconnect tcp: dial tcp 1.2.3.4:3128: i/o timeout', "proxy"),
        (FAILED + "InvalidSignatureException: Signature expired: 2026", "clock"),
        (FAILED + "ThrottlingException: Rate exceeded", "throttling"),
        (FAILED + "AccessDeniedException: User is not authorized to perform: ssm:RegisterManagedInstance", "denied"),
        ("fork/exec /usr/bin/ssm-agent-worker: operation not permitted", "may not be run"),
        ("fork/exec /usr/sbin/dmidecode: permission denied", "may not be run"),
        (POST + "net/http: TLS handshake timeout", "nothing came during the TLS handshake"),
        (POST + "read tcp 10.0.0.5:4711->10.0.0.1:443: read: connection reset by peer", "broken"),
        (POST + "EOF", "broken"),
        (POST + "Forbidden", "proxy refuses"),
        (POST + "Service Unavailable", "proxy refuses"),
        (POST + "dial tcp 10.0.0.1:443: connect: operation not permitted", "own firewall"),
        (
            POST + "x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:07Z is before "
            "2026-01-20T00:00:00Z",
            "clock is behind",
        ),
        (
            POST + "x509: certificate has expired or is not yet valid: current time 2027-01-01T00:00:07Z is after "
            "2026-11-20T00:00:00Z",
            "expired by the server's clock",
        ),
        (POST + "x509: certificate is valid for proxy.corp, not ssm.eu-central-1.amazonaws.com", "another name"),
        ("open /var/lib/amazon/ssm/Vault/Manifest: read-only file system", "read-only"),
        ("open /var/lib/amazon/ssm/Vault/Manifest: operation not permitted", "even to root"),
        ("open /var/lib/amazon/ssm/registration: No space left on device", "full"),
    ],
)
def test_refused_registrations_are_explained(said, why):
    cause = explain_registration(said)
    assert why in cause.why
    assert cause.remedy
    assert explain_registration("something else") is None


# What rpm says with each package that is signed with SHA-1 and whose key it does not know.
WARNED = "warning: amazon-ssm-agent.rpm: Header V4 RSA/SHA1 Signature, key ID d0052e5d: NOKEY\n"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("dpkg: error: dpkg frontend lock was locked by another process with pid 7", "lock"),
        ("error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)", "lock"),
        (
            "dpkg: error: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct",
            "was interrupted",
        ),
        ("cannot copy extracted data: failed to write (No space left on device)", "full"),
        ("dpkg: dependency problems prevent configuration of amazon-ssm-agent", "needs other packages"),
        ("error: Failed dependencies:\n\tpython3 is needed by amazon-ssm-agent", "needs other packages"),
        ("Header V4 RSA/SHA1 Signature, key ID d0052e5d: BAD", "SHA-1"),
        ("package amazon-ssm-agent-3.3.1142.0-1.x86_64 does not verify: no digest", "FIPS"),
        ("does not verify: Header V4 RSA/SHA256 Signature, key ID d0052e5d: NOKEY", "does not know AWS's"),
        ("package amazon-ssm-agent-3.3.1142.0-1.x86_64 does not verify: no signature", "only signed packages"),
        ("error: rpmdb: BDB0113 Thread/process 12/140 failed: BDB1507 Thread died in Berkeley DB library", "damaged"),
        ("rpm cannot say what is installed: error: cannot open Packages database in /var/lib/rpm", "damaged"),
        ("dpkg-query: error: parsing file '/var/lib/dpkg/status' near line 1", "dpkg's database is damaged"),
        ("unable to open '/usr/bin/amazon-ssm-agent.dpkg-new': Operation not permitted", "even to root"),
        (WARNED + "error: unpacking of archive failed: cpio: rename failed - Operation not permitted", "even to root"),
        ("error: unpacking of archive failed on file /usr/bin: cpio: open failed - Read-only file system", "read-only"),
        (
            (
                "unable to execute new amazon-ssm-agent package pre-installation script "
                "(/var/lib/dpkg/tmp.ci/preinst): Permission denied"
            ),
            "may not be run",
        ),
        (WARNED + "error: failed to exec scriptlet interpreter /bin/sh: Permission denied", "may not be run"),
        (WARNED, "SHA-1"),
        ("other work of Onboard has been under way on this server for 600 seconds", "is under way"),
        ("package architecture (arm64) does not match system (amd64)", "a different processor"),
    ],
)
def test_refused_packages_are_explained(said, why):
    cause = explain_installation(said)
    assert why in cause.why
    assert cause.remedy
    assert explain_installation("something else") is None


def test_the_nonce_is_read_as_often_as_it_is_asked_for_until_it_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("onboard.steps.posix.place_nonce.FOLDER", str(tmp_path / "onboard"))
    path = Path(nonce_path("run1"))
    path.parent.mkdir()
    path.write_text("n0nce\n")
    proof = proof_of(Family.POSIX, "run1")
    command = ["sh", "-c", proof.ask]
    for _ in range(2):  # a command that was sent twice does no harm
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "n0nce\n"
    removal = ["sh", "-c", proof.remove]
    assert subprocess.run(removal, capture_output=True, check=True).stdout == b""
    assert not path.parent.exists()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("name", sorted(SHARED))
def test_a_script_uses_every_variable_that_its_header_names(name):
    body = composed(name).partition(f"{END_OF_VARIABLES}\n")[2]
    code = "\n".join(line for line in body.splitlines() if not line.startswith("#"))
    words = set(re.findall(r"\w+", code))
    unused = {one for one in declared(name) if not any(fnmatch(word, one) for word in words)}
    assert not unused


WORK = """\
patience=3000
sleep() { command sleep 0.01; }
lock
echo "$1" >>"$log"
read -r line
echo "$1" >>"$log"
leave
"""


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
def test_a_lock_is_taken_in_turn_also_when_the_one_before_removed_it(tmp_path, shell_name):
    state, log = tmp_path / "onboard", tmp_path / "log"
    shared = "".join(POSIX.file(name) for name in ("steps_record", "steps_lock")).replace(
        "/var/lib/onboard", str(state)
    )
    text = f"step=x\nlog={log}\n{shared}\n{WORK}"
    working = [
        subprocess.Popen([*shell(shell_name), "-c", text, "sh", str(number)], stdin=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    for process in working:
        process.stdin.write("\n")
        process.stdin.close()
    assert [process.wait(30) for process in working] == [0, 0, 0]
    entries = log.read_text().split()
    assert entries[::2] == entries[1::2], "two worked at the same time"
    assert sorted(entries) == ["0", "0", "1", "1", "2", "2"]
    assert not state.exists()


def test_a_lock_that_is_held_is_told(tmp_path):
    state = tmp_path / "onboard"
    state.mkdir(0o700)
    (state / "lock").touch()
    shared = "".join(POSIX.file(name) for name in ("steps_record", "steps_lock")).replace(
        "/var/lib/onboard", str(state)
    )
    with (state / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        text = f"step=x\npatience=0\n{shared}\nlock\necho mine"
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "other work of Onboard" in done.stderr
    assert (state / "lock").exists(), "it belongs to the other"


def test_what_a_damaged_database_cannot_tell_is_not_taken_for_not_installed(tmp_path):
    rpm = shutil.which("rpm")
    if rpm is None:
        pytest.skip("needs rpm")
    (tmp_path / "rpmdb.sqlite").write_text("something else")
    shared = "".join(POSIX.file(name) for name in ("steps_record", "steps_package"))
    for folder, code in ((tmp_path, 1), (tmp_path / "none", 0)):
        text = f'kind=rpm\n{shared}\nrpm() {{ {rpm} --dbpath {folder} "$@"; }}\nreadable\ninstalled'
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (code, "")
        assert ("rpm cannot say what is installed" in done.stderr) == bool(code)
