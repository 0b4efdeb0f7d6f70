"""Where secrets come from. A profile holds names only.

The sources, in this order; the first that has the secret wins:

1. `ONBOARD_SECRET_<NAME>` in the environment: said for this very run, so it beats what is stored.
2. the credential's `secret_command`: the user said where the secret lives. It runs with this program's environment
   without ONBOARD_SECRET_* and AWS's keys.
3. the operating system's keyring, service "onboard".
4. a prompt, when there is somebody to ask.

Of ssh-key and ssh-agent credentials the secret is the account's password for sudo. A key file's passphrase is the
secret NAME_PASSPHRASE; if there is no secret of that name, NAME's own secret is tried.
"""

import contextlib
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import OnboardError
from onboard.model.profile import Credential
from onboard.model.secret import Secret
from onboard.model.words import Text

SERVICE = "onboard"
COMMAND_SECONDS = 30.0
KEYRING_SECONDS = 60.0  # long enough to type the keyring's password
LOOK = 0.1  # seconds between looks at a command that runs
MOST_PRINTED = 65536  # bytes
_VARIABLE = "ONBOARD_SECRET_"
_AWS_KEYS = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",  # the older name of the session token
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    }
)

Found = TypeVar("Found")
Prompt = Callable[[str, str], str | None]  # asks a person for the secret of this name, with this text; None: no answer


def variable_name(name: str) -> str:
    """The environment variable of the secret `name`."""
    return _VARIABLE + re.sub(r"[^A-Za-z0-9]", "_", name).upper()


def remember(name: str, secret: Secret) -> None:
    """Keep a secret in the operating system's keyring. Waits up to KEYRING_SECONDS for one that is to be unlocked.

    Raises OnboardError when no keyring keeps it.
    """
    import keyring
    import keyring.errors

    def keep() -> None:
        keyring.set_password(SERVICE, name, secret.reveal())

    try:
        _of_keyring_in_time(name, keep, CancelToken())
    except (keyring.errors.KeyringError, RuntimeError) as error:
        raise OnboardError(
            "The secret was not stored",
            where=f"credential {name}",
            why=Text("The keyring rejected it ({error})", error=type(error).__name__),
            remedy=Text("Set {variable} or secret_command instead", variable=variable_name(name)),
        ) from None


@dataclass(slots=True)
class _Answer:
    """What is known of one secret. Held by one thread while it asks; the others wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    looked: bool = False  # in the sources that need nobody's attention
    asked: bool = False
    secret: Secret | None = None
    error: OnboardError | None = None


class Secrets:
    """The secrets of one run. Each source is asked at most once for each name, by however many threads."""

    def __init__(
        self,
        credentials: Mapping[str, Credential],
        *,
        prompt: Prompt | None = None,
        environment: Mapping[str, str] | None = None,
        keyring: bool = True,
    ) -> None:
        """`keyring=False` leaves out the operating system's keyring."""
        self._credentials = credentials
        self._keyring = keyring
        self._prompt = prompt
        self._environment = os.environ if environment is None else environment
        self._answers: dict[str, _Answer] = {}
        self._guard = threading.Lock()
        self._one_question_at_a_time = threading.Lock()

    def secret(self, name: str, cancel: CancelToken, *, ask: bool = True) -> Secret | None:
        """The secret of the credential `name`; None when no source has it. `ask=False` leaves out the prompt.

        Raises OnboardError when its secret_command fails, Cancelled on stop_now() while waiting.
        """
        account = self._credentials[name].username if name in self._credentials else name
        return self._find(name, f"Password of {account} (credential {name}): ", cancel, ask)

    def passphrase(self, name: str, cancel: CancelToken) -> Secret | None:
        """The passphrase of the key file of the credential `name`; as `secret` otherwise."""
        own = f"{name}_PASSPHRASE"
        stored = self._find(own, "", cancel, False) or self.secret(name, cancel, ask=False)
        return stored or self._find(own, f"Passphrase of the key file (credential {name}): ", cancel, True)

    def _find(self, name: str, question: str, cancel: CancelToken, ask: bool) -> Secret | None:
        with self._guard:
            answer = self._answers.setdefault(name, _Answer())
        _acquire(answer.lock, cancel)
        try:
            if not answer.looked:
                answer.looked = True
                try:
                    answer.secret = self._look(name, cancel)
                except OnboardError as error:
                    answer.error = error
                except BaseException:
                    answer.looked = False
                    raise
            if answer.error is not None:
                raise answer.error
            if answer.secret is None and ask and self._prompt is not None and not answer.asked:
                _acquire(self._one_question_at_a_time, cancel)
                try:
                    answer.asked = True
                    answer.secret = _checked(name, self._prompt(name, question))
                except Cancelled:
                    answer.asked = False  # not answered: threads that wait for it must ask again
                    raise
                finally:
                    self._one_question_at_a_time.release()
            return answer.secret
        finally:
            answer.lock.release()

    def _look(self, name: str, cancel: CancelToken) -> Secret | None:
        given = self._environment.get(variable_name(name))
        if given:
            return _checked(name, given)
        credential = self._credentials.get(name)
        if credential is not None and credential.secret_command:
            return _checked(name, _run(name, credential.secret_command, cancel))
        if not self._keyring:
            return None
        return _checked(name, _of_keyring_in_time(name, lambda: _from_keyring(name), cancel))


