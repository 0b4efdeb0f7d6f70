"""Real servers that do what servers should not: print without end, ask for another password, allow one session only…"""

import hashlib
import resource
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import asyncssh
import pytest
from openssh import Account, OpenSsh, account, dropbear, log_of, openssh

from onboard.engine.survey import finish_with
from onboard.hosts.connection import Connection
from onboard.hosts.dial import DIRECT
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.host_key import KEY_TYPES
from onboard.hosts.ssh.known_hosts import KnownHosts, entry_name
from onboard.hosts.ssh.transport import Limits, host_key
from onboard.model.cancel import CancelToken
from onboard.model.errors import ConnectionLost, HostError, HostUnreachable, LogInRefused, PrivilegeMissing
from onboard.model.place import Place
from onboard.model.profile import Host
from onboard.model.status import HostStatus
from onboard.practice.loop_thread import running

PASSWORD = "canary-Password 'with' $quotes"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with openssh(tmp_path_factory.mktemp("sshd")) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def user(server: OpenSsh) -> Iterator[Account]:
    with account(server, password=PASSWORD, sudo="ALL=(ALL) NOPASSWD: ALL") as found:
        yield found


@contextmanager
def connected(server: OpenSsh, user: Account, kind: str = "ssh-key", **settings: object) -> Iterator[Connection]:
    connector = server.connector(user.credential(kind), **settings)  # type: ignore[arg-type]
    with closing(connector.connect(server.host(), CancelToken())) as connection:
        yield connection


class Counted:
    """What is kept of refused passwords: nothing, where the server did not refuse one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lockout.json"
        self.memory = LogInMemory()
        self.settings = {"secret": PASSWORD, "lockout": Lockout(self.path), "memory": self.memory}

    def is_empty(self) -> bool:
        return not self.path.exists() and self.memory.refused == frozenset()


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


# --- servers that print without end


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_forced_command_that_prints_without_end_is_cut_off(tmp_path: Path) -> None:
    before = peak()
    with (
        openssh(tmp_path, options={"ForceCommand": "exec cat /dev/zero"}) as server,
        account(server, password=PASSWORD) as user,
        connected(server, user) as connection,
    ):
        with pytest.raises(ConnectionLost, match="more than an answer can have") as caught:
            connection.run_script("true")
        assert peak() - before < 64 * MIB
        with pytest.raises(ConnectionLost):  # it would go on printing
            connection.run_script("true")
    ended = finish_with(server.host(), caught.value)
    assert ended.status is HostStatus.UNREACHABLE
    assert ended.reason == "The server printed more than an answer can have"


@pytest.mark.parametrize("script", ["cat /dev/zero", "cat /dev/zero >&2"])
def test_a_script_that_prints_without_end_is_cut_off(server: OpenSsh, user: Account, script: str) -> None:
    before = peak()
    with connected(server, user) as connection, pytest.raises(ConnectionLost, match="more than an answer can have"):
        connection.run_script(script, privileged=True)
    assert peak() - before < 64 * MIB


def test_noise_without_end_before_the_answer_is_cut_off(server: OpenSsh, user: Account) -> None:
    with (
        rc_file(user, "yes 'all servers online' >&2"),
        connected(server, user) as connection,
        pytest.raises(ConnectionLost, match="more than an answer can have"),
    ):
        connection.run_script("true")


@pytest.mark.parametrize("printed", [b"x" * 65536, b"SSH-2.0-OpenSSH_9.2\r\n\x7f\xff\xff\xfc" + b"x" * 65536])
def test_a_server_that_never_ends_its_first_line_or_packet_is_cut_off(
    server: OpenSsh, user: Account, printed: bytes
) -> None:
    """Nobody is authenticated yet: anything on the way to the server can do this."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                try:
                    client.sendall(printed)
                    while True:
                        client.sendall(b"x" * 65536)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host = Host(name="server", address="127.0.0.1", port=listener.getsockname()[1])
        with pytest.raises(HostUnreachable, match="does not speak SSH"):
            server.connector(user.credential(), limits=Limits(handshake=600.0)).connect(host, CancelToken())
        thread.join(10)
        assert not thread.is_alive()


