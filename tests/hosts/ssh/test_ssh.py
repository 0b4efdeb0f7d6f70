"""SSH to a real OpenSSH server: its identity, the log-in, sudo, and what goes wrong."""

import asyncio
import base64
import errno
import hashlib
import itertools
import logging
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import paramiko
import pytest
from connection_contract import Connect, ShellContract
from openssh import Account, OpenSsh, account, log_of, make_key, needs, needs_root, openssh
from relay import Relay

from onboard.hosts.connection import Connection
from onboard.hosts.credentials import Secrets
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.connector import SshConnector
from onboard.hosts.ssh.dialogue import Request
from onboard.hosts.ssh.known_hosts import KnownHosts, entry_name
from onboard.hosts.ssh.transport import Limits
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import (
    ConnectionLost,
    HostError,
    HostUnreachable,
    HostUntrusted,
    LogInBroken,
    LogInRefused,
    PrivilegeMissing,
)
from onboard.model.place import Place
from onboard.model.profile import Credential, Host
from onboard.model.secret import Secret
from onboard.model.words import Remedy
from onboard.practice.loop_thread import running

PASSWORD = "canary-Password 'with' $quotes"
REQUEST_UPLOAD = Request.upload
QUICK = Limits(connect=2.0, handshake=0.5, log_in=10.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with openssh(tmp_path_factory.mktemp("sshd"), key_types=("ed25519", "ecdsa", "rsa")) as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: OpenSsh) -> Iterator[Account]:
    """May do everything by sudo, with the password."""
    with account(server, password=PASSWORD, sudo="ALL=(ALL) ALL") as user:
        yield user


@pytest.fixture(scope="module")
def trusted_operator(server: OpenSsh) -> Iterator[Account]:
    """May do everything by sudo, without a password."""
    with account(server, password=PASSWORD, sudo="ALL=(ALL) NOPASSWD: ALL") as user:
        yield user


@pytest.fixture(scope="module")
def terminal_operator(server: OpenSsh) -> Iterator[Account]:
    """May do everything by sudo in a terminal, with the password."""
    with account(server, password=PASSWORD, sudo="ALL=(ALL) ALL", sudo_defaults="requiretty") as user:
        yield user


@contextmanager
def connected(server: OpenSsh, credential: Credential, secret: str = "", **settings: object) -> Iterator[Connection]:
    connector = server.connector(credential, secret=secret, **settings)  # type: ignore[arg-type]
    with closing(connector.connect(server.host(), CancelToken())) as connection:
        yield connection


class TestKeyAndNopasswdKeepTheContract(ShellContract):
    @pytest.fixture
    def target(self, server: OpenSsh) -> Host:
        return server.host()

    @pytest.fixture
    def connect(self, server: OpenSsh, trusted_operator: Account) -> Connect:
        connector = server.connector(trusted_operator.credential())
        return lambda cancel: connector.connect(server.host(), cancel)


class TestPasswordAndSudoPasswordKeepTheContract(ShellContract):
    @pytest.fixture
    def target(self, server: OpenSsh) -> Host:
        return server.host()

    @pytest.fixture
    def connect(self, server: OpenSsh, operator: Account) -> Connect:
        connector = server.connector(operator.credential("ssh-password"), secret=PASSWORD)
        return lambda cancel: connector.connect(server.host(), cancel)


class TestRequirettyKeepsTheContract(ShellContract):
    """sudo's requiretty: everything privileged goes through a pty."""

    @pytest.fixture
    def target(self, server: OpenSsh) -> Host:
        return server.host()

    @pytest.fixture
    def connect(self, server: OpenSsh, terminal_operator: Account) -> Connect:
        connector = server.connector(terminal_operator.credential("ssh-password"), secret=PASSWORD)
        return lambda cancel: connector.connect(server.host(), cancel)


# --- log-in


FORMS = [("ed25519", "RFC4716"), *itertools.product(("ecdsa", "rsa"), ("RFC4716", "PEM", "PKCS8"))]


@pytest.mark.parametrize(("key_type", "form"), FORMS)
@pytest.mark.parametrize("passphrase", ["", "a passphrase"])
def test_keys_of_every_format_log_in(
    server: OpenSsh, operator: Account, tmp_path: Path, key_type: str, form: str, passphrase: str
) -> None:
    key = make_key(tmp_path / "key", key_type, passphrase=passphrase, options=["-m", form])
    with authorized(server, operator, key):
        credential = operator.credential(key_file=str(key))
        with connected(server, credential, passphrase=passphrase) as connection:
            assert connection.run_script("id -un").stdout.decode().strip() == operator.name


@contextmanager
def authorized(server: OpenSsh, user: Account, key: Path) -> Iterator[None]:
    keys = server.authorized_keys(user.name)
    before = keys.read_text()
    keys.write_text(before + key.with_name(key.name + ".pub").read_text())
    yield
    keys.write_text(before)


def refused_key(server: OpenSsh, user: Account, passphrase: str = "", **settings: object) -> str:
    connector = server.connector(user.credential(**settings), passphrase=passphrase)
    with pytest.raises(LogInRefused) as caught:
        connector.connect(server.host(), CancelToken())
    assert caught.value.where == "server"
    return str(caught.value)