def _checked(name: str, value: str | None) -> Secret | None:
    if not value:
        return None
    if "\n" in value or "\r" in value or "\0" in value:
        raise OnboardError(
            "The secret has more than one line",
            where=f"credential {name}",
            remedy="Give only the password, for example by printing only the first line of the command's output",
        )
    return Secret(value)


def _of_keyring_in_time(name: str, ask: Callable[[], Found], cancel: CancelToken) -> Found:
    """Ask the keyring in a thread that is left behind: it may wait to be unlocked and cannot be cancelled."""
    found: queue.SimpleQueue[tuple[Found] | BaseException] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put((ask(),))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that asked
            found.put(error)

    threading.Thread(target=look, name="keyring", daemon=True).start()
    deadline = time.monotonic() + KEYRING_SECONDS
    while True:
        try:
            answer = found.get(timeout=LOOK)
        except queue.Empty:
            if cancel.stopping:
                raise Cancelled from None
            if time.monotonic() > deadline:
                raise OnboardError(
                    "The keyring did not answer",
                    where=f"credential {name}",
                    why=Text(
                        "It did not answer within {seconds} seconds; it may be waiting to be unlocked",
                        seconds=f"{KEYRING_SECONDS:.0f}",
                    ),
                    remedy=Text(
                        "Unlock the keyring, or set {variable} or secret_command instead", variable=variable_name(name)
                    ),
                ) from None
            continue
        if isinstance(answer, BaseException):
            raise answer
        return answer[0]


def _from_keyring(name: str) -> str | None:
    import keyring
    import keyring.errors

    try:
        return keyring.get_password(SERVICE, name)
    except (keyring.errors.KeyringError, RuntimeError):  # the latter where a user has no home
        return None  # a computer without a keyring, or a locked one, has no secret for us


def _run(name: str, command: tuple[str, ...] | str, cancel: CancelToken) -> str:
    """Standard output of `command`, without its last newline.

    Its standard error is discarded: it might hold the secret, and errors go into the journal.
    """
    arguments = shlex.split(command) if isinstance(command, str) else list(command)
    where = f"secret_command of credential {name}"
    remedy = "Run the command by hand on this computer; it must print the secret and nothing else"
    group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}  # to be ended with its children
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment_of_a_command(os.environ),
            **group,
        )
    except (OSError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or "The command is empty or malformed"
        raise OnboardError("The command could not be started", where=where, why=why, remedy=remedy) from None
    with process:
        try:
            printed = _printed(process, where, cancel)
        except BaseException:
            _end(process)
            raise
    if process.returncode != 0:
        why = Text("It ended with exit code {code}", code=process.returncode)
        raise OnboardError("The command failed", where=where, why=why, remedy=remedy)
    try:
        return printed.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise OnboardError("The command printed bytes that are not UTF-8 text", where=where, remedy=remedy) from None


def _environment_of_a_command(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program needs to reach a vault, without the other secrets that are given to this one."""
    return {name: value for name, value in environment.items() if not _is_secret(name.upper())}


def _is_secret(variable: str) -> bool:
    return variable.startswith(_VARIABLE) or variable in _AWS_KEYS


def _printed(process: subprocess.Popen[bytes], where: str, cancel: CancelToken) -> bytes:
    """What it prints until it ends. Does not wait for children that it leaves running."""
    deadline = time.monotonic() + COMMAND_SECONDS
    while True:
        has_ended = process.poll() is not None
        try:
            return process.communicate(timeout=LOOK)[0]
        except subprocess.TimeoutExpired as waiting:
            printed = waiting.output or b""
        if has_ended and sys.platform != "win32":  # where a pipe cannot be read before it is closed
            return printed
        if cancel.stopping:
            raise Cancelled
        if len(printed) > MOST_PRINTED:
            raise OnboardError("The command printed too much", where=where, remedy="It must print only the secret")
        if time.monotonic() > deadline:
            raise OnboardError(
                "The command took too long",
                where=where,
                why=Text("It printed no secret within {seconds} seconds", seconds=f"{COMMAND_SECONDS:.0f}"),
                remedy="It must not ask for input: it has no terminal here",
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and what it started, which may hold the pipe or keep asking."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _acquire(lock: threading.Lock, cancel: CancelToken) -> None:
    while not lock.acquire(timeout=0.1):
        cancel.check_now()
