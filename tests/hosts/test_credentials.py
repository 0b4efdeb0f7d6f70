"""Where secrets come from, in which order, and how often each source is asked."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from onboard.hosts import credentials
from onboard.hosts.credentials import Secrets, remember, variable_name
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import OnboardError
from onboard.model.profile import Credential
from onboard.model.secret import Secret


class MemoryKeyring(keyring.backend.KeyringBackend):
    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[tuple[str, str], str] = {}
        self.asked: list[str] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.stored[service, username] = password


@pytest.fixture(autouse=True)
def stored() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def credential(command: object = None) -> dict[str, Credential]:
    return {"web-01": Credential(kind="ssh-password", username="ops", secret_command=command)}  # type: ignore[arg-type]


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def secret_of(secrets: Secrets, **how: bool) -> str | None:
    secret = secrets.secret("web-01", CancelToken(), **how)
    return secret.reveal() if secret else None


def test_the_variables_name() -> None:
    assert variable_name("web-01.corp") == "ONBOARD_SECRET_WEB_01_CORP"


def test_the_order_is_environment_command_keyring_prompt(stored: MemoryKeyring) -> None:
    remember("web-01", Secret("from the keyring"))
    command = python("print('from the command')")
    variable = {"ONBOARD_SECRET_WEB_01": "from the environment"}
    assert stored.stored == {("onboard", "web-01"): "from the keyring"}
    assert secret_of(Secrets(credential(command), environment=variable)) == "from the environment"
    assert secret_of(Secrets(credential(command), environment={})) == "from the command"
    assert secret_of(Secrets(credential(), environment={}, prompt=lambda *_: "typed")) == "from the keyring"
    stored.stored.clear()
    assert secret_of(Secrets(credential(), environment={}, prompt=lambda *_: "typed")) == "typed"
    assert secret_of(Secrets(credential(), environment={}, prompt=lambda *_: "typed"), ask=False) is None
    assert secret_of(Secrets(credential(), environment={})) is None


def test_a_command_gets_no_other_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {
        "VAULT_ADDR": "https://vault",
        "AWS_PROFILE": "ops",
        "AWS_REGION": "eu-central-1",
        "PATH": os.environ["PATH"],
    }
    secrets = (
        "ONBOARD_SECRET_OTHER", "ONBOARD_SECRET_WEB_02_PASSPHRASE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    )  # fmt: skip
    for name, value in {**kept, **dict.fromkeys(secrets, "canary")}.items():
        monkeypatch.setenv(name, value)
    printed = secret_of(Secrets(credential(python("import json, os; print(json.dumps(dict(os.environ)))"))))
    assert printed is not None
    got = json.loads(printed)
    assert "canary" not in got.values()
    assert kept.items() <= got.items()


def test_each_source_is_asked_once_by_many_threads(stored: MemoryKeyring) -> None:
    questions = []

    def prompt(name: str, question: str) -> str:
        questions.append(question)
        return "typed"

    secrets = Secrets(credential(), environment={}, prompt=prompt)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: secret_of(secrets), range(64)))
    assert answers == ["typed"] * 64
    assert stored.asked == ["web-01"]
    assert questions == ["Password of ops (credential web-01): "]


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_keyring_that_waits_to_be_unlocked_ends(monkeypatch: pytest.MonkeyPatch, *, is_stopped: bool) -> None:
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 60.0 if is_stopped else 0.0)
    cancel, unlocked = CancelToken(), threading.Event()
    locked = MemoryKeyring()  # of no class of its own: keyring takes each class for a keyring of this computer
    monkeypatch.setattr(locked, "get_password", lambda service, username: unlocked.wait() and None)
    keyring.set_keyring(locked)
    if is_stopped:
        cancel.stop_now()
    try:
        with pytest.raises(Cancelled if is_stopped else OnboardError, match=None if is_stopped else "to be unlocked"):
            Secrets(credential(), environment={}).secret("web-01", cancel)
    finally:
        unlocked.set()


def test_a_keyring_that_waits_to_be_unlocked_keeps_nothing_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.0)
    unlocked = threading.Event()
    locked = MemoryKeyring()
    monkeypatch.setattr(locked, "set_password", lambda *_: unlocked.wait(30))
    keyring.set_keyring(locked)
    try:
        with pytest.raises(OnboardError, match="to be unlocked") as caught:
            remember("web-01", Secret("canary"))
        assert "canary" not in str(caught.value)
    finally:
        unlocked.set()


def test_no_answer_is_not_asked_for_again() -> None:
    questions = []
    secrets = Secrets(credential(), environment={}, prompt=lambda name, question: questions.append(question))
    assert secret_of(secrets) is None
    assert secret_of(secrets) is None
    assert len(questions) == 1


def test_two_questions_never_come_at_once() -> None:
    at_once = threading.Lock()

    def prompt(name: str, question: str) -> str:
        assert at_once.acquire(blocking=False)
        at_once.release()
        return question

    secrets = Secrets({}, environment={}, prompt=prompt)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: secrets.secret(name, CancelToken()), "abcdefgh"))
    assert None not in found


def test_a_passphrase_has_its_own_name_and_falls_back() -> None:
    def passphrase(**variables: str) -> str | None:
        secrets = Secrets(credential(), environment=variables, prompt=lambda name, question: question)
        secret = secrets.passphrase("web-01", CancelToken())
        return secret.reveal() if secret else None

    both = {"ONBOARD_SECRET_WEB_01_PASSPHRASE": "own", "ONBOARD_SECRET_WEB_01": "sudo's"}
    assert passphrase(**both) == "own"
    assert passphrase(ONBOARD_SECRET_WEB_01="sudo's") == "sudo's"
    assert passphrase() == "Passphrase of the key file (credential web-01): "


def test_a_failing_command_is_named_and_nothing_that_it_said_is_kept() -> None:
    code = "import sys; print('canary'); print('bad password canary', file=sys.stderr); sys.exit(3)"
    secrets = Secrets(credential(python(code)), environment={})
    for _ in range(2):
        with pytest.raises(OnboardError, match=r"secret_command of credential web-01: .* exit code 3") as caught:
            secret_of(secrets)
        assert "canary" not in str(caught.value)


def test_a_command_is_split_but_no_shell_runs_it(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'import sys; print(sys.argv[1:])' '$HOME' ; touch {tmp_path}/made"
    assert secret_of(Secrets(credential(command), environment={})) == f"['$HOME', ';', 'touch', '{tmp_path}/made']"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("no-such-program",), "could not be started"),
        (python("print('one'); print('two')"), "more than one line"),
        (python("import sys; sys.stdout.buffer.write(bytes([255, 254]))"), "not UTF-8 text"),
    ],
)
def test_commands_that_give_no_secret_are_told(command: object, told: str) -> None:
    with pytest.raises(OnboardError, match=told):
        secret_of(Secrets(credential(command), environment={}))


def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "COMMAND_SECONDS", 0.2)
    with pytest.raises(OnboardError, match="too long"):
        secret_of(Secrets(credential(python("import time; time.sleep(60)")), environment={}))


def test_stop_now_ends_a_command() -> None:
    cancel = CancelToken()
    cancel.stop_now()
    start = time.monotonic()
    secrets = Secrets(credential(python("import time; time.sleep(60)")), environment={})
    with pytest.raises(Cancelled):
        secrets.secret("web-01", cancel)
    assert time.monotonic() - start < 5


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes that can be read before they are closed")
def test_what_a_command_leaves_running_is_not_waited_for() -> None:
    sleeper = "sleep 60 & echo $!; "
    start = time.monotonic()
    pid = secret_of(Secrets(credential(("sh", "-c", sleeper)), environment={}))
    with pytest.raises(OnboardError, match="exit code 4"):
        secret_of(Secrets(credential(("sh", "-c", f"kill {pid}; sleep 1 & exit 4")), environment={}))
    assert time.monotonic() - start < 5


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups: killpg")
@pytest.mark.parametrize("is_stopped", [True, False])
def test_what_a_command_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_stopped: bool
) -> None:
    """The pipe that its child inherits is closed when the last of them is gone."""
    monkeypatch.setattr(credentials, "COMMAND_SECONDS", 10 if is_stopped else 0.5)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    cancel = CancelToken()
    secrets = Secrets(credential(("sh", "-c", f"(echo up; sleep 60) > {pipe} & wait")), environment={})
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(secrets.secret, "web-01", cancel)
        with pipe.open() as child:
            assert child.readline() == "up\n"
            if is_stopped:
                cancel.stop()
            with pytest.raises(Cancelled if is_stopped else OnboardError):
                asked.result(5)
            assert select.select([child], [], [], 5)[0]
            assert child.read() == ""


def test_a_command_that_never_stops_printing_is_given_up() -> None:
    with pytest.raises(OnboardError, match="too much"):
        secret_of(Secrets(credential(python("while True: print('x' * 1000)")), environment={}))


def test_a_user_without_a_home_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: str) -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(keyring, "get_password", stumble)
    monkeypatch.setattr(keyring, "set_password", stumble)
    assert Secrets(credential(), environment={}).secret("web-01", CancelToken()) is None
    with pytest.raises(OnboardError, match="not stored"):
        remember("web-01", Secret("x"))


def test_a_computer_without_a_keyring_has_no_secret() -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    assert secret_of(Secrets(credential(), environment={})) is None
    with pytest.raises(OnboardError, match="ONBOARD_SECRET_WEB_01") as caught:
        remember("web-01", Secret("canary"))
    assert "canary" not in str(caught.value)


def test_a_secret_is_never_shown() -> None:
    secrets = Secrets(credential(), environment={"ONBOARD_SECRET_WEB_01": "canary"})
    secret = secrets.secret("web-01", CancelToken())
    assert "canary" not in f"{secret} {secret!r} {secrets.__dict__['_answers']}"


COMMAND_THAT_READS = """
import sys
from onboard.hosts.credentials import Secrets
from onboard.model.cancel import CancelToken
from onboard.model.profile import Credential
command = (sys.executable, "-c", "print(len(open(0).read()))")
secrets = Secrets({"a": Credential(kind="ssh-key", username="u", secret_command=command)}, environment={})
print(secrets.secret("a", CancelToken()).reveal())
"""


def test_the_command_is_not_given_our_input() -> None:
    """A command that asks on its standard input finds it empty, instead of waiting for the terminal."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND_THAT_READS],
        input="not for the command",
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert done.stdout == "0\n"
