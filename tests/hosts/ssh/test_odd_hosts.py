"""One real server for each oddity: other SSH servers, log-in shells, ways to root, file systems, clocks and locales.

Each case logs in, runs scripts as the account and as root, and uploads a file; or it gets the right words where that
cannot work. A case whose part this computer lacks is skipped by name. test_awkward_servers.py has those that print
without end, ask for another account's password (targetpw, rootpw, runaspw), allow few sessions (MaxSessions) or few
log-ins at once (MaxStartups), or forbid programs as root (sudo's noexec).
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from openssh import Account, OpenSsh, account, dropbear, needs, needs_root, openssh, tinysshd
from posix_shells import script_of, tools
from realhosts import real_hosts

from onboard.facts import bundle
from onboard.facts.base import Unknown, Wanted
from onboard.facts.catalog import facts_of
from onboard.facts.posix import clock
from onboard.hosts.connection import Connection
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.known_hosts import KnownHosts, entry_name
from onboard.model.cancel import CancelToken
from onboard.model.endpoints import Endpoints
from onboard.model.errors import ConnectionLost, HostError, HostUnreachable, PrivilegeMissing
from onboard.model.family import Family
from onboard.model.profile import Host
from onboard.model.secret import Secret
from onboard.scripts.posix import POSIX

PASSWORD = "canary-Password 'with' $quotes"
CONTENT = bytes(range(256)) * 40
ALL = "ALL=(ALL) ALL"
SCRIPT = "id -un; umask; printf '%s' \"$LC_ALL\"; printf err >&2; exit 7"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with openssh(tmp_path_factory.mktemp("sshd")) as running_server:
        yield running_server


@pytest.fixture
def apart() -> Iterator[Path]:
    """A folder for a server whose /tmp is another one."""
    needs_root()
    with tempfile.TemporaryDirectory(prefix="onboard-odd-", dir="/run") as folder:
        yield Path(folder)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "package"
    path.write_bytes(CONTENT)
    return path


@contextmanager
def connected(server: OpenSsh, user: Account, kind: str = "ssh-key", **settings: object) -> Iterator[Connection]:
    connector = server.connector(user.credential(kind), **{"secret": PASSWORD, **settings})  # type: ignore[arg-type]
    with closing(connector.connect(server.host(), CancelToken())) as connection:
        yield connection


def upload(connection: Connection, package: Path) -> str:
    return connection.upload(package, sha256=hashlib.sha256(package.read_bytes()).hexdigest())


def works(connection: Connection, name: str, package: Path) -> None:
    """Scripts are answered to the byte, as the account and as root; a secret arrives, and so does a file."""
    result = connection.run_script(SCRIPT)
    assert (result.exit_code, result.stdout, result.stderr) == (7, f"{name}\n0022\nC".encode(), b"err")
    path = upload(connection, package)
    result = connection.run_script(SCRIPT, privileged=True)
    assert (result.exit_code, result.stdout, result.stderr) == (7, b"root\n0022\nC", b"err")
    script = f"IFS= read -r line; printf '%s|' \"$line\"; cat {path}"
    result = connection.run_script(script, privileged=True, secret_line=Secret("cänary $x"))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "cänary $x|".encode() + CONTENT, b"")


def may_not_act_as_root(connection: Connection, words: str) -> PrivilegeMissing:
    with pytest.raises(PrivilegeMissing, match=words) as caught:
        connection.run_script("id -u", privileged=True)
    assert connection.run_script("echo still here").stdout == b"still here\n"
    return caught.value


def runs_nothing(connection: Connection, words: str) -> ConnectionLost:
    with pytest.raises(ConnectionLost, match="cannot run commands") as caught:
        connection.run_script("true")
    assert words in str(caught.value)
    return caught.value


FACTS = facts_of(Family.POSIX)
NOWHERE = Wanted(Endpoints("http://127.0.0.1:9", "http://127.0.0.1:9", None, "http://127.0.0.1:9"))


def unanswered(connection: Connection) -> set[str]:
    """The facts that the server does not answer; not those that were only too slow, which any may be on a busy day."""
    facts = bundle.parse(FACTS, connection.run_script(bundle.compose(POSIX, FACTS, NOWHERE), privileged=True))
    reasons = {fact.name: answer.reason for fact in FACTS if isinstance(answer := facts.get(fact), Unknown)}
    return {name for name, reason in reasons.items() if "time limit" not in reason}


@pytest.fixture(scope="module")
def usually_unanswered(server: OpenSsh) -> set[str]:
    """The facts that this computer does not answer when nothing about it is odd."""
    with account(server, sudo=ALL, password=PASSWORD) as user, connected(server, user) as connection:
        return unanswered(connection)


# --- SSH servers


@contextmanager
def key_at_home(server: OpenSsh, user: Account) -> Iterator[Account]:
    """The account's key also where servers other than OpenSSH look for it."""
    keys = user.home / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o755)
    keys.write_bytes(server.authorized_keys(user.name).read_bytes())
    yield user