def test_bytes_that_are_not_ssh_are_told_in_words() -> None:
    """Not as what paramiko says when it stumbles over them."""
    algorithms = b"\0\0\0\4\xff\xfe\xfd\xfc" * 10
    payload = b"\x14" + bytes(16) + algorithms + bytes(5)  # RFC 4253 §7.1: SSH_MSG_KEXINIT
    padding = 16 - (5 + len(payload)) % 8
    packet = (1 + len(payload) + padding).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-odd\r\n" + packet)
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        host = Host(name="odd", address="127.0.0.1", port=listener.getsockname()[1])
        with pytest.raises(HostUnreachable, match="does not speak SSH") as caught:
            host_key(host, KEY_TYPES, CancelToken())
        thread.join()
    assert caught.value.why == "It sent something that is not SSH"


class Kept:
    """Dials directly, and keeps the connection."""

    connection: socket.socket

    def dial(self, host: Host, cancel: CancelToken, seconds: float) -> socket.socket:
        self.connection = DIRECT.dial(host, cancel, seconds)
        return self.connection

    def address_of(self, host: Host, cancel: CancelToken, seconds: float) -> str:
        return DIRECT.address_of(host, cancel, seconds)


def test_a_connection_that_has_gone_is_told_in_words(server: OpenSsh, user: Account) -> None:
    """Not as a session that is not active, or EOFError."""
    kept = Kept()
    with connected(server, user, dialler=kept) as connection:
        kept.connection.shutdown(socket.SHUT_RDWR)
        for use in (lambda: connection.run_script("true"), lambda: connection.open_tunnel("127.0.0.1", 1)):
            with pytest.raises(ConnectionLost) as caught:
                use()
            assert caught.value.why.startswith("The server, or a device on the way to it, closed the connection")


# --- passwords that have to be changed, or that are another account's


def age(user: Account) -> None:
    subprocess.run(["chage", "-d", "0", user.name], check=True)


def test_sudo_that_waits_for_a_new_password_is_told_at_once_and_is_no_refusal(
    server: OpenSsh, counted: Counted
) -> None:
    with account(server, password=PASSWORD, sudo="ALL=(ALL) ALL") as user:
        age(user)
        with (
            connected(server, user, **counted.settings) as connection,
            pytest.raises(PrivilegeMissing, match="it has expired") as caught,
        ):
            connection.run_script("id -u", privileged=True, timeout=600)
        assert "password is expired" in caught.value.evidence
    assert counted.is_empty()


INTERACTIVE = {"PasswordAuthentication": "no", "KbdInteractiveAuthentication": "yes"}


@pytest.mark.parametrize("method", [INTERACTIVE, {}], ids=["keyboard-interactive", "password"])
def test_a_password_that_must_be_changed_is_no_refusal(
    tmp_path: Path, counted: Counted, method: dict[str, str]
) -> None:
    with openssh(tmp_path, options={"UsePAM": "yes", **method}) as server, account(server, password=PASSWORD) as user:
        age(user)
        with (
            pytest.raises(LogInRefused, match="must be changed before it can"),
            connected(server, user, "ssh-password", **counted.settings) as connection,
        ):
            connection.run_script("true")
    assert counted.is_empty()


@pytest.mark.parametrize("setting", ["targetpw", "rootpw", "runaspw"])
def test_another_accounts_password_is_not_answered_with_this_ones(
    server: OpenSsh, counted: Counted, setting: str
) -> None:
    with (
        account(server, password=PASSWORD, sudo="ALL=(ALL) ALL", sudo_defaults=setting) as user,
        connected(server, user, "ssh-password", **counted.settings) as connection,
    ):
        with pytest.raises(PrivilegeMissing, match="password of another account") as caught:
            connection.run_script("id -u", privileged=True)
        assert "for the password of: root" in str(caught.value)
        assert connection.run_script("echo still here").stdout == b"still here\n"
    assert counted.is_empty()


# --- few sessions, slow closes, dropped connections


@pytest.mark.parametrize("sudo_defaults", ["", "requiretty"])
def test_one_session_on_a_connection_is_enough(tmp_path: Path, sudo_defaults: str) -> None:
    source = tmp_path / "package"
    source.write_bytes(b"content")
    sha256 = hashlib.sha256(b"content").hexdigest()
    with (
        openssh(tmp_path, options={"MaxSessions": "1"}) as server,
        account(server, password=PASSWORD, sudo="ALL=(ALL) ALL", sudo_defaults=sudo_defaults) as user,
    ):
        with connected(server, user, "ssh-password", secret=PASSWORD) as connection:
            for _ in range(3):
                assert connection.run_script("echo one").stdout == b"one\n"
            path = connection.upload(source, sha256=sha256)
            for _ in range(2):
                assert connection.run_script(f"id -u; cat {path}", privileged=True).stdout == b"0\ncontent"
        with connected(server, user) as after:
            assert after.run_script(f"test -e {path}").exit_code == 1