def test_a_key_that_is_not_authorized_is_refused(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    assert "authorized_keys" in refused_key(server, operator, key_file=str(key))


def test_whatever_else_refuses_a_key_is_named(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    connector = server.connector(operator.credential(key_file=str(key)))
    with pytest.raises(LogInRefused) as caught:
        connector.connect(server.host(), CancelToken())
    for possible in ("from=", "expiry-time=", "DenyUsers", "locked", "PubkeyAcceptedAlgorithms"):
        assert possible in caught.value.remedy
    assert "journalctl" in caught.value.remedy


class Refusing(paramiko.ServerInterface):
    """Accepts no key."""

    def check_auth_publickey(self, _user: str, _key: paramiko.PKey) -> int:
        return paramiko.AUTH_FAILED

    def get_allowed_auths(self, _user: str) -> str:
        return "publickey"


def key_connector(key: Path, known_hosts: Path, folder: Path) -> SshConnector:
    credentials = {"default": Credential.model_validate({"kind": "ssh-key", "username": "ops", "key_file": str(key)})}
    return SshConnector(
        credentials,
        secrets=Secrets(credentials, environment={}),
        known_hosts=KnownHosts(None, [known_hosts]),
        lockout=Lockout(folder / "lockout.json"),
        memory=LogInMemory(),
    )


def refused_by(version: str, key: Path, tmp_path: Path) -> LogInRefused:
    """How a key is refused by a server that names no signature algorithms, as OpenSSH before 7.2."""
    host_key = paramiko.Ed25519Key.from_private_key_file(str(make_key(tmp_path / "host_key")))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            transport = paramiko.Transport(listener.accept()[0], server_sig_algs=False)
            transport.local_version = f"SSH-2.0-{version}"
            transport.add_server_key(host_key)
            transport.start_server(server=Refusing())
            transport.join(10)

        thread = threading.Thread(target=serve)
        thread.start()
        host = Host(name="old", address="127.0.0.1", port=listener.getsockname()[1])
        known = tmp_path / "known_hosts"
        known.write_text(f"{entry_name(host.place)} ssh-ed25519 {host_key.get_base64()}\n")
        with pytest.raises(LogInRefused) as caught:
            key_connector(key, known, tmp_path).connect(host, CancelToken())
        thread.join(15)
    return caught.value


def test_an_rsa_key_at_an_old_openssh_is_told_by_its_signature(tmp_path: Path) -> None:
    refused = refused_by("OpenSSH_6.6.1", make_key(tmp_path / "key", "rsa"), tmp_path)
    assert "SHA-1" in refused.why
    assert "OpenSSH_6.6.1" in refused.why
    assert "ed25519" in refused.remedy


def test_another_key_at_an_old_openssh_is_not(tmp_path: Path) -> None:
    refused = refused_by("OpenSSH_6.6.1", make_key(tmp_path / "key"), tmp_path)
    assert "SHA-1" not in refused.why
    assert "DenyUsers" in refused.remedy


class StrictServer:
    """Verifies only signatures of two kinds, as a server in FIPS mode may, and names them."""

    def __init__(self) -> None:
        self.key = asyncssh.generate_private_key("ssh-ed25519")

    async def start(self) -> "StrictServer":
        algorithms = ["ecdsa-sha2-nistp256", "ssh-ed25519"]
        self.acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[self.key], server_factory=asyncssh.SSHServer, signature_algs=algorithms
        )
        return self

    async def stop(self) -> None:
        self.acceptor.close()
        await self.acceptor.wait_closed()


def test_a_server_that_verifies_other_signatures_names_them(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", "rsa")
    with running(StrictServer().start, "strict") as server:
        host = Host(name="fips", address="127.0.0.1", port=server.acceptor.get_port())
        known = tmp_path / "known_hosts"
        known.write_text(f"{entry_name(host.place)} {server.key.export_public_key().decode().strip()}\n")
        with pytest.raises(LogInRefused) as caught:
            key_connector(key, known, tmp_path).connect(host, CancelToken())
    assert "ecdsa-sha2-nistp256, ssh-ed25519" in caught.value.why
    assert "ed25519" in caught.value.remedy


def test_an_encrypted_key_without_a_passphrase_is_told(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", passphrase="right")
    assert "encrypted" in refused_key(server, operator, key_file=str(key))
    assert "The passphrase for" in refused_key(server, operator, key_file=str(key), passphrase="wrong-canary")


@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
def test_a_wrong_passphrase_of_older_formats_is_told(
    server: OpenSsh, operator: Account, tmp_path: Path, form: str
) -> None:
    key = make_key(tmp_path / "key", "rsa", passphrase="right", options=["-m", form])
    assert "encrypted" in refused_key(server, operator, key_file=str(key))
    message = refused_key(server, operator, key_file=str(key), passphrase="wrong-canary")
    assert "The passphrase for" in message
    assert "canary" not in message


def test_key_files_that_cannot_be_used_are_told(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    assert "No such file" in refused_key(server, operator, key_file=str(tmp_path / "none"))
    key = make_key(tmp_path / "key")
    public = tmp_path / "public"
    public.write_text(key.with_name("key.pub").read_text())
    public.chmod(0o600)
    assert "not a private key" in refused_key(server, operator, key_file=str(public))
    key.chmod(0o644)
    assert f"chmod 600 {key}" in refused_key(server, operator, key_file=str(key))
    assert "has no key_file" in refused_key(server, operator, key_file=None)
    assert "~no-such-user/key" in refused_key(server, operator, key_file="~no-such-user/key")


def test_a_certificate_that_cannot_be_used_is_told(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    certificate = tmp_path / "key-cert.pub"
    other = make_key(tmp_path / "other", "ecdsa").with_name("other.pub").read_bytes()
    for content in (b"", b"ssh-ed25519-cert-v01@openssh.com AAAAIHNza", b"\xff\xfe", other):
        certificate.write_bytes(content)
        assert str(certificate) in refused_key(server, operator, key_file=str(key))


def test_the_key_file_is_read_once_for_many_servers(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with authorized(server, operator, key):
        connector = server.connector(operator.credential(key_file=str(key)))
        connector.connect(server.host(), CancelToken()).close()
        key.unlink()
        connector.connect(server.host("other"), CancelToken()).close()


@contextmanager
def agent(folder: Path, *keys: Path) -> Iterator[str]:
    needs("ssh-agent", "ssh-add")
    sock = str(folder / "agent.sock")
    with subprocess.Popen(["ssh-agent", "-D", "-a", sock], stdout=subprocess.DEVNULL) as process:
        try:
            while not Path(sock).exists():
                assert process.poll() is None
                time.sleep(0.01)
            for key in keys:
                subprocess.run(["ssh-add", "-q", str(key)], check=True, env={**os.environ, "SSH_AUTH_SOCK": sock})
            yield sock
        finally:
            process.terminate()


def test_the_agent_logs_in(server: OpenSsh, operator: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = make_key(tmp_path / "wrong")
    with agent(tmp_path, wrong, operator.key_file) as sock:
        monkeypatch.setenv("SSH_AUTH_SOCK", sock)
        with connected(server, operator.credential("ssh-agent")) as connection:
            assert connection.run_script("id -un").stdout.decode().strip() == operator.name
        with connected(server, operator.credential("ssh-agent", key_file=str(operator.key_file))) as connection:
            assert connection.run_script("true").exit_code == 0
        for key_file in ("~no-such-user/key", str(tmp_path / "none"), "/"):
            with pytest.raises(LogInRefused, match=f"public key of {key_file}, which"):
                server.connector(operator.credential("ssh-agent", key_file=key_file)).connect(
                    server.host(), CancelToken()
                )
        with pytest.raises(LogInRefused, match="It accepted none of"):
            server.connector(operator.credential("ssh-agent", key_file=str(wrong))).connect(
                server.host(), CancelToken()
            )


def test_a_missing_agent_is_told(server: OpenSsh, operator: Account) -> None:
    with pytest.raises(LogInRefused, match="SSH_AUTH_SOCK"):
        server.connector(operator.credential("ssh-agent")).connect(server.host(), CancelToken())


def test_a_wrong_password_is_told_and_not_shown(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    lockout = Lockout(tmp_path / "lockout.json")
    connector = server.connector(operator.credential("ssh-password"), secret="wrong-canary", lockout=lockout)
    for what in ("refused the password", "refused the password", "was not tried"):
        with pytest.raises(LogInRefused, match=what) as caught:
            connector.connect(server.host(), CancelToken())
        assert "canary" not in str(caught.value)
    assert log_of(server).count(f"Failed password for {operator.name}") == 2


def test_no_password_is_told(server: OpenSsh, operator: Account) -> None:
    with pytest.raises(LogInRefused, match="keyring"):
        server.connector(operator.credential("ssh-password")).connect(server.host(), CancelToken())


def test_keyboard_interactive_alone_takes_the_password(tmp_path: Path) -> None:
    needs_root()
    if not Path("/etc/pam.d/sshd").exists():
        pytest.skip("needs PAM's configuration of sshd: /etc/pam.d/sshd")
    options = {"UsePAM": "yes", "KbdInteractiveAuthentication": "yes", "PasswordAuthentication": "no"}
    with openssh(tmp_path, options=options) as server, account(server, password=PASSWORD) as user:
        with connected(server, user.credential("ssh-password"), PASSWORD) as connection:
            assert connection.run_script("id -un").stdout.decode().strip() == user.name
        assert "keyboard-interactive/pam" in log_of(server)
        connector = server.connector(user.credential("ssh-password"), secret="wrong")
        with pytest.raises(LogInRefused, match="refused the password"):
            connector.connect(server.host(), CancelToken())


def test_a_server_that_takes_no_passwords_is_told_without_sending_one(tmp_path: Path) -> None:
    with openssh(tmp_path, options={"PasswordAuthentication": "no"}) as server:
        user = Account("root", Path("/root"), tmp_path / "none")
        with pytest.raises(LogInRefused, match="offers only: publickey"):
            server.connector(user.credential("ssh-password"), secret=PASSWORD).connect(server.host(), CancelToken())
        assert "method password" not in log_of(server)


def test_a_server_that_wants_key_and_password_gets_both(tmp_path: Path) -> None:
    needs_root()
    with (
        openssh(tmp_path, options={"AuthenticationMethods": "publickey,password"}) as server,
        account(server, password=PASSWORD) as user,
    ):
        with connected(server, user.credential(), PASSWORD) as connection:
            assert connection.run_script("true").exit_code == 0
        with pytest.raises(LogInRefused, match="more than a key"):
            server.connector(user.credential()).connect(server.host(), CancelToken())
        fails = user.credential(secret_command=["false"])
        with pytest.raises(LogInRefused, match="The command failed"):
            server.connector(fails).connect(server.host(), CancelToken())


# --- what log-ins learn for those that follow


def test_a_refused_password_is_remembered(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    memory = LogInMemory()
    settings = {"lockout": Lockout(tmp_path / "lockout.json"), "memory": memory}
    with connected(server, operator.credential("ssh-password"), PASSWORD, **settings):
        assert memory.refused == frozenset()
    with pytest.raises(LogInRefused), connected(server, operator.credential("ssh-password"), "wrong", **settings):
        pass
    assert memory.refused == {"default"}


def test_a_wrong_passphrase_is_remembered(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    memory = LogInMemory()
    key = make_key(tmp_path / "key", passphrase="right")
    connector = server.connector(operator.credential(key_file=str(key)), passphrase="wrong", memory=memory)
    with pytest.raises(LogInRefused):
        connector.connect(server.host(), CancelToken())
    assert memory.refused == {"default"}


def test_a_password_that_sudo_refuses_is_remembered(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    memory = LogInMemory()
    settings = {"lockout": Lockout(tmp_path / "lockout.json"), "memory": memory}
    with connected(server, operator.credential(), "wrong", **settings) as connection:
        assert memory.refused == frozenset()
        with pytest.raises(PrivilegeMissing):
            connection.run_script("id -u", privileged=True)
    assert memory.refused == {"default"}


def test_that_sudo_asks_is_learned_once_for_all_servers(server: OpenSsh, operator: Account) -> None:
    """Only the first connection runs into a refusal of `sudo -n`; all others offer the password at once."""
    memory = LogInMemory()
    assert not memory.wants_privilege_password("default")
    with connected(server, operator.credential(), PASSWORD, memory=memory) as connection:
        assert connection.run_script("id -u", privileged=True).stdout == b"0\n"
    assert memory.wants_privilege_password("default")
    before = log_of(server).count("Starting session: command")
    with connected(server, operator.credential(), PASSWORD, memory=memory) as connection:
        assert connection.run_script("id -u", privileged=True).stdout == b"0\n"
    assert log_of(server).count("Starting session: command") == before + 1


# --- sudo


def test_sudo_by_password_with_a_key_log_in(server: OpenSsh, operator: Account) -> None:
    with connected(server, operator.credential(), PASSWORD) as connection:
        assert connection.run_script("id -u", privileged=True).stdout == b"0\n"
        assert connection.run_script("id -u", privileged=True).stdout == b"0\n"


def test_a_cached_ticket_needs_no_password_and_gets_none(server: OpenSsh) -> None:
    with (
        account(server, password=PASSWORD, sudo="ALL=(ALL) ALL", sudo_defaults="timestamp_type=global") as user,
        connected(server, user.credential("ssh-password"), PASSWORD) as connection,
    ):
        assert connection.run_script("id -u", privileged=True).stdout == b"0\n"
        # With a ticket sudo asks nothing; a password sent all the same would be what `cat` reads.
        result = connection.run_script(
            "IFS= read -r line; echo $line; cat", privileged=True, secret_line=Secret("the line")
        )
        assert result.stdout == b"the line\n"
        assert (
            user.name in subprocess.run(["ls", "/run/sudo/ts"], capture_output=True, text=True, check=True).stdout
            or subprocess.run(["sudo", "-u", user.name, "sudo", "-n", "true"], check=False).returncode == 0
        )


def test_sudo_without_a_password_at_hand_is_told(server: OpenSsh, operator: Account) -> None:
    with (
        connected(server, operator.credential()) as connection,
        pytest.raises(PrivilegeMissing, match="sudo asks for the password"),
    ):
        connection.run_script("id -u", privileged=True)


def test_a_wrong_sudo_password_is_sent_once_and_stops_after_two(
    server: OpenSsh, operator: Account, tmp_path: Path
) -> None:
    lockout = Lockout(tmp_path / "lockout.json")
    connector = server.connector(operator.credential(), secret="wrong-canary", lockout=lockout)
    for number, what in enumerate(("sudo refused", "sudo refused", "was not tried")):
        with closing(connector.connect(server.host(f"server{number}"), CancelToken())) as connection:
            with pytest.raises(PrivilegeMissing, match=what) as caught:
                connection.run_script("id -u", privileged=True)
            assert "canary" not in str(caught.value)
            assert connection.run_script("echo still here").stdout == b"still here\n"
    assert lockout.stopped() == {operator.name: ("server0", "server1")}


def test_not_in_sudoers_is_told(server: OpenSsh) -> None:
    with (
        account(server, password=PASSWORD) as user,
        connected(server, user.credential("ssh-password"), PASSWORD) as connection,
        pytest.raises(PrivilegeMissing, match="sudo does not allow"),
    ):
        connection.run_script("id -u", privileged=True)


def test_sudo_never_is_not_tried(server: OpenSsh, trusted_operator: Account) -> None:
    with (
        connected(server, trusted_operator.credential(sudo="never")) as connection,
        pytest.raises(PrivilegeMissing, match="sudo = never"),
    ):
        connection.run_script("id -u", privileged=True)


def test_requiretty_with_nopasswd(server: OpenSsh) -> None:
    with (
        account(server, password=PASSWORD, sudo="ALL=(ALL) NOPASSWD: ALL", sudo_defaults="requiretty") as user,
        connected(server, user.credential()) as connection,
    ):
        result = connection.run_script("id -u; echo to stderr >&2; exit 3", privileged=True)
        assert (result.exit_code, result.stdout, result.stderr) == (3, b"0\n", b"to stderr\n")


def test_root_needs_no_sudo(server: OpenSsh) -> None:
    needs_root()
    key = make_key(server.folder / "root_key")
    server.authorized_keys("root").write_text(key.with_name("root_key.pub").read_text())
    root = Account("root", Path("/root"), key)
    with connected(server, root.credential(sudo="never")) as connection:
        assert connection.run_script("id -u", privileged=True).stdout == b"0\n"


# --- identity: nothing is sent before trust


class Recorder:
    """Stands between client and server and keeps what the client sends."""

    def __init__(self, port: int) -> None:
        self.sent = b""
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)  # a failing test must not hang
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection(self._target) as upstream:
            back = threading.Thread(target=self._copy, args=(upstream, client, False), daemon=True)
            back.start()
            self._copy(client, upstream, True)
            back.join()

    def _copy(self, source: socket.socket, target: socket.socket, keep: bool) -> None:
        while True:
            try:
                data = source.recv(65536)
                if keep:
                    self.sent += data
                if not data:
                    break
                target.sendall(data)
            except OSError:
                break
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        self._thread.join()
        self._listener.close()

    def packets(self) -> tuple[list[int], bytes]:
        """Message numbers up to NEWKEYS, and whatever follows it, which is encrypted."""
        _, _, rest = self.sent.partition(b"\r\n")
        kinds = []
        while rest:
            length = int.from_bytes(rest[:4], "big")
            kinds.append(rest[5])
            rest = rest[4 + length :]
            if kinds[-1] == 21:  # SSH_MSG_NEWKEYS
                break
        return kinds, rest


def recorded_refusal(server: OpenSsh, credential: Credential, entries: str, tmp_path: Path) -> HostUntrusted:
    """Connect through a recorder with these known_hosts lines ({name} is the recorder's); see that nothing is sent."""
    recorder = Recorder(server.port)
    known_hosts = tmp_path / "known"
    known_hosts.write_text(entries.format(name=entry_name(Place("127.0.0.1", recorder.port))))
    connector = server.connector(credential, secret=PASSWORD, known_hosts=KnownHosts(None, [known_hosts]))
    attempts = log_of(server).count("userauth-request")
    host = Host(name="server", address="127.0.0.1", port=recorder.port)
    with pytest.raises(HostUntrusted) as caught:
        connector.connect(host, CancelToken())
    recorder.close()
    kinds, after = recorder.packets()
    assert kinds[0] == 20  # SSH_MSG_KEXINIT
    assert set(kinds) <= {20, 21, 30}
    assert after == b""
    assert log_of(server).count("userauth-request") == attempts
    return caught.value


@pytest.mark.parametrize("kind", ["ssh-key", "ssh-password"])
def test_a_changed_key_is_refused_before_anything_is_sent(
    server: OpenSsh, operator: Account, tmp_path: Path, kind: str
) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    error = recorded_refusal(server, operator.credential(kind), f"{{name}} {other}", tmp_path)
    assert "identity has changed" in str(error)
    assert "known:1" in str(error)
    assert isinstance(error.remedy, Remedy)
    (command,) = error.remedy.commands
    subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True)
    assert not (tmp_path / "known").read_text(), "the old key is forgotten, and the new one can be approved"


def test_a_revoked_key_is_refused_before_anything_is_sent(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    key = server.host_keys["ed25519"]
    error = recorded_refusal(server, operator.credential(), f"{{name}} {key}\n@revoked * {key}\n", tmp_path)
    assert "revoked" in str(error)


def test_an_unknown_key_is_refused_before_anything_is_sent(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    error = recorded_refusal(server, operator.credential("ssh-password"), "", tmp_path)
    assert "is not known" in str(error)


def test_the_recorder_would_have_seen_a_log_in(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    recorder = Recorder(server.port)
    known_hosts = tmp_path / "known"
    known_hosts.write_text(f"{entry_name(Place('127.0.0.1', recorder.port))} {server.host_keys['ed25519']}\n")
    connector = server.connector(operator.credential(), known_hosts=KnownHosts(None, [known_hosts]))
    attempts = log_of(server).count("userauth-request")
    connector.connect(Host(name="server", address="127.0.0.1", port=recorder.port), CancelToken()).close()
    recorder.close()
    assert len(recorder.packets()[1]) > 100
    assert log_of(server).count("userauth-request") > attempts


@pytest.mark.parametrize("key_type", ["ed25519", "ecdsa", "rsa"])
def test_any_one_known_key_is_asked_for(server: OpenSsh, operator: Account, tmp_path: Path, key_type: str) -> None:
    known_hosts = tmp_path / "known"
    known_hosts.write_text(f"{entry_name(Place('127.0.0.1', server.port))} {server.host_keys[key_type]}\n")
    with connected(server, operator.credential(), known_hosts=KnownHosts(None, [known_hosts])) as connection:
        assert connection.run_script("true").exit_code == 0


def test_a_host_certificate_of_a_known_authority_is_trusted(tmp_path: Path) -> None:
    authority = make_key(tmp_path / "authority")
    for principal, trusted in (("127.0.0.1", True), ("elsewhere", False)):
        folder = tmp_path / principal
        folder.mkdir()
        make_key(folder / "certified")
        subprocess.run(
            ["ssh-keygen", "-q", "-s", str(authority), "-I", "id", "-h", "-n", principal, folder / "certified.pub"],
            check=True,
        )
        options = {"HostKey": str(folder / "certified"), "HostCertificate": f"{folder}/certified-cert.pub"}
        with openssh(folder, key_types=(), options=options) as server:
            known_hosts = folder / "known"
            known_hosts.write_text(f"@cert-authority * {authority.with_suffix('.pub').read_text()}")
            credential = Credential.model_validate({"kind": "ssh-password", "username": "nobody-here"})
            connector = server.connector(credential, secret="x", known_hosts=KnownHosts(None, [known_hosts]))
            with pytest.raises(HostError) as caught:
                connector.connect(server.host(), CancelToken())
            assert isinstance(caught.value, LogInRefused if trusted else HostUntrusted)
            assert trusted or "does not name 127.0.0.1" in str(caught.value)


# --- what is in the way


def test_the_dialler_that_is_given_opens_the_way(server: OpenSsh, operator: Account) -> None:
    """As through a jump host: the server's own address leads nowhere from here."""
    through = Relay(server.port)
    far = Host(name="far", address="198.51.100.1", port=server.port, jump="bastion")
    known_hosts = server.folder / "known_far"
    known_hosts.write_text(f"{entry_name(far.place)} {server.host_keys['ed25519']}\n")
    known = KnownHosts(None, [known_hosts])
    connector = server.connector(operator.credential(), known_hosts=known, dialler=through)
    with closing(connector.connect(far, CancelToken())) as connection:
        assert connection.run_script("echo there").stdout == b"there\n"
    assert through.asked == [far]
    with pytest.raises(HostUnreachable, match="Jump hosts are not supported"):
        server.connector(operator.credential(), known_hosts=known).connect(far, CancelToken())


def test_a_port_where_nothing_listens(server: OpenSsh, operator: Account) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        host = Host(name="server", address="127.0.0.1", port=sock.getsockname()[1])
        with pytest.raises(HostUnreachable, match="Nothing listens there"):
            server.connector(operator.credential()).connect(host, CancelToken())


def test_a_name_that_nobody_knows(server: OpenSsh, operator: Account) -> None:
    with pytest.raises(HostUnreachable, match="cannot be resolved"):
        server.connector(operator.credential()).connect(Host(name="no-such-host.invalid"), CancelToken())


def test_a_server_that_never_answers(server: OpenSsh, operator: Account) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:
        host = Host(name="server", address="127.0.0.1", port=dead.getsockname()[1])
        start = time.monotonic()
        with pytest.raises(HostUnreachable, match="does not speak SSH"):
            server.connector(operator.credential(), limits=QUICK).connect(host, CancelToken())
        assert time.monotonic() - start < 3


def test_a_server_that_speaks_something_else(server: OpenSsh, operator: Account) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:

        def serve() -> None:
            client, _ = web.accept()
            with client:
                client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        host = Host(name="server", address="127.0.0.1", port=web.getsockname()[1])
        with pytest.raises(HostUnreachable, match="does not speak SSH"):
            server.connector(operator.credential(), limits=QUICK).connect(host, CancelToken())
        thread.join()


def test_a_server_with_old_algorithms_only(tmp_path: Path, operator: Account) -> None:
    with (
        openssh(tmp_path, options={"KexAlgorithms": "diffie-hellman-group1-sha1"}) as old,
        pytest.raises(HostUnreachable, match="no SSH algorithm in common"),
    ):
        old.connector(operator.credential()).connect(old.host(), CancelToken())


@pytest.mark.parametrize(
    "weak",
    [
        {"Ciphers": "3des-cbc,aes128-cbc,aes256-cbc"},
        {"MACs": "hmac-md5,hmac-md5-96,hmac-sha1-96", "Ciphers": "aes128-ctr"},
        {"KexAlgorithms": "diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1"},
    ],
    ids=["ciphers", "macs", "kex"],
)
def test_weak_algorithms_are_not_offered(tmp_path: Path, operator: Account, weak: dict[str, str]) -> None:
    with (
        openssh(tmp_path, options=weak) as old,
        pytest.raises(HostUnreachable, match="no SSH algorithm in common"),
    ):
        old.connector(operator.credential()).connect(old.host(), CancelToken())


class Undecided(asyncssh.SSHServer):
    """Never says whether a password is right."""

    def __init__(self, asked: threading.Event) -> None:
        self._asked = asked

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        self._asked.set()
        await asyncio.Event().wait()
        return True


class UndecidedServer:
    def __init__(self) -> None:
        self.asked = threading.Event()
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")

    async def start(self) -> "UndecidedServer":
        self._listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: Undecided(self.asked),
            server_host_keys=[self.host_key],
            gss_host=None,
        )
        self.place = Place("127.0.0.1", self._listener.get_port())
        return self

    async def stop(self) -> None:
        self._listener.close()
        await self._listener.wait_closed()


def test_a_password_that_is_not_answered_does_not_count_as_refused(server: OpenSsh, operator: Account) -> None:
    """paramiko has no type for this: were its text another one, a slow directory would stop the account."""
    memory = LogInMemory()
    with running(UndecidedServer().start, "undecided") as undecided:
        known_hosts = server.folder / "known_undecided"
        public = undecided.host_key.export_public_key().decode()
        known_hosts.write_text(f"{entry_name(undecided.place)} {public}\n")
        connector = server.connector(
            operator.credential("ssh-password"),
            secret=PASSWORD,
            known_hosts=KnownHosts(None, [known_hosts]),
            memory=memory,
            limits=Limits(log_in=2.0),
        )
        host = Host(name="server", address=undecided.place.address, port=undecided.place.port)
        with pytest.raises(LogInBroken):
            connector.connect(host, CancelToken())
        assert undecided.asked.is_set()
    assert memory.refused == frozenset()


@pytest.mark.parametrize("stage", ["connecting", "handshake", "password turn"])
def test_stop_now_breaks_off_a_connection_being_made(
    server: OpenSsh, operator: Account, stage: str, tmp_path: Path
) -> None:
    cancel = CancelToken()
    lockout = Lockout(tmp_path / "lockout.json")
    with ExitStack() as stack:
        if stage == "password turn":
            other = stack.enter_context(ExitStack())
            other.enter_context(lockout.attempt(operator.name, "default", "first", CancelToken()))
            host = server.host()
        elif stage == "handshake":
            dead = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            host = Host(name="server", address="127.0.0.1", port=dead.getsockname()[1])
        else:
            full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            for _ in range(3):  # a full backlog answers no more
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                assert waiting.connect_ex(full.getsockname()) in (0, errno.EINPROGRESS)
            host = Host(name="server", address="127.0.0.1", port=full.getsockname()[1])
        stopped: list[float] = []
        timer = threading.Timer(0.3, lambda: (stopped.append(time.monotonic()), cancel.stop_now()))
        timer.start()
        connector = server.connector(operator.credential("ssh-password"), secret=PASSWORD, lockout=lockout)
        with pytest.raises(Cancelled):
            connector.connect(host, cancel)
        assert time.monotonic() - stopped[0] < 0.5  # 0.1 when nothing else is running
        timer.join()


def test_a_connection_that_breaks_is_told(server: OpenSsh, operator: Account) -> None:
    with connected(server, operator.credential()) as connection:
        killed = "kill -9 $(ps -o ppid= -p $PPID)"  # sshd's process of this connection
        with pytest.raises(ConnectionLost, match=r"closed the connection|went away"):
            connection.run_script(f"{killed}; exec sleep 4 >/dev/null 2>&1")
        with pytest.raises(ConnectionLost, match="closed the connection"):
            connection.run_script("true")


def test_an_account_without_a_shell_is_told(server: OpenSsh) -> None:
    needs("nologin")
    with (
        account(server, password=PASSWORD, log_in_shell="/usr/sbin/nologin") as user,
        connected(server, user.credential()) as connection,
        pytest.raises(ConnectionLost, match="not available"),
    ):
        connection.run_script("true")


# --- accounts as they come


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash", "/bin/csh"])
@pytest.mark.parametrize("rc_file", ["", "echo noise; echo more noise >&2"])
def test_login_shells_and_noisy_rc_files(tmp_path: Path, shell: str, rc_file: str) -> None:
    banner = tmp_path / "banner"
    banner.write_text("AUTHORIZED USE ONLY\n" * 20)
    with (
        openssh(tmp_path, options={"Banner": str(banner)}) as server,
        account(server, password=PASSWORD, log_in_shell=shell, sudo="ALL=(ALL) ALL") as user,
    ):
        for name in (".bashrc", ".profile", ".cshrc"):
            noise = "echo noise" if name == ".cshrc" and rc_file else rc_file
            (user.home / name).write_text(noise + "\n")
        with connected(server, user.credential(), PASSWORD) as connection:
            result = connection.run_script("printf '%s\\n' 'it''s !$x'; printf 'e' >&2")
            assert (result.stdout, result.stderr) == (b"its !$x\n", b"e")
            assert connection.run_script("id -u", privileged=True).stdout == b"0\n"


def test_a_server_without_curl_openssl_and_python(tmp_path: Path) -> None:
    """Its PATH holds the few programs that the wrapper needs, and no program that computes a SHA-256."""
    needs_root()
    programs = tmp_path / "bin"
    source = tmp_path / "package"
    source.write_bytes(os.urandom(100_000))
    with tempfile.TemporaryDirectory(prefix="onboard-bin-") as folder:
        programs = Path(folder)
        programs.chmod(0o755)
        for name in ("cat", "mktemp", "mkdir", "rm", "head", "wc", "id", "sh"):
            (programs / name).symlink_to(f"/bin/{name}")
        with (
            openssh(tmp_path, options={"SetEnv": f"PATH={programs}"}) as server,
            account(server, password=PASSWORD) as user,
            connected(server, user.credential()) as connection,
        ):
            script = "for name in curl openssl python3 sha256sum; do command -v $name; done; echo $PATH"
            assert connection.run_script(script).stdout.decode().startswith(str(programs))
            connection.upload(source, sha256=hashlib.sha256(source.read_bytes()).hexdigest())


def test_a_broken_upload_is_told_and_leaves_nothing(server: OpenSsh, operator: Account) -> None:
    listing = 'for f in /tmp/onboard.*; do test -O "$f" && test "$f" != "${0%/*}" && echo "$f"; done; true'
    with connected(server, operator.credential()) as connection:
        before = connection.run_script(listing).stdout
        # A file that shrinks while it is sent: the server waits for the rest, and is not waited for.
        with pytest.raises(ConnectionLost, match="took too long"):
            connection._send_file(  # type: ignore[attr-defined]
                "package", 3_000_000, "00" * 32, iter([bytes(1000)]), time.monotonic() + 0.5
            )
        # The folder goes with its channel; the next script may be a moment earlier.
        deadline = time.monotonic() + 5
        while (after := connection.run_script(listing).stdout) != before and time.monotonic() < deadline:
            pass
        assert set(after.splitlines()) <= set(before.splitlines())


def test_an_upload_is_not_cut_short_by_a_word_on_standard_error(
    server: OpenSsh, operator: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`begin` may come on one stream well before the other: here while the channel's window is full."""
    text = Request.text

    def with_a_pause(request: Request) -> str:
        first, second = f"echo '{request.marker} begin' >&2\n", f"echo '{request.marker} begin'\n"
        assert first + second in text(request)
        return text(request).replace(first + second, f"{second}sleep 0.3\n{first}")

    monkeypatch.setattr(Request, "text", with_a_pause)
    source = tmp_path / "package"
    source.write_bytes(os.urandom(5_000_000))
    with connected(server, operator.credential()) as connection:
        connection.upload(source, sha256=hashlib.sha256(source.read_bytes()).hexdigest(), timeout=10)


def test_an_upload_to_a_full_disk_is_told(server: OpenSsh, operator: Account, tmp_path: Path) -> None:
    source = tmp_path / "package"
    source.write_bytes(bytes(3_000_000))
    with connected(server, operator.credential()) as connection:
        script = Request.upload("package", 3_000_000).script.replace(">'package'", ">/dev/full")
        assert ">/dev/full" in script
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Request, "upload", lambda name, size: replace(REQUEST_UPLOAD(name, size), script=script))
            with pytest.raises(ConnectionLost, match="No space left"):
                connection.upload(source, sha256="00" * 32)
        assert connection.run_script("echo fine").stdout == b"fine\n"


def test_two_hundred_servers_see_a_wrong_password_twice_at_most(
    server: OpenSsh, operator: Account, tmp_path: Path
) -> None:
    lockout = Lockout(tmp_path / "lockout.json")
    connector = server.connector(operator.credential("ssh-password"), secret="wrong", lockout=lockout)
    failures = log_of(server).count(f"Failed password for {operator.name}")

    def connect(number: int) -> str:
        with pytest.raises(LogInRefused) as caught:
            connector.connect(server.host(f"server{number}"), CancelToken())
        return caught.value.what

    with ThreadPoolExecutor(32) as pool:
        told = list(pool.map(connect, range(200)))
    assert log_of(server).count(f"Failed password for {operator.name}") == failures + 2
    assert sum("was not tried" in what for what in told) == 198
    # Across restarts, until the user says go on.
    again = server.connector(
        operator.credential("ssh-password"), secret=PASSWORD, lockout=Lockout(tmp_path / "lockout.json")
    )
    with pytest.raises(LogInRefused, match="was not tried"):
        again.connect(server.host(), CancelToken())
    Lockout(tmp_path / "lockout.json").forgive(operator.name)
    with connected(
        server, operator.credential("ssh-password"), PASSWORD, lockout=Lockout(tmp_path / "lockout.json")
    ) as connection:
        assert connection.run_script("true").exit_code == 0


def test_a_tunnel_reaches_what_the_server_reaches(server: OpenSsh, operator: Account) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target, connected(server, operator.credential()) as connection:
        tunnel = connection.open_tunnel("127.0.0.1", target.getsockname()[1])
        peer, _ = target.accept()
        with peer:
            peer.sendall(b"hello")
            assert tunnel.recv(5) == b"hello"  # type: ignore[union-attr]
        tunnel.close()  # type: ignore[union-attr]
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                connection.open_tunnel("127.0.0.1", closed.getsockname()[1])


def test_a_forbidden_tunnel_is_an_oserror(tmp_path: Path) -> None:
    with (
        openssh(tmp_path, options={"AllowTcpForwarding": "no"}) as server,
        account(server) as user,
        connected(server, user.credential()) as connection,
        pytest.raises(PermissionError),
    ):
        connection.open_tunnel("127.0.0.1", 9)


# --- secrets


def test_no_secret_is_in_logs_errors_or_process_lists(
    server: OpenSsh, operator: Account, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """At DEBUG level, in every encoding, when it works and when it does not."""
    canary = "secret-line-canary"
    said = []
    with caplog.at_level(logging.DEBUG):
        with connected(server, operator.credential("ssh-password"), PASSWORD) as connection:
            listing = connection.run_script("ps -eww -o args; cat", privileged=True, secret_line=Secret(canary))
            said.append(repr(connection.__dict__))
        for wrong in ("ssh-password", "ssh-key"):
            connector = server.connector(
                operator.credential(wrong), secret=PASSWORD + "x", lockout=Lockout(tmp_path / wrong)
            )
            try:
                with closing(connector.connect(server.host(), CancelToken())) as connection:
                    connection.run_script("true", privileged=True)
            except HostError as error:
                said += [str(error), repr(error), repr(error.__context__), repr(error.__cause__)]
            else:
                pytest.fail("a wrong password was accepted")
            said.append(repr(connector.__dict__))
    assert "paramiko" in {record.name.partition(".")[0] for record in caplog.records}
    shown = "\n".join([caplog.text, log_of(server), *said]) + listing.stdout.decode().replace(canary, "", 1)
    for secret in (PASSWORD, canary):
        for form in (secret, base64.b64encode(secret.encode()).decode(), secret.encode("utf-16-le").decode("latin-1")):
            assert form not in shown


def test_a_script_goes_on_when_the_connection_is_gone(server: OpenSsh, operator: Account) -> None:
    """Package managers are never interrupted: what runs on the server is left to its end, and cleans up then."""
    pipe = server.public / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    connector = server.connector(operator.credential())
    connection = connector.connect(server.host(), CancelToken())
    with pytest.raises(ConnectionLost, match="still running on the server"):
        connection.run_script(f'read go <{pipe}; echo "$0" >{pipe}', timeout=0.5)
    connection.close()
    pipe.write_text("go\n")
    script = Path(pipe.read_text().strip())
    deadline = time.monotonic() + 5
    while script.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not script.parent.exists()
