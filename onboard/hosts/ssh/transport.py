"""SSH up to the key exchange: reach a server and learn its host key. Nothing is authenticated here, on either side."""

import contextlib
import logging
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST, cMSG_SERVICE_REQUEST
from paramiko.packet import Packetizer
from paramiko.ssh_exception import IncompatiblePeer

from onboard.hosts.dial import DIRECT, TICK, Dialler
from onboard.hosts.ssh.host_key import ALGORITHMS, HostKey, algorithms_of
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable
from onboard.model.profile import Host
from onboard.model.words import Text, joined

# Without a handler, Python would print paramiko's errors and tracebacks; our own errors are clearer.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

# What paramiko still offers and OpenSSH's client no longer does.
WEAK = {
    "ciphers": ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc", "blowfish-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1-96"],
    "kex": ["diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1"],
}

# Asked for first, as OpenSSH's client does before AES in counter mode: they need no code of their own over each packet,
# which paramiko compares byte by byte.
AUTHENTICATED = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")

KEEPALIVE = 30.0  # seconds of silence before a keepalive, so that firewalls keep the connection
LOOK = 10.0  # seconds between two looks of paramiko's thread at a silent server; closing the connection wakes it
LONGEST_GREETING = 64 * 1024  # bytes that a server may print until its first line of SSH has come
LONGEST_PACKET = 1024 * 1024  # bytes; OpenSSH accepts a quarter of that


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds.

    handshake  for the server's first line, and once more for the key exchange
    start      until the log-in shell has started /bin/sh
    pauses     before another connection, where the server closed one before the key exchange
    """

    connect: float = 10.0
    handshake: float = 15.0
    log_in: float = 30.0
    open_session: float = 15.0
    start: float = 20.0
    pauses: tuple[float, ...] = (1.0, 3.0)


DEFAULT_LIMITS = Limits()


class _Incoming(Packetizer):
    """Reads what a server sends, within limits: paramiko has none, and nobody is authenticated yet.

    said     the lines until the server's first line of SSH, such as why sshd closes the connection
    hung_up  the server closed the connection before that line
    """

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.said: list[str] = []
        self.hung_up = False
        self._greeting = 0

    def readline(self, timeout: Any) -> Any:
        try:
            line: str = super().readline(timeout)
        except (EOFError, ConnectionError):
            self.hung_up = True
            raise
        self.said.append(line)
        return line

    def _read_timeout(self, timeout: float) -> bytes:
        data: bytes = super()._read_timeout(timeout)  # type: ignore[misc] # not in its type stubs
        self._greeting += len(data)
        if self._greeting > LONGEST_GREETING:
            raise paramiko.SSHException(": too much was printed before it")
        return data

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > LONGEST_PACKET:
            raise paramiko.SSHException(f"It announced a packet of {n:,} bytes")
        return super().read_all(n, check_rekey)


class SshTransport(paramiko.Transport):
    """paramiko's transport with our order of host key algorithms, and an end as soon as the user says stop."""

    def __init__(self, sock: socket.socket, algorithms: Sequence[str]) -> None:
        self._algorithms = tuple(algorithms)
        self._may_authenticate = False
        self._closes = threading.Condition()
        super().__init__(sock, disabled_algorithms=WEAK, packetizer_class=_Incoming)
        offered = self.get_security_options()
        offered.ciphers = (*AUTHENTICATED, *(name for name in offered.ciphers if name not in AUTHENTICATED))
        self._connected = sock
        self._no_longer: Callable[[], object] = lambda: None

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        return self._algorithms

    def _send_message(self, data: Any) -> None:
        """Ask for the authentication service once.

        paramiko asks before every method that it tries. OpenSSH puts up with that; other servers (asyncssh, Go's) hang
        up, and that would count as a refused password.
        """
        if data.asbytes()[:1] == cMSG_SERVICE_REQUEST:
            if self._may_authenticate:
                self._next_method()
                return
            self._may_authenticate = True
        super()._send_message(data)  # type: ignore[misc] # not in its type stubs

    def _next_method(self) -> None:
        accepted = paramiko.Message()
        accepted.add_string("ssh-userauth")
        accepted.rewind()
        handler: Any = self.auth_handler
        handler._parse_service_accept(accepted)

    def host_key_shown(self) -> HostKey:
        """The key that signed the key exchange, or the certificate of it."""
        key = self.get_remote_server_key()
        certificate = getattr(key, "public_blob", None)
        return HostKey(certificate.key_blob if certificate is not None else key.asbytes())

    def cannot_verify(self, key_types: Sequence[str]) -> str:
        """Why the server may be unable to verify signatures of all of these keys; "" where it can, as far as it says.

        OpenSSH names its signature algorithms since 7.2, the first version that takes RSA keys with SHA-2. This program
        can use RSA keys with SHA-2 only, where the server names no algorithms.
        """
        extensions: dict[str, bytes] = self.server_extensions  # type: ignore[attr-defined] # not in its type stubs
        named = [name for name in extensions.get("server-sig-algs", b"").decode("ascii", "replace").split(",") if name]
        usable = {name for key_type in key_types for name in ALGORITHMS.get(key_type, (key_type,))}
        if named and not usable.intersection(named):
            return Text("It verifies only signatures of these kinds: {algorithms}", algorithms=", ".join(named))
        if not named and set(key_types) == {"ssh-rsa"}:
            return Text(
                "It may verify RSA keys only by SHA-1 signatures, which are not secure, as OpenSSH before 7.2 does; it "
                "is {version}",
                version=self.remote_version[:80],
            )
        return ""

    def break_off_on(self, cancel: CancelToken) -> None:
        """Hang up on stop_now(), which wakes everybody who waits for the server; also send keepalives."""
        self._no_longer = cancel.on_stop_now(self.cut)
        self._connected.settimeout(LOOK)
        self.packetizer.set_keepalive(KEEPALIVE, self._speak)

    def _speak(self) -> None:
        self.global_request("keepalive@openssh.com", wait=False)

    def answers(self, seconds: float) -> bool:
        """Whether the server answers a request within `seconds`, even if it does not know it (RFC 4254 §4)."""
        answered = threading.Event()
        self.completion_event = answered  # which paramiko sets when the answer arrives, or the connection ends
        request = paramiko.Message()
        request.add_byte(cMSG_GLOBAL_REQUEST)
        request.add_string("keepalive@openssh.com")
        request.add_boolean(True)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._send_user_message(request)  # type: ignore[attr-defined] # not in its type stubs
            answered.wait(seconds)
        return answered.is_set() and self.is_active()

    def hang_up(self) -> None:
        """End the connection and wait until its threads are gone."""
        self._no_longer()
        self.packetizer.complete_handshake()  # else the timer of a handshake that failed lives on
        self.cut()
        if self.is_alive():
            # First: once the socket is closed, its number may be another connection's, on which this thread would wait.
            self.join(2.0)
        self.close()

    def _unlink_channel(self, chanid: int) -> None:
        """paramiko calls this when the server has closed a channel, and for every channel when the connection ends."""
        super()._unlink_channel(chanid)  # type: ignore[misc] # not in its type stubs
        with self._closes:
            self._closes.notify_all()

    def wait_for_close(self, channel: paramiko.Channel, seconds: float) -> None:
        """Wait at most `seconds` until the server has closed a channel."""
        channels: Any = self._channels  # type: ignore[attr-defined]
        with self._closes:
            self._closes.wait_for(lambda: channels.get(channel.chanid) is not channel, seconds)

    def auth_banner(self) -> str:
        """The last banner that came with the authentication method tried last; it may say why that was refused."""
        banner = getattr(self.auth_handler, "banner", None) or b""
        return banner.decode("utf-8", "replace") if isinstance(banner, bytes) else str(banner)

    @property
    def software(self) -> str:
        """The server's first line of SSH, such as SSH-2.0-OpenSSH_9.2p1."""
        return str(self.remote_version)

    @property
    def incoming(self) -> _Incoming:
        incoming: Any = self.packetizer
        assert isinstance(incoming, _Incoming)  # noqa: S101 - its own constructor made it
        return incoming

    def cut(self) -> None:
        """Break the TCP connection: whoever waits on it wakes at once."""
        with contextlib.suppress(OSError):
            self._connected.shutdown(socket.SHUT_RDWR)