def test_a_refused_session_names_the_setting(tmp_path: Path) -> None:
    with (
        openssh(tmp_path, options={"MaxSessions": "0"}) as server,
        account(server) as user,
        connected(server, user) as connection,
        pytest.raises(ConnectionLost, match="MaxSessions"),
    ):
        connection.run_script("true")


def test_scripts_follow_one_another_on_dropbear(tmp_path: Path) -> None:
    """It refuses a channel while it has not closed the one before."""
    with dropbear(tmp_path) as server, account(server, password=PASSWORD) as user:
        keys = user.home / ".ssh" / "authorized_keys"
        keys.parent.mkdir(mode=0o755)
        keys.write_bytes(server.authorized_keys(user.name).read_bytes())

        connector = server.connector(user.credential())

        def six(_: int) -> list[bytes]:
            with closing(connector.connect(server.host(), CancelToken())) as connection:
                return [connection.run_script(f"echo {number}").stdout for number in range(6)]

        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(six, range(16)))
    assert told == [[b"0\n", b"1\n", b"2\n", b"3\n", b"4\n", b"5\n"]] * 16


class Dialled:
    """Dials directly. Before the second call, the `holder` of sshd's only place gives it up."""

    def __init__(self) -> None:
        self.calls = 0
        self.holder: socket.socket | None = None

    def dial(self, host: Host, cancel: CancelToken, seconds: float) -> socket.socket:
        self.calls += 1
        if self.calls == 2 and self.holder is not None:
            self.holder.close()
        return DIRECT.dial(host, cancel, seconds)

    def address_of(self, host: Host, cancel: CancelToken, seconds: float) -> str:
        return DIRECT.address_of(host, cancel, seconds)


@pytest.mark.parametrize("is_full_for_ever", [False, True])
def test_a_connection_that_sshd_drops_at_once_is_tried_again(tmp_path: Path, is_full_for_ever: bool) -> None:
    with openssh(tmp_path, options={"MaxStartups": "1"}) as server, account(server) as user:
        dialled = Dialled()
        with socket.create_connection(("127.0.0.1", server.port)) as holder:  # the one that has not logged in yet
            holder.recv(100)
            dialled.holder = None if is_full_for_ever else holder
            limits = Limits(pauses=(0.02, 0.5))
            connector = server.connector(user.credential(), dialler=dialled, limits=limits)
            if is_full_for_ever:
                with pytest.raises(HostUnreachable, match="MaxStartups"):
                    connector.connect(server.host(), CancelToken())
                assert dialled.calls == 3
            else:
                with closing(connector.connect(server.host(), CancelToken())) as connection:
                    assert connection.run_script("true").exit_code == 0
                assert dialled.calls in (2, 3)
        assert "drop connection" in log_of(server)


# --- what the server says


@pytest.mark.parametrize("kind", ["ssh-key", "ssh-password"])
def test_an_account_that_has_expired_is_told_and_is_no_refusal(tmp_path: Path, counted: Counted, kind: str) -> None:
    with openssh(tmp_path, options={"UsePAM": "yes"}) as server, account(server, password=PASSWORD) as user:
        subprocess.run(["chage", "-E", "0", user.name], check=True)
        with pytest.raises(LogInRefused, match=f"account {user.name} has expired") as caught:
            server.connector(user.credential(kind), **counted.settings).connect(  # type: ignore[arg-type]
                server.host(), CancelToken()
            )
        assert "contact your system administrator" in caught.value.why
    assert counted.is_empty()