@pytest.mark.parametrize("kind", ["ssh-key", "ssh-password"])
def test_dropbear(tmp_path: Path, package: Path, kind: str) -> None:
    with (
        dropbear(tmp_path) as server,
        account(server, password=PASSWORD, sudo=ALL) as user,
        key_at_home(server, user),
        connected(server, user, kind) as connection,
    ):
        works(connection, user.name, package)


def test_tinysshd(tmp_path: Path) -> None:
    """Its only cipher is chacha20-poly1305, which paramiko does not have."""
    with tinysshd(tmp_path) as server, account(server) as user, key_at_home(server, user):
        with (
            pytest.raises(HostUnreachable, match="no SSH algorithm in common") as caught,
            connected(server, user),
        ):
            pass
        assert "ciphers" in caught.value.why
        assert "tinyssh" in caught.value.why
        assert "tinysshd" in caught.value.remedy


@pytest.mark.parametrize("kind", ["ssh-key", "ssh-password"])
def test_sshd_with_pam(tmp_path: Path, package: Path, kind: str) -> None:
    if not Path("/etc/pam.d/sshd").exists():
        pytest.skip("needs PAM's configuration of sshd: /etc/pam.d/sshd")
    with (
        openssh(tmp_path, options={"UsePAM": "yes"}) as server,
        account(server, password=PASSWORD, sudo=ALL) as user,
        connected(server, user, kind) as connection,
    ):
        works(connection, user.name, package)


@pytest.mark.parametrize("kind", ["ssh-key", "ssh-password"])
def test_sshd_without_pam(server: OpenSsh, package: Path, kind: str) -> None:
    with account(server, password=PASSWORD, sudo=ALL) as user, connected(server, user, kind) as connection:
        works(connection, user.name, package)


def test_ipv6(tmp_path: Path, package: Path) -> None:
    with (
        openssh(tmp_path, ipv6=True) as server,
        account(server, password=PASSWORD, sudo=ALL) as user,
    ):
        host = Host(name="server", address="::1", port=server.port)
        known_hosts = tmp_path / "known"
        known_hosts.write_text(f"{entry_name(host.place)} {server.host_keys['ed25519']}\n")
        known = KnownHosts(None, [known_hosts])
        connector = server.connector(user.credential(), secret=PASSWORD, known_hosts=known)
        with closing(connector.connect(host, CancelToken())) as connection:
            works(connection, user.name, package)


# --- forced commands


def force(server: OpenSsh, user: Account, command: str) -> None:
    keys = server.authorized_keys(user.name)
    keys.write_text(f'command="{command}" {keys.read_text()}')


def test_forced_command(server: OpenSsh) -> None:
    with account(server) as user:
        force(server, user, "echo backups only")
        with connected(server, user) as connection:
            assert "forced command" in runs_nothing(connection, "backups only").remedy


def test_forced_command_that_serves_files_only(tmp_path: Path) -> None:
    with (
        openssh(tmp_path, options={"ForceCommand": "internal-sftp"}) as server,
        account(server) as user,
        connected(server, user) as connection,
    ):
        assert "forced command" in runs_nothing(connection, "sftp").remedy


def test_forced_command_that_runs_what_was_asked_for(server: OpenSsh, package: Path) -> None:
    """As programs do that record sessions."""
    with account(server, password=PASSWORD, sudo=ALL) as user:
        force(server, user, "echo this session is recorded >&2; $SSH_ORIGINAL_COMMAND")
        with connected(server, user) as connection:
            works(connection, user.name, package)


# --- userlands and log-in shells


