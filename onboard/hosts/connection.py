"""What every way of reaching a server offers. A connection belongs to one worker at a time."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from onboard.model.cancel import CancelToken
from onboard.model.profile import Host
from onboard.model.secret import Secret


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What a script did: its exit code and raw output, free of banners and of what rc files print."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Capability(StrEnum):
    """What a kind of connection may be without.

    To act as root is not one of them: whether an account may is learned by trying, and PrivilegeMissing says why not.
    """

    UPLOAD = "upload"
    TUNNEL = "tunnel"


class Tunnel(Protocol):
    """The part of a socket that a channel to somewhere else has."""

    def sendall(self, data: bytes, /) -> object: ...

    def recv(self, size: int, /) -> bytes: ...

    def settimeout(self, seconds: float | None, /) -> object: ...

    def close(self) -> object: ...


class Connection(Protocol):
    """An authenticated connection to a server whose identity was verified before anything was sent.

    Every method raises ConnectionLost when the connection breaks, the time limit passes, or the server prints more than
    an answer can have, and Cancelled on CancelToken.stop_now().
    """

    @property
    def host(self) -> Host: ...

    @property
    def can(self) -> frozenset[Capability]:
        """What this kind of connection is able to do; the server may still refuse it."""
        ...

    @property
    def warning(self) -> str:
        """Why the server's identity is less certain than it should be; "" if it is certain."""
        ...

    def run_script(
        self,
        script: str,
        *,
        privileged: bool = False,
        secret_line: Secret | None = None,
        timeout: float = 60.0,
    ) -> ScriptResult:
        """Run a POSIX sh script in one round trip, in the C locale.

        `privileged` runs it as root: directly if the account is root, otherwise through sudo; raises
        PrivilegeMissing when the account may not. The script finds `secret_line` as the first line of its standard
        input (`IFS= read -r secret`); it is sent only once the script runs with the wanted privilege, never before.
        `timeout` is in seconds.
        """
        ...

    def upload(self, source: Path, *, sha256: str, timeout: float = 600.0) -> str:
        """Copy a file into a new folder only this account can read; its path there. Verified by its hash in hex.

        The folder is removed when the connection closes. Only with Capability.UPLOAD.
        """
        ...

    def open_tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> Tunnel:
        """A socket-like channel from the server to `address`:`port` (SSH direct-tcpip). OSError when refused.

        Only with Capability.TUNNEL.
        """
        ...

    def answers(self) -> bool:
        """Whether the server still answers on this connection: asks it, and waits a few seconds at most."""
        ...

    def close(self) -> None: ...


class Connector(Protocol):
    """Opens connections."""

    def connect(self, host: Host, cancel: CancelToken) -> Connection:
        """Raises HostUnreachable (LogInBroken), HostUntrusted, LogInRefused (LogInUntried)."""
        ...