def host_key(
    host: Host,
    key_types: Sequence[str],
    cancel: CancelToken,
    limits: Limits = DEFAULT_LIMITS,
    dialler: Dialler = DIRECT,
) -> HostKey:
    """The host key that a server shows when asked for `key_types`, best first.

    Nothing is sent but the key exchange. Raises NoSuchKey, HostUnreachable, Cancelled.
    """
    transport = handshake(host, algorithms_of(key_types), cancel, limits, dialler)
    try:
        return transport.host_key_shown()
    finally:
        transport.hang_up()


class NoSuchKey(HostUnreachable):
    """The server has no host key of a type that was asked for."""


class _HungUp(HostUnreachable):
    """The server closed the connection before the key exchange; it may not do so the next time."""


def handshake(
    host: Host, algorithms: Sequence[str], cancel: CancelToken, limits: Limits, dialler: Dialler
) -> SshTransport:
    """Reach a server and exchange keys; nothing is authenticated yet, on either side.

    A server that closes the connection before that is called again after a pause: sshd does so at random when many
    log in at once (MaxStartups). Raises HostUnreachable, Cancelled.
    """
    for pause in limits.pauses:
        try:
            return _handshake(host, algorithms, cancel, limits, dialler)
        except _HungUp:
            cancel.wait_now(pause * random.uniform(0.5, 1.5))  # noqa: S311 - not all servers at the same moment
            cancel.check_now()
    return _handshake(host, algorithms, cancel, limits, dialler)


