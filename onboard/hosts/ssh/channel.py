"""Exec channels of one SSH connection: they carry out a dialogue's requests and report a lost connection.

The dialogue (onboard.hosts.ssh.dialogue) decides what is said and in which order; this module handles the bytes, the
time limits and paramiko's channel.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from onboard.hosts.connection import ScriptResult
from onboard.hosts.dial import TICK
from onboard.hosts.lockout import Attempt
from onboard.hosts.ssh.dialogue import Dialogue, NotRun, Refusal, Request, Want
from onboard.hosts.ssh.transport import Limits, SshTransport, said_by
from onboard.model.cancel import CancelToken
from onboard.model.errors import ConnectionLost
from onboard.model.secret import Secret
from onboard.model.words import Text, joined

CLOSE_LIMIT = 2.0  # seconds that a server has to close a channel before the next one is opened
FREED_AFTER = (0.0, 0.05, 0.25)  # seconds; OpenSSH frees a session a moment after it has closed its channel
PATIENT_TICK = 1.0  # seconds between two looks at a server that is silent: ten a second cost more than its answer


@dataclass(frozen=True, slots=True)
class SudoPassword:
    """`turn` is waited for before the password is sent, and hears whether sudo accepted it."""

    secret: Secret
    turn: Callable[[], AbstractContextManager[Attempt]]


class SessionRefused(ConnectionLost):
    """The server opens no further session on this connection."""


class Channels:
    """The channels of one connection to the server named `host`."""

    def __init__(self, host: str, transport: SshTransport, cancel: CancelToken, limits: Limits) -> None:
        self._host = host
        self._transport = transport
        self._cancel = cancel
        self._limits = limits
        self._left: list[paramiko.Channel] = []

    def open(self, deadline: float) -> paramiko.Channel:
        """Raises SessionRefused, ConnectionLost, Cancelled."""
        pauses = FREED_AFTER if self._left else ()
        while self._left:  # dropbear, and OpenSSH with MaxSessions 1, refuse a channel while they have another one
            channel = self._left.pop()
            self._transport.wait_for_close(channel, CLOSE_LIMIT)
            close(channel)
        for pause in pauses:
            try:
                return self._open(deadline)
            except SessionRefused:
                self._cancel.wait_now(pause)
        return self._open(deadline)

    def _open(self, deadline: float) -> paramiko.Channel:
        self._cancel.check_now()
        seconds = max(0.0, min(self._limits.open_session, deadline - time.monotonic()))
        try:
            return self._transport.open_session(timeout=seconds)
        except paramiko.ChannelException as error:
            self._cancel.check_now()
            raise SessionRefused(
                "The server refused to open a session",
                where=self._host,
                why=Text("It allows too few sessions on one connection, or none ({reason})", reason=error.text),
                remedy="Set MaxSessions in its sshd_config to 2 or more (the default is 10)",
            ) from None
        except EOFError:  # writing found it closed, maybe before reading did
            self._cancel.check_now()
            raise self.lost() from None
        except (paramiko.SSHException, OSError) as error:
            self._cancel.check_now()
            raise self.lost(Text("The server did not open a session ({reason})", reason=said_by(error))) from None

    def leave(self, channel: paramiko.Channel) -> None:
        """Let the server close a channel in which nothing of value runs any more, before the next one is opened.

        OpenSSH counts a session until its shell has ended: it must not be closed here first.
        """
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            channel.shutdown_write()
        self._left.append(channel)

    def hang_up(self) -> None:
        self._transport.hang_up()

    def lost(self, why: str = "") -> ConnectionLost:
        """The error to raise where something failed on the connection: `why`, if it is not simply closed."""
        if not why or not self._transport.is_active():
            why = self._why_closed()
        return ConnectionLost(
            "The connection was lost", where=self._host, why=why, remedy="Check the server and try again"
        )

    def converse(
        self,
        channel: paramiko.Channel,
        request: Request,
        deadline: float,
        *,
        password: SudoPassword | None = None,
        given: Iterable[bytes] = (),
        is_sent: bool = False,
    ) -> ScriptResult:
        """Carry out the dialogue; `is_sent`: the server has the request already.

        Raises NotRun, ConnectionLost, Cancelled, and what the password's `turn` raises.
        """
        arrived = threading.Event()
        channel.in_buffer.set_event(arrived)
        channel.in_stderr_buffer.set_event(arrived)
        dialogue = Dialogue(request)
        attempt: Attempt | None = None
        must_start = time.monotonic() + self._limits.start
        if not is_sent:
            self._send(channel, [request.text().encode()], deadline)
        with ExitStack() as gate:
            want = Want.MORE
            while want is not Want.NOTHING:
                # Stop now and a lost connection close the channel, which sets it too.
                arrived.wait(min(PATIENT_TICK, max(0.0, deadline - time.monotonic())))
                arrived.clear()
                # Asked before reading: what arrived before the end is then read below.
                ended = channel.closed or channel.eof_received
                received = drain(channel, dialogue.most)
                if any(received) or want is not Want.MORE:  # a long wait should cost nothing
                    want = dialogue.feed(*received)
                if want is Want.PASSWORD and password is not None:
                    attempt = gate.enter_context(password.turn())
                    self._send(channel, [password.secret.reveal().encode() + b"\n"], deadline)
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
                    if time.monotonic() >= must_start and not dialogue.started:
                        dialogue.give_up_start()
                        break
                if dialogue.began and attempt is not None:
                    attempt.accepted = True
                    gate.close()  # the others need not wait until the script is done
            try:
                return dialogue.result()
            except NotRun as refused:
                if refused.refusal is Refusal.WRONG_PASSWORD and attempt is not None:
                    attempt.accepted = False
                if refused.refusal is Refusal.TOO_MUCH:
                    self._transport.cut()  # it would go on
                raise

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
                if channel.closed:
                    return
                if dialogue is not None and dialogue.feed(*drain(channel, dialogue.most)) is Want.NOTHING:
                    return
                rest = rest[sent:]

    def _check(self, deadline: float, alive: bool = False) -> None:
        self._cancel.check_now()
        if not self._transport.is_active():
            raise self.lost()
        if not alive and time.monotonic() >= deadline:
            raise ConnectionLost(
                "The server took too long",
                where=self._host,
                why="A command did not end within its time limit; it is still running on the server",
                remedy="Find out what hangs on the server, then try again",
            )

    def _why_closed(self) -> str:
        error = self._transport.get_exception()
        said = "" if error is None or isinstance(error, EOFError) else said_by(error)
        return joined("The server, or a device on the way to it, closed the connection", said)


def close(channel: paramiko.Channel) -> None:
    """Close it. On a broken connection paramiko raises, which would hide why it broke."""
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.close()


def ask(channel: paramiko.Channel, kind: str, *fields: bytes | str | int) -> None:
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


def ask_for_pty_without_echo(channel: paramiko.Channel) -> None:
    modes = b"\x35" + bytes(4) + b"\0"  # RFC 4254 §8: ECHO off; end of modes
    ask(channel, "pty-req", "dumb", 80, 24, 0, 0, modes)


def drain(channel: paramiko.Channel, at_most: int) -> tuple[bytes, bytes]:
    """What has arrived on standard output and standard error, without waiting.

    Both streams set one event and reading either may clear it, so this reads until neither has anything left, or until
    there is more than a server may send (`at_most`): one that never stops would be read for ever.
    """
    out, err = bytearray(), bytearray()
    while len(out) + len(err) <= at_most:
        if channel.recv_ready():
            out += channel.recv(1 << 20)
        elif channel.recv_stderr_ready():
            err += channel.recv_stderr(1 << 20)
        else:
            break
    return bytes(out), bytes(err)
