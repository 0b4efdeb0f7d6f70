"""Linux servers over SSH: opening connections, and what is done over them.

The order never changes: reach, exchange keys, judge the host key, and only then authenticate. What is said over an open
connection, and why, stands in onboard.hosts.shell. Only this file and its two parts, ssh_transport and ssh_log_in,
import paramiko.
"""

import contextlib
import errno
import hashlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from onboard.hosts.connection import ScriptResult
from onboard.hosts.credentials import Secrets
from onboard.hosts.dial import TICK
from onboard.hosts.host_certificate import SUFFIX
from onboard.hosts.known_hosts import HostKey, KnownHosts, Trust, Verdict
from onboard.hosts.lockout import Attempt, Lockout
from onboard.hosts.refusals import explain
from onboard.hosts.shell import COMMAND, Dialogue, NotRun, Refusal, Request, UploadAnswer, Want
from onboard.hosts.ssh_log_in import LogIn, load_key
from onboard.hosts.ssh_transport import (
    ALGORITHMS,
    DEFAULT_LIMITS,
    KEY_TYPES,
    Limits,
    SshTransport,
    algorithms_of,
    handshake,
    hang_up,
    said_by,
)
from onboard.model.cancel import CancelToken
from onboard.model.errors import (
    ConnectionLost,
    HostError,
    HostUnreachable,
    HostUntrusted,
    LogInRefused,
    OnboardError,
    PrivilegeMissing,
    PrivilegeUntried,
)
from onboard.model.profile import Credential, CredentialKind, Host
from onboard.model.secret import Secret

CHUNK = 32768  # bytes of an upload in one packet
PATIENT_TICK = 1.0  # seconds between two looks at a server that is silent: ten a second cost more than its answer
GOODBYE = 2.0  # seconds that close() waits for the server to remove its folders

_SSH_KINDS = (CredentialKind.SSH_KEY, CredentialKind.SSH_PASSWORD, CredentialKind.SSH_AGENT)


