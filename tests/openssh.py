"""Debian's own OpenSSH server on loopback, with keys, accounts and sudo rules of the test's own.

    with openssh(folder) as server, account(server, password="…", sudo="ALL=(ALL) ALL") as user:
        connection = server.connector(user.credential()).connect(server.host(), CancelToken())

As root, accounts are made and removed again; else the only account is the one that runs the tests, with a key.
"""

import contextlib
import getpass
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from onboard.hosts.credentials import Secrets, variable_name
from onboard.hosts.dial import DIRECT, Dialler
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.connector import SshConnector
from onboard.hosts.ssh.known_hosts import KnownHosts, entry_name
from onboard.hosts.ssh.transport import DEFAULT_LIMITS, Limits
from onboard.model.place import Place
from onboard.model.profile import Credential, Host

SSHD = "/usr/sbin/sshd"


def needs(*programs: str) -> None:
    """Skip the test, by name, when a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")


def needs_root() -> None:
    if os.getuid() != 0:
        pytest.skip("needs root: makes accounts on this computer")


@dataclass(frozen=True)
class Account:
    """An account of this computer. `key_file` is a private key that its authorized_keys lists."""

    name: str
    home: Path
    key_file: Path
    password: str = ""

    def credential(self, kind: str = "ssh-key", **settings: object) -> Credential:
        key_file = str(self.key_file) if kind == "ssh-key" else None
        return Credential.model_validate({"kind": kind, "username": self.name, "key_file": key_file, **settings})


@dataclass
class OpenSsh:
    """A running sshd. `log` is its debug log; `host_keys` are its public keys by type, as `ssh-keygen` writes them.

    `public` is a folder that every account may read, unlike `folder`: pytest's are for their owner alone.
    """

    folder: Path
    public: Path
    port: int
    log: Path
    host_keys: Mapping[str, str] = field(default_factory=dict)

    def authorized_keys(self, user: str) -> Path:
        return self.public / f"authorized_keys.{user}"

    @property
    def known_hosts(self) -> Path:
        """A known_hosts file with all of its keys."""
        path = self.folder / "known_hosts"
        name = entry_name(Place("127.0.0.1", self.port))
        path.write_text("".join(f"{name} {' '.join(key.split()[:2])}\n" for key in self.host_keys.values()))
        return path

    def host(self, name: str = "server", **settings: object) -> Host:
        return Host.model_validate({"name": name, "address": "127.0.0.1", "port": self.port, **settings})

    def connector(
        self,
        credential: Credential,
        *,
        secret: str = "",
        passphrase: str = "",
        known_hosts: KnownHosts | None = None,
        lockout: Lockout | None = None,
        memory: LogInMemory | None = None,
        dialler: Dialler = DIRECT,
        limits: Limits = DEFAULT_LIMITS,
    ) -> SshConnector:
        """A connector whose credential `default` is this one, and which trusts this server."""
        variables = {variable_name("default"): secret, variable_name("default_PASSPHRASE"): passphrase}
        credentials = {"default": credential}
        return SshConnector(
            credentials,
            secrets=Secrets(credentials, environment={name: value for name, value in variables.items() if value}),
            known_hosts=known_hosts or KnownHosts(None, [self.known_hosts]),
            lockout=lockout or Lockout(self.folder / "lockout.json"),
            memory=memory or LogInMemory(),
            dialler=dialler,
            limits=limits,
        )


def make_key(path: Path, key_type: str = "ed25519", *, passphrase: str = "", options: Sequence[str] = ()) -> Path:
    """A new private key; its public key lies beside it as .pub."""
    bits = ["-b", "2048"] if key_type == "rsa" else []
    command = ["ssh-keygen", "-q", "-t", key_type, *bits, "-N", passphrase, "-C", "", "-f", str(path), *options]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@contextlib.contextmanager
def openssh(
    folder: Path,
    *,
    key_types: Sequence[str] = ("ed25519",),
    options: Mapping[str, str] | None = None,
    mounts: str = "",
    ipv6: bool = False,
) -> Iterator[OpenSsh]:
    """Start sshd with its files in `folder`; `options` go into its sshd_config. With `ipv6` it listens on ::1 as well.

    `mounts` are shell commands that change the file system as this server and its sessions see it, and nobody else.
    They may cover /tmp if `folder` is elsewhere.
    """
    if not Path(SSHD).exists():
        pytest.skip(f"needs openssh-server: {SSHD}")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation folder
    if mounts:
        _needs_mount_namespace()
    if ipv6:
        _needs_ipv6()
        options = {**(options or {}), "ListenAddress": "127.0.0.1\nListenAddress ::1"}
    with tempfile.TemporaryDirectory(prefix="onboard-sshd-", dir="/run" if mounts else None) as public:
        Path(public).chmod(0o755)
        server = OpenSsh(folder, Path(public), _free_port(), folder / "sshd.log")
        with _running(server, key_types, options, mounts) as started:
            yield started


def _needs_mount_namespace() -> None:
    needs_root()
    needs("unshare")
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"needs a mount namespace of its own: {tried.stderr.strip()}")


def _needs_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"needs IPv6 on loopback: {error}")


@contextlib.contextmanager
def _running(
    server: OpenSsh, key_types: Sequence[str], options: Mapping[str, str] | None, mounts: str
) -> Iterator[OpenSsh]:
    folder = server.folder
    host_keys = {}
    for key_type in key_types:
        path = make_key(folder / f"host_{key_type}", key_type)
        host_keys[key_type] = path.with_suffix(".pub").read_text().strip()
    server.host_keys = host_keys
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": str(server.port),
        "PidFile": "none",
        "AuthorizedKeysFile": f"{server.public}/authorized_keys.%u",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "yes" if os.getuid() == 0 else "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "MaxStartups": "1000",
        "LogLevel": "DEBUG1",
        **(options or {}),
    }
    lines = [f"{name} {value}" for name, value in settings.items()]
    lines += [f"HostKey {folder}/host_{key_type}" for key_type in key_types]
    config = folder / "sshd_config"
    config.write_text("\n".join(lines) + "\n")
    command = [SSHD, "-D", "-f", str(config), "-E", str(server.log)]
    if mounts:
        command = ["unshare", "--mount", "/bin/sh", "-ec", f'{mounts}\nexec "$0" "$@"', *command]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(server, process)
            yield server
        finally:
            process.terminate()


@contextlib.contextmanager
def dropbear(folder: Path) -> Iterator[OpenSsh]:
    """Start dropbear, the SSH server of small systems. It reads an account's own ~/.ssh/authorized_keys."""
    needs_root()
    needs("dropbear", "dropbearkey")
    key, log = folder / "host_key", folder / "dropbear.log"
    shown = subprocess.run(["dropbearkey", "-t", "ed25519", "-f", key], check=True, capture_output=True, text=True)
    public = next(line for line in shown.stdout.splitlines() if line.startswith("ssh-ed25519"))
    server = OpenSsh(folder, folder, _free_port(), log, {"ed25519": public})
    command = ["dropbear", "-F", "-E", "-r", str(key), "-P", str(folder / "pid"), "-p", f"127.0.0.1:{server.port}"]
    with log.open("wb") as output, subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=output) as process:
        try:
            _wait_until_it_listens(server, process)
            yield server
        finally:
            process.terminate()