def test_busybox_userland(apart: Path, package: Path, usually_unanswered: set[str]) -> None:
    """/bin/sh and all programs that come first in PATH are busybox."""
    needs("busybox", "sudo")
    programs = apart / "bin"
    programs.mkdir()
    subprocess.run(["busybox", "--install", "-s", programs], check=True)
    (programs / "sudo").symlink_to(str(shutil.which("sudo")))
    apart.chmod(0o755)
    mounts = f"mount --bind {shutil.which('busybox')} {Path('/bin/sh').resolve()}"
    with (
        openssh(apart, options={"SetEnv": f"PATH={programs}"}, mounts=mounts) as server,
        account(
            server, password=PASSWORD, log_in_shell="/bin/sh", sudo=ALL, sudo_defaults=f"secure_path={programs}"
        ) as user,
        connected(server, user) as connection,
    ):
        assert b"BusyBox" in connection.run_script("sh --help 2>&1 | head -n 1").stdout
        works(connection, user.name, package)
        assert unanswered(connection) <= usually_unanswered


def shell_works(server: OpenSsh, shell: str, package: Path, terminal: str = "") -> None:
    needs(shell)
    path = str(shutil.which(shell))
    with (
        account(server, password=PASSWORD, log_in_shell=path, sudo=ALL, sudo_defaults=terminal) as user,
        connected(server, user) as connection,
    ):
        works(connection, user.name, package)


def test_csh(server: OpenSsh, package: Path) -> None:
    shell_works(server, "csh", package)


def test_tcsh(server: OpenSsh, package: Path) -> None:
    shell_works(server, "tcsh", package, "requiretty")


def test_fish(server: OpenSsh, package: Path) -> None:
    shell_works(server, "fish", package, "requiretty")


def test_zsh(server: OpenSsh, package: Path) -> None:
    shell_works(server, "zsh", package)


def test_mksh(server: OpenSsh, package: Path) -> None:
    shell_works(server, "mksh", package)


def test_rbash(server: OpenSsh) -> None:
    needs("rbash")
    with account(server, log_in_shell=str(shutil.which("rbash"))) as user, connected(server, user) as connection:
        assert "log-in shell" in runs_nothing(connection, "/bin/sh: restricted").remedy


# --- ways to root


def test_doas(tmp_path: Path) -> None:
    """Onboard does not use it, and says so."""
    needs_root()
    needs("doas")
    rules = Path("/etc/doas.conf")
    if rules.exists():
        pytest.skip(f"needs {rules} for itself")
    with tempfile.TemporaryDirectory(prefix="onboard-bin-") as folder:
        Path(folder).chmod(0o755)
        programs = tools(Path(folder) / "bin", "sudo")
        with (
            openssh(tmp_path, options={"SetEnv": f"PATH={programs}"}) as server,
            account(server, password=PASSWORD) as user,
        ):
            try:
                rules.write_text(f"permit nopass {user.name} as root\n")
                with connected(server, user) as connection:
                    assert connection.run_script("doas -n id -u; command -v sudo").stdout == b"0\n"
                    refused = may_not_act_as_root(connection, "there is no sudo")
            finally:
                rules.unlink()
        assert "doas" in refused.remedy


def sudo_works(server: OpenSsh, defaults: str, package: Path, rule: str = ALL) -> None:
    with (
        account(server, password=PASSWORD, sudo=rule, sudo_defaults=defaults) as user,
        connected(server, user) as connection,
    ):
        works(connection, user.name, package)


def refusal_counts(server: OpenSsh, defaults: str) -> None:
    """A wrong password is recognised, sent once, and remembered."""
    memory = LogInMemory()
    with (
        account(server, password=PASSWORD, sudo=ALL, sudo_defaults=defaults) as user,
        connected(server, user, secret="wrong", memory=memory) as connection,
    ):
        may_not_act_as_root(connection, "sudo refused the password")
    assert memory.refused == {"default"}


def test_requiretty(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "requiretty", package)


def test_use_pty(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "use_pty", package)


def test_use_pty_with_requiretty(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "use_pty, requiretty", package)


def test_log_input(server: OpenSsh, package: Path, tmp_path: Path) -> None:
    """The secret is in sudo's records, which the fact `sudo_logging` reports."""
    with (
        account(server, password=PASSWORD, sudo=ALL, sudo_defaults=f"log_input, iolog_dir={tmp_path}/io") as user,
        connected(server, user) as connection,
    ):
        works(connection, user.name, package)
        told = connection.run_script(script_of("sudo_logging"), privileged=True).stdout.decode()
    assert f"option log_input\nfolder {tmp_path}/io\n" in told
    assert any((tmp_path / "io").rglob("stdin"))


def test_iolog(server: OpenSsh, package: Path, tmp_path: Path) -> None:
    everything = "log_input, log_output, iolog_flush, iolog_mode=0640, requiretty"
    sudo_works(server, f"{everything}, iolog_dir={tmp_path}/io", package)
    assert any((tmp_path / "io").rglob("ttyout"))