class SshConnector:
    """Opens SSH connections. One for all workers of a run: it keeps loaded keys, and what is known about sudo."""

    def __init__(
        self,
        credentials: Mapping[str, Credential],
        *,
        secrets: Secrets,
        known_hosts: KnownHosts,
        lockout: Lockout,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._credentials = credentials
        self._secrets = secrets
        self._known_hosts = known_hosts
        self._lockout = lockout
        self._limits = limits
        self._keys: dict[str, paramiko.PKey | LogInRefused] = {}
        self._keys_lock = threading.Lock()
        self._sudo_asks: set[str] = set()

    def connect(self, host: Host, cancel: CancelToken) -> "SshConnection":
        """Raises HostUnreachable, HostUntrusted, LogInRefused, Cancelled."""
        cancel.check()
        if host.jump:
            raise HostUnreachable(
                "The server was not tried", where=host.name, why="Jump hosts are not supported", remedy="Remove `jump`"
            )
        credential = self._credential(host)
        with _as_refusal(host):
            proof = self._proof(host, credential, cancel)
        transport = handshake(host, self._algorithms(host), cancel, self._limits)
        try:
            self._verify(host, transport)
            try:
                with _as_refusal(host):
                    self._log_in(host, credential, proof, transport, cancel)
            except (paramiko.SSHException, EOFError, OSError) as error:
                cancel.check_now()
                raise HostUnreachable(
                    "The connection broke during the log-in",
                    where=host.name,
                    why=said_by(error),
                    remedy="Try again; the server's sshd log says why it hung up",
                ) from None
            secret = proof if isinstance(proof, Secret) else None
            account = _Account(host.credential, credential, secret, self._secrets, self._lockout, self._sudo_asks)
            return SshConnection(host, account, transport, cancel, self._limits)
        except BaseException:
            hang_up(transport)
            raise

    @property
    def has_refusals(self) -> bool:
        """Whether a password was refused by a server, or a key file could not be used with its passphrase."""
        return self._lockout.has_refused or any(isinstance(key, LogInRefused) for key in self._keys.values())

    def _credential(self, host: Host) -> Credential:
        credential = self._credentials.get(host.credential)
        if credential is None or credential.kind not in _SSH_KINDS:
            why = "is not in the profile" if credential is None else f"is of kind {credential.kind}"
            raise LogInRefused(
                "There is no credential to log in with",
                where=host.name,
                why=f"Credential {host.credential} {why}",
                remedy="Give the server a credential of kind ssh-key, ssh-password or ssh-agent",
            )
        return credential

    def _proof(self, host: Host, credential: Credential, cancel: CancelToken) -> paramiko.PKey | Secret | None:
        """What the log-in is done with: a key, a password, or None for ssh-agent. Got before the server is bothered."""
        if credential.kind is CredentialKind.SSH_KEY:
            return self._key(host, credential, cancel)
        if credential.kind is CredentialKind.SSH_PASSWORD:
            self._lockout.check(credential.username, host.credential, host.name)
            secret = self._secrets.secret(host.credential, cancel)
            if secret is None:
                raise LogInRefused(
                    "There is no password to log in with",
                    where=host.name,
                    why=f"Neither environment, secret_command nor keyring has one for credential {host.credential}",
                    remedy="Store it in the keyring (service onboard), or give a secret_command",
                )
            return secret
        return None

    def _key(self, host: Host, credential: Credential, cancel: CancelToken) -> paramiko.PKey:
        """Load the credential's key once, however many servers use it; a failure is also had only once."""
        while not self._keys_lock.acquire(timeout=TICK):
            cancel.check_now()
        try:
            if host.credential not in self._keys:
                try:
                    self._keys[host.credential] = load_key(host.credential, credential, self._secrets, cancel)
                except LogInRefused as error:
                    self._keys[host.credential] = error
            key = self._keys[host.credential]
        finally:
            self._keys_lock.release()
        if isinstance(key, LogInRefused):
            raise LogInRefused(key.what, where=host.name, why=key.why, remedy=key.remedy)
        return key

    def _algorithms(self, host: Host) -> tuple[str, ...]:
        """Host key algorithms in the order to ask for: those whose key is known come first.

        Else a server whose ed25519 key is known would look changed when it prefers ECDSA.
        """
        known = [key_type for key_type in self._known_hosts.key_types(*host.target) if key_type in ALGORITHMS]
        ordered = algorithms_of([*known, *(key_type for key_type in KEY_TYPES if key_type not in known)])
        if self._known_hosts.has_authority(*host.target):
            return tuple(f"{name}{SUFFIX}" for name in ordered) + ordered
        return ordered

    def _verify(self, host: Host, transport: SshTransport) -> None:
        key = transport.host_key_shown()
        verdict = self._known_hosts.judge(*host.target, key)
        if verdict.trust is not Trust.TRUSTED:
            raise _untrusted(host, key, verdict)

    def _log_in(
        self,
        host: Host,
        credential: Credential,
        proof: paramiko.PKey | Secret | None,
        transport: SshTransport,
        cancel: CancelToken,
    ) -> None:
        transport.auth_timeout = self._limits.log_in
        transport.break_off_on(cancel)
        log_in = LogIn(host, credential, transport, cancel)
        if isinstance(proof, Secret):
            log_in.with_password(proof, self._lockout)
            return
        more = log_in.with_key(proof) if proof is not None else log_in.with_agent()
        if not more:
            return
        # AuthenticationMethods publickey,password: the key was accepted, and the account's password is wanted too.
        secret = self._secrets.secret(host.credential, cancel)
        if secret is None or not {"password", "keyboard-interactive"} & set(more):
            raise LogInRefused(
                "The server wants more than a key",
                where=host.name,
                why=f"It accepted the key and then asks for {' or '.join(more)}",
                remedy=f"Give credential {host.credential} the account's password as its secret",
            )
        log_in.with_password(secret, self._lockout, allowed=more)


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom a connection is logged in as, and how it becomes root."""

    name: str  # the credential's
    credential: Credential
    log_in_password: Secret | None
    secrets: Secrets
    lockout: Lockout
    sudo_asks: set[str] = field(repr=False)  # credentials for which some server's sudo wanted the password

    @property
    def is_root(self) -> bool:
        return self.credential.username == "root"


class SshConnection:
    """An open connection; see onboard.hosts.connection.Connection."""

    def __init__(
        self, host: Host, account: _Account, transport: SshTransport, cancel: CancelToken, limits: Limits
    ) -> None:
        self._host = host
        self._account = account
        self._transport = transport
        self._cancel = cancel
        self._limits = limits
        self._needs_tty = False
        self._held: list[paramiko.Channel] = []  # each keeps an uploaded file's folder alive

    @property
    def host(self) -> Host:
        return self._host

    def run_script(
        self,
        script: str,
        *,
        privileged: bool = False,
        secret_line: Secret | None = None,
        timeout: float = 60.0,
    ) -> ScriptResult:
        """See Connection. A script that runs past `timeout` is left to itself on the server, never killed."""
        self._cancel.check_now()
        deadline = time.monotonic() + timeout
        line = [secret_line.reveal().encode() + b"\n"] if secret_line is not None else []
        if not privileged or self._account.is_root:
            request = Request.new(script, privileged=privileged, wants_secret=bool(line))
            try:
                return self._run(request, deadline, given=line)
            except NotRun as refused:
                raise self._explained(refused) from None
        if self._account.credential.sudo == "never":
            raise PrivilegeMissing(
                "The account may not act as root",
                where=self._host.name,
                why=f"Credential {self._account.name} says sudo = never, and {self._account.credential.username} "
                "is not root",
                remedy=f'Log in as root, or allow sudo: credentials.{self._account.name}.sudo = "auto"',
            )
        return self._run_with_sudo(script, deadline, line)

    def _run_with_sudo(self, script: str, deadline: float, line: Sequence[bytes]) -> ScriptResult:
        """What sudo wants is learned from its answer: first a password when it is likely to, a terminal if it must."""
        password = self._password_at_hand()
        for _ in range(3):  # at most: without a password, with one, in a terminal
            request = Request.new(
                script,
                privileged=True,
                has_password=password is not None,
                wants_secret=bool(line),
                pty=self._needs_tty,
            )
            try:
                return self._run(request, deadline, password=password, given=line)
            except NotRun as refused:
                if refused.refusal is Refusal.NEEDS_TTY and not self._needs_tty:
                    self._needs_tty = True
                elif refused.refusal is Refusal.NEEDS_PASSWORD and password is None:
                    self._account.sudo_asks.add(self._account.name)
                    password = self._password_for_sudo()
                else:
                    raise self._explained(refused) from None
        raise self._explained(NotRun(Refusal.SUDO_FAILED, "it wants ever more"))

    def _password_at_hand(self) -> Secret | None:
        """The password to offer from the start; None to try first without: sudo may not want one."""
        account = self._account
        if account.log_in_password is not None:
            return account.log_in_password
        if account.credential.sudo == "password" or account.name in account.sudo_asks:
            return self._password_for_sudo()
        return None

    def _password_for_sudo(self) -> Secret:
        account = self._account
        try:
            secret = account.secrets.secret(account.name, self._cancel)
        except OnboardError as error:
            raise PrivilegeUntried(error.what, where=self._host.name, why=_joined(error), remedy=error.remedy) from None
        if secret is None:
            raise self._explained(NotRun(Refusal.NEEDS_PASSWORD))
        return secret

    def upload(self, source: Path, *, sha256: str, timeout: float = 600.0) -> str:
        """See Connection."""
        self._cancel.check_now()
        with source.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            chunks = iter(lambda: file.read(CHUNK), b"")
            return self._send_file(source.name, size, sha256, chunks, time.monotonic() + timeout)

    def open_tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> paramiko.Channel:
        """See Connection."""
        self._cancel.check_now()
        try:
            return self._transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=timeout)
        except paramiko.ChannelException as error:
            if error.code == 1:  # RFC 4254 §5.1: administratively prohibited
                raise PermissionError(errno.EACCES, "the server does not allow tunnels") from None
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"from the server: {error.text}") from None
        except (paramiko.SSHException, EOFError) as error:
            self._cancel.check_now()
            if self._transport.is_active():
                raise TimeoutError(errno.ETIMEDOUT, f"no answer within {timeout:.0f} seconds") from None
            raise self._lost(said_by(error)) from None

    def close(self) -> None:
        """Let the server remove its folders, then hang up."""
        deadline = time.monotonic() + GOODBYE
        for channel in self._held:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                channel.shutdown_write()
        for channel in self._held:
            while not channel.status_event.wait(min(TICK, max(0.0, deadline - time.monotonic()))):
                if self._cancel.stopping_now or time.monotonic() >= deadline:
                    break
        self._held.clear()
        hang_up(self._transport)

    def __enter__(self) -> "SshConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(
        self, request: Request, deadline: float, *, password: Secret | None = None, given: Iterable[bytes] = ()
    ) -> ScriptResult:
        if not request.pty:
            with _closing(self._open(deadline)) as channel:
                _ask(channel, "exec", COMMAND)
                return self._converse(channel, request, deadline, password=password, given=given)
        # A pty cuts lines at 4,096 bytes and mixes both outputs: the request goes ahead as a file, without a pty.
        text = request.text().encode()
        path = self._send_file("request", len(text), hashlib.sha256(text).hexdigest(), iter([text]), deadline)
        holder = self._held.pop()
        try:
            with _closing(self._open(deadline)) as channel:
                _ask_for_pty_without_echo(channel)
                _ask(channel, "exec", f"/bin/sh {path}")
                return self._converse(channel, request, deadline, password=password, given=given, ask=False)
        finally:
            _close(holder)

    def _send_file(self, name: str, size: int, sha256: str, chunks: Iterator[bytes], deadline: float) -> str:
        request = Request.upload(name, size)
        channel = self._open(deadline)
        try:
            _ask(channel, "exec", COMMAND)
            try:
                result = self._converse(channel, request, deadline, given=chunks)
                answer = UploadAnswer.parse(result.stdout) if result.exit_code == 0 else None
            except NotRun as refused:
                raise self._explained(refused) from None
            except ValueError as error:
                raise self._damaged(str(error)) from None
            if answer is None:
                raise self._damaged(result.stderr.decode("utf-8", "replace").strip()[-300:])
            arrived = hashlib.sha256(answer.content).hexdigest() if answer.content is not None else answer.sha256
            if arrived != sha256.lower():
                raise self._damaged(f"Its SHA-256 there is {arrived}, here it is {sha256.lower()}")
        except BaseException:
            _close(channel)
            raise
        self._held.append(channel)
        return answer.path

    def _open(self, deadline: float) -> paramiko.Channel:
        seconds = max(0.0, min(self._limits.open_session, deadline - time.monotonic()))
        try:
            return self._transport.open_session(timeout=seconds)
        except (paramiko.SSHException, EOFError, OSError) as error:
            self._cancel.check_now()
            raise self._lost(f"The server opened no session ({said_by(error)})") from None

    def _converse(
        self,
        channel: paramiko.Channel,
        request: Request,
        deadline: float,
        *,
        password: Secret | None = None,
        given: Iterable[bytes] = (),
        ask: bool = True,
    ) -> ScriptResult:
        """Carry out the dialogue. Raises NotRun, ConnectionLost, Cancelled; PrivilegeMissing for a stopped account."""
        arrived = threading.Event()
        channel.in_buffer.set_event(arrived)
        channel.in_stderr_buffer.set_event(arrived)
        dialogue = Dialogue(request)
        attempt: Attempt | None = None
        if ask:
            self._send(channel, [request.text().encode()], deadline)
        with ExitStack() as gate:
            want = Want.MORE
            while want is not Want.NOTHING:
                # Stop now and a lost connection close the channel, which sets it too.
                arrived.wait(min(PATIENT_TICK, max(0.0, deadline - time.monotonic())))
                arrived.clear()
                # Asked before reading: what arrived before the end is then read below.
                ended = channel.closed or channel.eof_received
                received = _drain(channel)
                if any(received) or want is not Want.MORE:  # a long wait should cost nothing
                    want = dialogue.feed(*received)
                if want is Want.PASSWORD and password is not None:
                    attempt = gate.enter_context(self._turn_for_password())
                    self._send(channel, [password.reveal().encode() + b"\n"], deadline)
                elif want is Want.INPUT:
                    self._send(channel, given, deadline, dialogue)
                    if request.wants_secret and not request.pty:
                        with contextlib.suppress(OSError, EOFError):
                            channel.shutdown_write()
                elif want is Want.MORE:
                    if ended:
                        self._check(deadline, alive=True)
                        dialogue.end_of_stream()
                        break
                    self._check(deadline)
                if dialogue.began and attempt is not None:
                    attempt.accepted = True
                    gate.close()  # the others need not wait until the script is done
            try:
                return dialogue.result()
            except NotRun as refused:
                if refused.refusal is Refusal.WRONG_PASSWORD and attempt is not None:
                    attempt.accepted = False
                raise

    @contextlib.contextmanager
    def _turn_for_password(self) -> Iterator[Attempt]:
        account = self._account
        try:
            turn = account.lockout.attempt(account.credential.username, account.name, self._host.name, self._cancel)
            attempt = turn.__enter__()
        except LogInRefused as error:
            raise PrivilegeUntried(error.what, where=error.where, why=error.why, remedy=error.remedy) from None
        try:
            yield attempt
        finally:
            turn.__exit__(None, None, None)

    def _send(
        self,
        channel: paramiko.Channel,
        chunks: Iterable[bytes],
        deadline: float,
        dialogue: Dialogue | None = None,
    ) -> None:
        """Write it all, unless the other side closes or ends the `dialogue` first: its result then says why."""
        channel.settimeout(TICK)
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                self._check(deadline)
                try:
                    sent = channel.send(bytes(rest))
                except TimeoutError:
                    sent = 0
                except (OSError, EOFError):
                    return
                if channel.closed or (dialogue is not None and dialogue.feed(*_drain(channel)) is Want.NOTHING):
                    return
                rest = rest[sent:]

    def _check(self, deadline: float, alive: bool = False) -> None:
        self._cancel.check_now()
        if not self._transport.is_active():
            raise self._lost("The server, or something on the way to it, hung up")
        if not alive and time.monotonic() >= deadline:
            raise ConnectionLost(
                "The server took too long",
                where=self._host.name,
                why="A command did not end within its time limit; it is left to itself there",
                remedy="See what hangs on the server, then try again",
            )

    def _lost(self, why: str) -> ConnectionLost:
        return ConnectionLost(
            "The connection was lost", where=self._host.name, why=why, remedy="Check the server and try again"
        )

    def _damaged(self, why: str) -> ConnectionLost:
        return ConnectionLost(
            "A file did not arrive on the server as it was sent",
            where=self._host.name,
            why=why,
            remedy="Check the free space of its temporary folders, then try again",
        )

    def _explained(self, refused: NotRun) -> HostError:
        return explain(refused, self._host.name, self._account.credential.username, self._account.name)


def _untrusted(host: Host, key: HostKey, verdict: Verdict) -> HostUntrusted:
    where = f" ({verdict.source})" if verdict.source else ""
    shown = f"It shows {key.key_type} {key.fingerprint}"
    reason = f"{shown}. {verdict.reason}{where}" if verdict.reason else shown
    address, port = host.target
    if verdict.trust is Trust.CHANGED:
        return HostUntrusted(
            "The server's identity has changed; nothing was sent to it",
            where=host.name,
            why=reason,
            remedy=f"Find out why: a new installation, or somebody in between. If the new key is right, remove the old "
            f"entry of {address} port {port} and approve the new one",
        )
    if verdict.trust is Trust.REVOKED:
        return HostUntrusted(
            "The server's key is revoked; nothing was sent to it",
            where=host.name,
            why=reason,
            remedy="Give the server a new host key",
        )
    return HostUntrusted(
        "The server's identity is not known; nothing was sent to it",
        where=host.name,
        why=reason,
        remedy="Compare the fingerprint with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub), "
        "then approve it",
    )


@contextlib.contextmanager
def _as_refusal(host: Host) -> Iterator[None]:
    """What keeps a secret from being had ends the log-in of this server, and no more."""
    try:
        yield
    except HostError:
        raise
    except OnboardError as error:
        raise LogInRefused(error.what, where=host.name, why=_joined(error), remedy=error.remedy) from None


def _joined(error: OnboardError) -> str:
    return ": ".join(part for part in (error.where, error.why) if part)


def _close(channel: paramiko.Channel) -> None:
    """Close it. On a broken connection paramiko raises, which would hide why it broke."""
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.close()


@contextlib.contextmanager
def _closing(channel: paramiko.Channel) -> Iterator[paramiko.Channel]:
    try:
        yield channel
    finally:
        _close(channel)


def _ask(channel: paramiko.Channel, kind: str, *fields: bytes | str | int) -> None:
    """Send a channel request (RFC 4254 §6) and do not wait: a server that refuses it closes the channel.

    paramiko's own exec_command waits for the answer without a time limit, and costs one more round trip.
    """
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string(kind)
    message.add_boolean(True)
    for value in fields:
        if isinstance(value, int):
            message.add_int(value)
        else:
            message.add_string(value)
    transport: Any = channel.get_transport()
    transport._send_user_message(message)


def _ask_for_pty_without_echo(channel: paramiko.Channel) -> None:
    modes = b"\x35" + bytes(4) + b"\0"  # RFC 4254 §8: ECHO off; end of modes
    _ask(channel, "pty-req", "dumb", 80, 24, 0, 0, modes)


def _drain(channel: paramiko.Channel) -> tuple[bytes, bytes]:
    """What has arrived on standard output and standard error, without waiting.

    Both streams set one event and reading either may clear it, so this reads until neither has anything left.
    """
    out, err = bytearray(), bytearray()
    while True:
        if channel.recv_ready():
            out += channel.recv(1 << 20)
        elif channel.recv_stderr_ready():
            err += channel.recv_stderr(1 << 20)
        else:
            return bytes(out), bytes(err)