class Closing(asyncssh.SSHServer):
    """Says what pam_nologin says, and refuses."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        self._connection.send_auth_banner("AUTHORIZED USE ONLY\n")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._connection.send_auth_banner(
            "System is going down. Unprivileged users are not permitted to log in anymore. "
            "For technical details, see pam_nologin(8).\n"
        )
        return False


class OtherServer:
    def __init__(self, factory: type[asyncssh.SSHServer], version: str) -> None:
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._factory, self._version = factory, version

    async def start(self) -> "OtherServer":
        self._listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=self._factory,
            server_host_keys=[self.host_key],
            server_version=self._version,
            gss_host=None,
        )
        self.place = Place("127.0.0.1", self._listener.get_port())
        return self

    async def stop(self) -> None:
        self._listener.close()
        await self._listener.wait_closed()


def refused_by(other: OtherServer, server: OpenSsh, user: Account, counted: Counted, folder: Path) -> HostError:
    known_hosts = folder / "known"
    known_hosts.write_text(f"{entry_name(other.place)} {other.host_key.export_public_key().decode()}\n")
    known = KnownHosts(None, [known_hosts])
    connector = server.connector(user.credential("ssh-password"), known_hosts=known, **counted.settings)  # type: ignore[arg-type]
    with pytest.raises(HostError) as caught:
        connector.connect(Host(name="server", address="127.0.0.1", port=other.place.port), CancelToken())
    return caught.value


def test_a_server_that_goes_down_says_so_and_refuses_no_password(
    server: OpenSsh, user: Account, counted: Counted, tmp_path: Path
) -> None:
    with running(OtherServer(Closing, "OpenSSH_9.2").start, "closing") as other:
        error = refused_by(other, server, user, counted, tmp_path)
    assert isinstance(error, LogInRefused)
    assert "admits nobody at present" in error.what
    assert "System is going down" in error.why
    assert counted.is_empty()


@pytest.mark.parametrize("version", ["OpenSSH_for_Windows_9.5", "9.33 FlowSsh: Bitvise SSH Server (WinSSHD) 9.33"])
def test_windows_is_recognised_before_anything_is_sent(
    server: OpenSsh, user: Account, counted: Counted, tmp_path: Path, version: str
) -> None:
    with running(OtherServer(Closing, version).start, "windows") as other:
        error = refused_by(other, server, user, counted, tmp_path)
    assert isinstance(error, HostUnreachable)
    assert "runs Windows" in str(error)
    assert counted.is_empty()


# --- rc files


@contextmanager
def rc_file(user: Account, text: str) -> Iterator[None]:
    path = user.home / ".bashrc"
    before = path.read_bytes() if path.exists() else b""
    path.write_text(text + "\n")
    yield
    path.write_bytes(before)


@pytest.mark.parametrize(
    "text",
    [
        "exit",
        "exec false",
        "set -e; false",
        "echo 'trying tmux' >&2; echo 'open terminal failed: not a terminal' >&2; exec false",
    ],
)
def test_rc_files_that_end_the_shell_are_named(server: OpenSsh, user: Account, text: str) -> None:
    with (
        rc_file(user, text),
        connected(server, user) as connection,
        pytest.raises(ConnectionLost, match=r"~/\.bashrc") as caught,
    ):
        connection.run_script("true", privileged=True)
    if "tmux" in text:
        assert caught.value.evidence.splitlines() == ["trying tmux", "open terminal failed: not a terminal"]
        assert "not a terminal" in caught.value.why
        assert "trying tmux" in finish_with(server.host(), caught.value).evidence


def test_an_rc_file_that_reads_the_request_is_named_soon(server: OpenSsh, user: Account) -> None:
    with (
        rc_file(user, "cat >/dev/null"),
        connected(server, user, limits=Limits(start=0.5)) as connection,
        pytest.raises(ConnectionLost, match=r"must not read standard input"),
    ):
        connection.run_script("true", timeout=600)


@pytest.mark.parametrize("text", ["export PATH=/opt/none", "unset PATH", "set -u -o noclobber", "read -r line"])
@pytest.mark.parametrize("privileged", [False, True])
def test_rc_files_that_only_change_the_shell_are_no_trouble(
    server: OpenSsh, user: Account, text: str, privileged: bool
) -> None:
    with rc_file(user, text), connected(server, user) as connection:
        assert connection.run_script("id -u >/dev/null && echo fine", privileged=privileged).stdout == b"fine\n"


# --- terminals and programs that sudo wants, or does not allow


def test_a_terminal_that_sudo_wants_and_sshd_does_not_give_is_told(tmp_path: Path) -> None:
    with (
        openssh(tmp_path, options={"PermitTTY": "no"}) as server,
        account(server, password=PASSWORD, sudo="ALL=(ALL) NOPASSWD: ALL", sudo_defaults="requiretty") as user,
        connected(server, user) as connection,
        pytest.raises(PrivilegeMissing, match="PermitTTY"),
    ):
        connection.run_script("id -u", privileged=True)


@pytest.mark.parametrize(("sudo", "defaults"), [("NOPASSWD: ALL", "noexec"), ("NOPASSWD: NOEXEC: ALL", "")])
def test_sudo_that_lets_the_shell_run_nothing_is_told(server: OpenSsh, sudo: str, defaults: str) -> None:
    with (
        account(server, password=PASSWORD, sudo=f"ALL=(ALL) {sudo}", sudo_defaults=defaults) as user,
        connected(server, user) as connection,
        pytest.raises(PrivilegeMissing, match="noexec"),
    ):
        connection.run_script("id -u", privileged=True)