def test_secure_path(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "secure_path=/opt/none", package)


def test_env_reset(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "env_reset, env_delete+=PATH", package)


def test_env_that_is_not_reset(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "!env_reset", package)


def test_timestamp_timeout(server: OpenSsh, package: Path) -> None:
    """sudo asks each time."""
    sudo_works(server, "timestamp_timeout=0", package)


def test_timestamps_that_do_not_time_out(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "timestamp_timeout=-1, timestamp_type=global", package)


def test_passwd_tries(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "passwd_tries=1", package)
    refusal_counts(server, "passwd_tries=1")


def test_passprompt(server: OpenSsh, package: Path) -> None:
    sudo_works(server, 'passprompt="[%u] Passwort für %p:"', package)


def test_passprompt_override(server: OpenSsh, package: Path) -> None:
    sudo_works(server, 'passprompt="Parola: ", passprompt_override', package)


def test_badpass_message(server: OpenSsh) -> None:
    refusal_counts(server, 'badpass_message="Das war falsch."')


def test_insults(server: OpenSsh) -> None:
    refusal_counts(server, "insults")


def test_lecture(server: OpenSsh, package: Path, tmp_path: Path) -> None:
    lecture = tmp_path / "lecture"
    lecture.write_text("Share neither your current nor a new password with anybody, and ask first.\n" * 20)
    sudo_works(server, f"lecture=always, lecture_file={lecture}", package)


def test_pwfeedback(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "pwfeedback", package)


def test_pwfeedback_with_requiretty(server: OpenSsh, package: Path) -> None:
    """Then it prints an asterisk for each character."""
    sudo_works(server, "pwfeedback, requiretty", package)


def test_visiblepw(server: OpenSsh, package: Path) -> None:
    sudo_works(server, "visiblepw", package)


def test_runas_default(server: OpenSsh, package: Path) -> None:
    """Without -u, sudo runs commands as that account."""
    sudo_works(server, "runas_default=daemon", package)


@pytest.mark.parametrize("terminal", ["", ", requiretty"])
def test_stay_setuid(server: OpenSsh, terminal: str) -> None:
    """Shells then drop root's rights, and a script would run as the account."""
    defaults = f"stay_setuid{terminal}"
    with (
        account(server, password=PASSWORD, sudo=ALL, sudo_defaults=defaults) as user,
        connected(server, user) as connection,
    ):
        assert "stay_setuid" in may_not_act_as_root(connection, "does not run the account's scripts as root").remedy


# --- file systems, umask, clock, locales


PLACES = "/tmp /var/tmp /dev/shm /home"  # where a folder for a script could be made


def test_umask_077(server: OpenSsh, package: Path) -> None:
    with account(server, password=PASSWORD, sudo=ALL, sudo_defaults="umask=0077, umask_override") as user:
        (user.home / ".bashrc").write_text("umask 077\n")
        with connected(server, user) as connection:
            works(connection, user.name, package)


def test_noexec(apart: Path, package: Path) -> None:
    mounts = f"for p in {PLACES}; do mount --bind $p $p; mount -o remount,bind,noexec $p; done"
    with (
        openssh(apart, mounts=mounts) as server,
        account(server, password=PASSWORD, sudo=ALL) as user,
        connected(server, user) as connection,
    ):
        tried = "echo 'echo ran' >~/x; chmod +x ~/x; ~/x"
        assert b"ermission denied" in connection.run_script(tried).stderr
        works(connection, user.name, package)


FULL = (
    "for p in {}; do mount -t tmpfs -o size=16k,mode=1777 full $p; head -c 99999 /dev/zero >$p/x 2>/dev/null || :; done"
)


def test_full(apart: Path) -> None:
    with (
        openssh(apart, mounts=FULL.format(PLACES)) as server,
        account(server) as user,
        connected(server, user) as connection,
        pytest.raises(HostError, match="No temporary folder") as caught,
    ):
        connection.run_script("true")
    assert "No space left" in caught.value.evidence
    assert "Free some space" in caught.value.remedy


def test_full_tmp_only(apart: Path, package: Path) -> None:
    with (
        openssh(apart, mounts=FULL.format("/tmp /dev/shm")) as server,
        account(server, password=PASSWORD, sudo=ALL) as user,
        connected(server, user) as connection,
    ):
        works(connection, user.name, package)


