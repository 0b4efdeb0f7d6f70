"""An open SSH connection: runs scripts (also as root), uploads files, opens tunnels."""

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import paramiko

from onboard.hosts.connection import Capability, ScriptResult
from onboard.hosts.dial import TICK
from onboard.hosts.lockout import Attempt
from onboard.hosts.ssh.account import Account
from onboard.hosts.ssh.channel import Channels, SessionRefused, SudoPassword, ask, ask_for_pty_without_echo, close
from onboard.hosts.ssh.dialogue import COMMAND, NotRun, Refusal, Request, UploadAnswer
from onboard.hosts.ssh.refusals import explain, where_and_why
from onboard.hosts.ssh.transport import Limits, SshTransport
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import (
    ConnectionLost,
    HostError,
    LogInRefused,
    OnboardError,
    PrivilegeMissing,
    PrivilegeUntried,
)
from onboard.model.profile import Host
from onboard.model.secret import Secret
from onboard.model.words import Text

CHUNK = 32768  # bytes of an upload in one packet
SIGN_OF_LIFE = 5.0  # seconds
GOODBYE = 2.0  # seconds that close() waits for the server to remove its folders


class SshConnection:
    """An open connection; see onboard.hosts.connection.Connection.

    An uploaded file's folder lives as long as its channel is held. A server that allows one session on a connection
    (MaxSessions 1) therefore gets a second connection for what runs meanwhile; `another` logs in once more.
    """

    def __init__(
        self,
        account: Account,
        transport: SshTransport,
        cancel: CancelToken,
        limits: Limits,
        log_in_password: Secret | None = None,
        *,
        another: Callable[[], SshTransport],
        warning: str = "",
    ) -> None:
        self._host = account.host
        self._account = account
        self._transport = transport
        self._cancel = cancel
        self._log_in_password = log_in_password
        self._warning = warning
        self._limits = limits
        self._another = another
        self._connections = [Channels(account.host.name, transport, cancel, limits)]
        self._needs_tty = False
        self._held: list[tuple[Channels, paramiko.Channel]] = []  # each keeps an uploaded file's folder alive

    @property
    def host(self) -> Host:
        return self._host

    @property
    def warning(self) -> str:
        return self._warning

    @property
    def can(self) -> frozenset[Capability]:
        return frozenset(Capability)

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
                why=Text(
                    "Credential {credential} says sudo = never, and {user} is not root",
                    credential=self._host.credential,
                    user=self._account.username,
                ),
                remedy=Text(
                    'Log in as root, or allow it in the profile: credentials.{credential}.sudo = "auto"',
                    credential=self._host.credential,
                ),
            )
        return self._run_with_sudo(script, deadline, line)

    def _run_with_sudo(self, script: str, deadline: float, line: Sequence[bytes]) -> ScriptResult:
        """Learn from sudo's answers what it requires: a password, offered at once if likely, or a terminal."""
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
                elif refused.refusal is Refusal.NO_SHELL and self._needs_tty:  # the shell ran without a terminal
                    raise self._explained(NotRun(Refusal.NO_TTY, refused.detail, refused.said)) from None
                elif refused.refusal is Refusal.NEEDS_PASSWORD and password is None:
                    self._account.memory.note_privilege_password(self._host.credential)
                    password = self._password_for_sudo()
                else:
                    raise self._explained(refused) from None
        raise self._explained(NotRun(Refusal.SUDO_FAILED, "it keeps asking for something else"))

    def _password_at_hand(self) -> Secret | None:
        """The password to offer from the start; None to try first without: sudo may not want one."""
        if self._log_in_password is not None:
            return self._log_in_password
        if self._account.credential.sudo == "password":
            return self._password_for_sudo()
        if self._account.memory.wants_privilege_password(self._host.credential):
            with contextlib.suppress(PrivilegeMissing):  # it was another server that asked: this one may not
                return self._password_for_sudo()
        return None

    def _password_for_sudo(self) -> Secret:
        try:
            secret = self._account.password(self._cancel)
        except OnboardError as error:
            raise PrivilegeUntried(
                error.what, where=self._host.name, why=where_and_why(error), remedy=error.remedy
            ) from None
        if secret is None:
            raise self._explained(NotRun(Refusal.NEEDS_PASSWORD))
        return secret

    @contextlib.contextmanager
    def _turn_for_sudo(self) -> Iterator[Attempt]:
        turn = self._account.turn(self._cancel)
        try:
            attempt = turn.__enter__()
        except LogInRefused as error:
            raise PrivilegeUntried(error.what, where=error.where, why=error.why, remedy=error.remedy) from None
        try:
            yield attempt
        finally:
            turn.__exit__(None, None, None)

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
        except EOFError:  # writing found it closed, maybe before reading did
            self._cancel.check_now()
            raise self._connections[0].lost() from None
        except paramiko.SSHException:
            self._cancel.check_now()
            if self._transport.is_active():
                raise TimeoutError(errno.ETIMEDOUT, f"no answer within {timeout:.0f} seconds") from None
            raise self._connections[0].lost() from None

    def answers(self) -> bool:
        """See Connection."""
        return self._transport.answers(SIGN_OF_LIFE)

    def close(self) -> None:
        """Let the server remove its folders, then hang up."""
        deadline = time.monotonic() + GOODBYE
        for _, channel in self._held:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                channel.shutdown_write()
        for _, channel in self._held:
            while not channel.status_event.wait(min(TICK, max(0.0, deadline - time.monotonic()))):
                if self._cancel.stopping_now or time.monotonic() >= deadline:
                    break
        self._held.clear()
        for channels in self._connections:
            channels.hang_up()

    def __enter__(self) -> "SshConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(
        self, request: Request, deadline: float, *, password: Secret | None = None, given: Iterable[bytes] = ()
    ) -> ScriptResult:
        offered = SudoPassword(password, self._turn_for_sudo) if password is not None else None
        if not request.pty:
            with self._session(deadline) as (channels, channel):
                ask(channel, "exec", COMMAND)
                return channels.converse(channel, request, deadline, password=offered, given=given)
        # A pty cuts lines at 4,096 bytes and mixes both outputs: so the request is first uploaded as a file.
        text = request.text().encode()
        path = self._send_file("request", len(text), hashlib.sha256(text).hexdigest(), iter([text]), deadline)
        try:
            with self._session(deadline) as (channels, channel):
                ask_for_pty_without_echo(channel)
                ask(channel, "exec", f"/bin/sh {path}")
                return channels.converse(channel, request, deadline, password=offered, given=given, is_sent=True)
        finally:
            keeper, holder = self._held.pop()
            keeper.leave(holder)

    @contextlib.contextmanager
    def _session(self, deadline: float) -> Iterator[tuple[Channels, paramiko.Channel]]:
        """A session to run something in. Raises SessionRefused, ConnectionLost, Cancelled, and what a log-in raises."""
        channels, channel = self._open(deadline)
        try:
            yield channels, channel
        except (ConnectionLost, Cancelled):
            close(channel)  # what runs there may run on: nobody waits for its end
            raise
        except BaseException:
            channels.leave(channel)
            raise
        channels.leave(channel)

    def _open(self, deadline: float) -> tuple[Channels, paramiko.Channel]:
        """Open a channel, on a further connection where held channels are all that the others allow."""
        refusal: SessionRefused | None = None
        for channels in reversed(self._connections):
            try:
                return channels, channels.open(deadline)
            except SessionRefused as error:
                refusal = error
        if refusal is not None and len(self._connections) > len(self._held):
            raise refusal
        channels = Channels(self._host.name, self._another(), self._cancel, self._limits)
        self._connections.append(channels)
        return channels, channels.open(deadline)

    def _send_file(self, name: str, size: int, sha256: str, chunks: Iterator[bytes], deadline: float) -> str:
        request = Request.upload(name, size)
        channels, channel = self._open(deadline)
        try:
            ask(channel, "exec", COMMAND)
            try:
                result = channels.converse(channel, request, deadline, given=chunks)
                answer = UploadAnswer.parse(result.stdout) if result.exit_code == 0 else None
            except NotRun as refused:
                raise self._explained(refused) from None
            except ValueError as error:
                raise self._damaged(str(error)) from None
            if answer is None:
                raise self._damaged(result.stderr.decode("utf-8", "replace").strip()[-300:])
            arrived = hashlib.sha256(answer.content).hexdigest() if answer.content is not None else answer.sha256
            if arrived != sha256.lower():
                raise self._damaged(
                    Text(
                        "Its SHA-256 on the server is {there}, on this computer {here}",
                        there=arrived,
                        here=sha256.lower(),
                    )
                )
        except BaseException:
            close(channel)
            raise
        self._held.append((channels, channel))
        return answer.path

    def _damaged(self, why: str) -> ConnectionLost:
        return ConnectionLost(
            "A file arrived damaged on the server",
            where=self._host.name,
            why=why,
            remedy="Check the free space in its temporary folders, then try again",
        )

    def _explained(self, refused: NotRun) -> HostError:
        return explain(refused, self._host.name, self._account.username, self._host.credential)