def _handshake(
    host: Host, algorithms: Sequence[str], cancel: CancelToken, limits: Limits, dialler: Dialler
) -> SshTransport:
    deadline = time.monotonic() + limits.connect + 2 * limits.handshake
    transport = SshTransport(dialler.dial(host, cancel, limits.connect), algorithms)
    transport.banner_timeout = limits.handshake
    transport.handshake_timeout = limits.handshake
    done = threading.Event()
    try:
        transport.start_client(event=done)
        while not done.wait(TICK) and transport.is_active():
            cancel.check_now()
            if time.monotonic() > deadline:
                raise _no_ssh(host, "It did not finish the key exchange in time")
        if not transport.is_active():
            cancel.check_now()
            raise _handshake_failed(host, transport.get_exception(), transport.incoming)
    except BaseException:
        transport.hang_up()
        raise
    return transport


# What sshd prints instead of its first line when it takes no more connections at present.
_BUSY = re.compile(r"MaxStartups|Not allowed at this time")


def _handshake_failed(host: Host, error: Exception | None, incoming: _Incoming) -> HostUnreachable:
    said = said_by(error) if error is not None else ""
    printed = "" if not incoming.said or incoming.said[-1].startswith("SSH-") else incoming.said[-1].strip()
    if isinstance(error, EOFError | ConnectionError) or (
        incoming.hung_up and (not printed or _BUSY.search(printed) is not None)
    ):
        return _HungUp(
            "The server closed the connection before the log-in",
            where=host.name,
            why=joined("It did so each time", printed),
            remedy=Text(
                "Check that an SSH server listens on {place}. It closes connections when too many clients log in at "
                "once (MaxStartups, PerSourcePenalties) or when it denies this computer",
                place=host.place,
            ),
        )
    if isinstance(error, IncompatiblePeer):
        kind = NoSuchKey if _lacks_host_key(error) else HostUnreachable
        return kind(
            "The server and this program have no SSH algorithm in common",
            where=host.name,
            why=joined(said, incoming.said[-1].strip() if incoming.said else ""),
            remedy="Update its OpenSSH, or allow current algorithms (curve25519-sha256, aes128-ctr, hmac-sha2-256, "
            "ed25519 or RSA host keys with SHA-2) in its sshd_config. A server without them, such as tinysshd, needs "
            "OpenSSH's sshd",
        )
    if isinstance(error, EOFError | OSError) or (error is not None and _says_something_else(error)):
        return _no_ssh(host, joined("It closed the connection, or did not answer as an SSH server does", printed))
    return _no_ssh(host, said)


def _no_ssh(host: Host, why: str) -> HostUnreachable:
    return HostUnreachable(
        "The server does not speak SSH",
        where=host.name,
        why=why,
        remedy=Text(
            "Check what listens on {place}. An SSH server closes the connection when too many clients log in at once "
            "(MaxStartups) or when it denies this computer",
            place=host.place,
        ),
    )


def said_by(error: BaseException) -> str:
    """What an exception means, in words: paramiko lets through what it stumbles over in a server's bytes."""
    if isinstance(error, EOFError):
        return "It closed the connection"
    if isinstance(error, paramiko.SSHException | OSError):
        return str(error) or "No reason was given"
    return "It sent something that is not SSH"


# Four decisions go by the text of paramiko's errors, since it has one type for all of them: IncompatiblePeer for
# whatever the two sides do not have in common, SSHException and AuthenticationException for all the rest.


def is_log_in_timeout(error: BaseException) -> bool:
    """Whether the server left an authentication request without an answer, which is not a refusal."""
    return "timeout" in str(error)


def asks_for_new_password(error: BaseException) -> bool:
    """Whether the server answered a password with a request to change it (RFC 4252 §8), which paramiko cannot read."""
    return "Illegal info request" in str(error)


def _lacks_host_key(error: IncompatiblePeer) -> bool:
    return "host key" in str(error)


def _says_something_else(error: Exception) -> bool:
    """Whether the server's first line is missing, or is not SSH's."""
    return "banner" in str(error)