def test_too_full_for_a_file(apart: Path, package: Path) -> None:
    with (
        openssh(apart, mounts="mount -t tmpfs -o size=64k,mode=1777 small /tmp") as server,
        account(server) as user,
        connected(server, user) as connection,
    ):
        package.write_bytes(bytes(1_000_000))
        with pytest.raises(ConnectionLost, match="No space left") as caught:
            upload(connection, package)
        assert "free space" in caught.value.remedy
        assert connection.run_script("echo fine").stdout == b"fine\n"


READ_ONLY = "for p in {}; do mount --bind $p $p; mount -o remount,bind,ro $p; done"


def test_read_only(apart: Path) -> None:
    with (
        openssh(apart, mounts=READ_ONLY.format(PLACES)) as server,
        account(server) as user,
        connected(server, user) as connection,
        pytest.raises(HostError, match="No temporary folder") as caught,
    ):
        connection.run_script("true")
    assert "Read-only file system" in str(caught.value)
    assert "Make one of them writable" in caught.value.remedy


def test_read_only_but_for_memory(apart: Path, package: Path) -> None:
    with (
        openssh(apart, mounts=READ_ONLY.format("/tmp /var/tmp /home")) as server,
        account(server, password=PASSWORD, sudo=ALL) as user,
        connected(server, user) as connection,
    ):
        works(connection, user.name, package)


def test_1970(package: Path) -> None:
    """All programs of its sessions are at the beginning of the epoch, and so is sudo.

    sshd itself is not: its sandbox forbids what libfaketime does.
    """
    with real_hosts(1) as fleet:
        host = fleet[0]
        host.write("/etc/faketimerc", "@1970-01-01 00:00:05\n")
        host.write("/etc/ld.so.preload", host.run("ls /usr/lib/*/faketime/libfaketime.so.1").stdout)
        host.run("FAKETIME_SKIP_CMDS=sshd /usr/sbin/sshd -p 1970")
        folder = fleet.key_file.parent
        server = OpenSsh(folder, folder, 1970, folder / "log")
        known_hosts = folder / "known"
        target = Host(name=host.name, address=host.address, port=server.port)
        known_hosts.write_text(f"{entry_name(target.place)} {fleet.known_hosts.read_text().partition(' ')[2]}")
        user = Account("ops", Path("/home/ops"), fleet.key_file)
        connector = server.connector(user.credential(), known_hosts=KnownHosts(None, [known_hosts]))
        with closing(connector.connect(target, CancelToken())) as connection:
            works(connection, user.name, package)
            result = connection.run_script(bundle.compose(POSIX, [clock.FACT], NOWHERE), privileged=True)
            told = bundle.parse([clock.FACT], result).get(clock.FACT)
        assert isinstance(told, clock.Clock)
        assert told.server < 60


def speaks(apart: Path, package: Path, usually_unanswered: set[str], *, language: str, charset: str) -> None:
    """Log-ins get that locale from sshd, and the account's rc file and full name are in its character set."""
    needs("localedef")
    name = f"{language}.{charset}"
    done = subprocess.run(
        ["localedef", "-i", language, "-f", charset, apart / name], capture_output=True, text=True, check=False
    )
    if not (apart / name).exists():
        pytest.skip(f"needs the package locales: {done.stderr.strip()}")
    apart.chmod(0o755)
    options = {"SetEnv": f"LOCPATH={apart} LANG={name} LC_ALL={name}"}
    words = "Größe, çıkış".encode(charset, "replace")
    with openssh(apart, options=options) as server, account(server, password=PASSWORD, sudo=ALL) as user:
        subprocess.run(["usermod", "--comment", words, user.name], check=True)
        rc_file = user.home / ".bashrc"
        rc_file.write_bytes(b"printf '" + words + b'\\n%s\\n\' "$(locale charmap)" | tee /dev/stderr\n')
        with connected(server, user) as connection:
            works(connection, user.name, package)
            assert unanswered(connection) <= usually_unanswered
        rc_file.write_bytes(b"echo '" + words + b"'; locale charmap; exit\n")
        with connected(server, user) as connection:
            said = runs_nothing(connection, charset).evidence
        assert "Gr" in said


def test_latin_1(apart: Path, package: Path, usually_unanswered: set[str]) -> None:
    speaks(apart, package, usually_unanswered, language="de_DE", charset="ISO-8859-1")


def test_tr_tr(apart: Path, package: Path, usually_unanswered: set[str]) -> None:
    """There the small letter of I is not i."""
    speaks(apart, package, usually_unanswered, language="tr_TR", charset="ISO-8859-9")