@contextlib.contextmanager
def tinysshd(folder: Path) -> Iterator[OpenSsh]:
    """Start tinysshd, which serves one connection by standard input and output, behind a listener."""
    needs_root()
    needs("tinysshd", "tinysshd-makekey", "tinysshd-printkey")
    keys, log = folder / "keys", folder / "tinysshd.log"
    subprocess.run(["tinysshd-makekey", keys], check=True)
    public = subprocess.run(["tinysshd-printkey", keys], check=True, capture_output=True, text=True).stdout.strip()
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the listener's end
                while True:
                    client, _ = listener.accept()
                    with client:
                        command = ["tinysshd", "-v", str(keys)]
                        subprocess.run(command, check=False, stdin=client, stdout=client, stderr=output)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield OpenSsh(folder, folder, listener.getsockname()[1], log, {"ed25519": public})
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def account(
    server: OpenSsh,
    *,
    password: str = "",
    log_in_shell: str = "/bin/bash",
    sudo: str = "",
    sudo_defaults: str = "",
) -> Iterator[Account]:
    """An account with a key. `sudo` is its rule in sudoers without the name, `sudo_defaults` its Defaults."""
    if not (password or sudo or log_in_shell != "/bin/bash"):
        if os.getuid() != 0:
            yield _authorized(server, Account(getpass.getuser(), Path.home(), server.folder / "key"))
            return
    else:
        needs_root()
    needs("useradd", "chpasswd", log_in_shell)
    name = f"onb{secrets.token_hex(4)}"
    rule = Path(f"/etc/sudoers.d/{name}")
    home = Path("/home") / name  # not below the test's folder, which others may not enter
    try:
        subprocess.run(["useradd", "--create-home", "--home-dir", home, "--shell", log_in_shell, name], check=True)
        # Without a password the account counts as locked, and sshd then refuses its key as well.
        said = f"{name}:{password or secrets.token_hex(16)}\n"
        subprocess.run(["chpasswd"], input=said, text=True, check=True)
        if sudo:
            needs("sudo", "visudo")
            defaults = f"Defaults:{name} {sudo_defaults}\n" if sudo_defaults else ""
            # A lecture stands before the first prompt on each account.
            rule.write_text(f"Defaults:{name} lecture=always\n{defaults}{name} {sudo}\n")
            rule.chmod(0o440)
            subprocess.run(["visudo", "-cqf", str(rule)], check=True)
        yield _authorized(server, Account(name, home, server.folder / f"key.{name}", password))
    finally:
        rule.unlink(missing_ok=True)
        subprocess.run(["userdel", "--force", "--remove", name], check=False, capture_output=True)


def uid_of(user: Account) -> int:
    return pwd.getpwnam(user.name).pw_uid


def log_of(server: OpenSsh) -> str:
    return server.log.read_text(errors="replace")


def _authorized(server: OpenSsh, user: Account) -> Account:
    make_key(user.key_file)
    authorized = server.authorized_keys(user.name)
    authorized.write_text(user.key_file.with_name(user.key_file.name + ".pub").read_text())
    authorized.chmod(0o644)
    return user


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _wait_until_it_listens(server: OpenSsh, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
            return
        time.sleep(0.01)
    raise AssertionError(f"sshd did not start: {log_of(server) if server.log.exists() else 'no log'}")
