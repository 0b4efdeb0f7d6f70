"""Real hosts to test on: Debian root file systems in namespaces of this machine, each with its own OpenSSH server.

    with real_hosts(3) as fleet:
        fleet[0].run("id")            # as root, without SSH
        fleet[0].address, fleet[0].port, fleet.key_file, fleet.known_hosts
        fleet[0].root                 # its file tree, as this process sees it
        fleet.cloud_address           # where a practice cloud listens for the hosts

Every host has its own file tree (an overlay over one base that is made once), process tree, network, host name,
machine-id and SSH host key. Nothing of it is mounted in this machine's own namespace: with a host's first process
everything of it is gone, and that process dies with the one that runs the tests.
"""

import fcntl
import hashlib
import ipaddress
import json
import os
import platform
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

BASE_PACKAGES = (
    "busybox,ca-certificates,csh,curl,faketime,iproute2,mksh,"
    "openssh-server,openssl,procps,python3,rpm,sudo,systemd-sysv"
)
PID1 = Path(__file__).with_name("realhosts_pid1.sh")
NEEDED_PROGRAMS = ("debootstrap", "ip", "unshare", "nsenter", "setpriv", "ssh-keygen", "chroot")
NETWORK = "198.18.{}.0/24"  # RFC 2544: for test networks, routed nowhere
BRIDGE = "onboard{}"
VETH = "onb{}"  # by the first process's id

# What a host can never need, and what would reach past its namespaces: the machine's clock, modules and power.
DROPPED_CAPABILITIES = "-sys_time,-sys_module,-sys_boot,-sys_rawio,-wake_alarm,-mac_admin,-mac_override"

# Not in the digest of a host's tree: what a running system writes of itself, and package managers' own books, which a
# removal does not restore byte for byte (`packages()` compares their meaning). Times are not in it either.
VOLATILE = (
    "dev",
    "proc",
    "run",
    "sys",
    "etc/ld.so.cache",
    "usr/lib/sysimage/rpm",
    "var/cache/debconf",
    "var/cache/ldconfig",
    "var/lib/dpkg",
    "var/lib/rpm",
    "var/lib/systemd",
    "var/log/alternatives.log",
    "var/log/apt",
    "var/log/btmp",
    "var/log/dpkg.log",
    "var/log/journal",
    "var/log/lastlog",
    "var/log/wtmp",
)


def missing_part() -> str:
    """What this machine lacks to run real hosts, "" when nothing."""
    if sys.platform != "linux":
        return "Linux"
    if os.geteuid() != 0:
        return "root"
    for program in NEEDED_PROGRAMS:
        if shutil.which(program) is None:
            return f"the program {program}"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "the kernel's overlay file system"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--net", "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"the right to make namespaces ({tried.stderr.strip()})"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command on a host did."""

    exit_code: int
    stdout: str
    stderr: str


Tree = Mapping[str, str]
"""path → type, mode, owner, and content's hash or link's target."""


class RealHost:
    """One running host. Its user `ops` may use sudo without a password, `root` and `ops` accept the fleet's key."""

    def __init__(self, name: str, address: str, key_file: Path, init: int, upper: Path) -> None:
        self.name = name
        self.address = address
        self.port = 22
        self.key_file = key_file
        self.pid = init
        self.root = Path(f"/proc/{init}/root")
        self._upper = upper

    def run(self, command: str, *, stdin: str | bytes = "", check: bool = True, timeout: float = 60) -> Ran:
        """Run a shell command as root inside the host, in none of its log-in sessions."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "/bin/sh", "-c", command],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=timeout,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"},
        )
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        if check and ran.exit_code != 0:
            raise AssertionError(f"{self.name}: {command!r} ended with {ran.exit_code}: {ran.stderr}")
        return ran

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file, with its folders; from within, where absolute links lead to the host's own files."""
        self.run(f"mkdir -p {Path(path).parent} && cat > {path} && chmod {mode:o} {path}", stdin=content)

    def read(self, path: str) -> str:
        return self.run(f"cat {path}").stdout

    def said(self) -> str:
        """What its first process and its sshd wrote down."""
        return (self._upper.parent / "log").read_text()

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.root / path.lstrip("/"))

    def tree(self) -> Tree:
        """Everything in its file tree but what is VOLATILE."""
        found: dict[str, str] = {}
        self._describe(self.root, "", found)
        return found

    def _describe(self, folder: Path, inside: str, found: dict[str, str]) -> None:
        for entry in os.scandir(folder):
            path = f"{inside}{entry.name}"
            if path in VOLATILE:
                continue
            info = entry.stat(follow_symlinks=False)
            text = f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid}"
            if stat.S_ISREG(info.st_mode):
                text += f" {_content_hash(entry.path, info)}"
            elif stat.S_ISLNK(info.st_mode):
                text += f" {Path(entry.path).readlink()}"
            found[path] = text
            if stat.S_ISDIR(info.st_mode):
                self._describe(Path(entry.path), f"{path}/", found)

    def tree_digest(self) -> str:
        """One SHA-256 over the tree: equal before and after means that nothing was changed."""
        return hashlib.sha256(json.dumps(self.tree(), sort_keys=True).encode()).hexdigest()

    def packages(self) -> str:
        """Installed packages with their state, as dpkg and rpm know them."""
        deb = "dpkg-query --admindir=/var/lib/dpkg -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n'"
        return self.run(f"{deb} 2>/dev/null | grep -v ' un $'; rpm -qa 2>/dev/null; true").stdout

    def processes(self) -> Mapping[int, str]:
        """Its processes: pid inside the host → command line, arguments separated by blanks."""
        found = {}
        for line in self.run("ps -e -o pid= -o args=").stdout.splitlines():
            pid, _, arguments = line.strip().partition(" ")
            found[int(pid)] = arguments
        return found

    def trust(self, certificate: str) -> None:
        """Trust this root certificate, as `update-ca-certificates` does, which takes longer."""
        self.write("/usr/local/share/ca-certificates/practice.crt", certificate)
        self.run(
            "cd /etc/ssl/certs && ln -s /usr/local/share/ca-certificates/practice.crt practice.pem"
            " && ln -s practice.pem $(openssl x509 -noout -hash -in practice.pem).0"
            " && cat practice.pem >>ca-certificates.crt"
        )

    # Faults

    def remove_amazon_roots(self) -> None:
        """Deselect every Amazon and Starfield root, as an administrator would, and rebuild the bundle."""
        self.run(
            r"sed -i -e 's/^mozilla\/Amazon/!&/' -e 's/^mozilla\/Starfield/!&/' /etc/ca-certificates.conf"
            " && update-ca-certificates"
        )

    def set_clock_off(self, seconds: int) -> None:
        """Make every `date` of this host be off by `seconds` (-420: seven minutes slow)."""
        self.run("[ -e /usr/bin/date.true ] || mv /bin/date /bin/date.true")
        wrapper = f'#!/bin/sh\nexec faketime -f {seconds:+d}s /bin/date.true "$@"\n'
        self.write("/bin/date", wrapper, 0o755)

    def block(self, address: str, *, silently: bool = True) -> None:
        """Let nothing reach `address` any more: packets vanish, or (not silently) are answered `no route`."""
        if silently:
            # A neighbour that does not exist, rather than a packet filter that a kernel may lack.
            self.run(f"ip neigh replace {address} lladdr 02:00:00:00:00:01 nud permanent dev eth0")
        else:
            self.run(f"ip route add unreachable {address}/32")

    def clone_identity_of(self, other: "RealHost") -> None:
        """Take the other's machine-id, as a copied image has it."""
        self.write("/etc/machine-id", other.read("/etc/machine-id"), 0o444)

    def register_elsewhere(self, instance_id: str = "mi-0f00000000000000f", region: str = "us-west-2") -> None:
        """Leave what an agent leaves that is registered to another account or Region."""
        registration = json.dumps({"ManagedInstanceID": instance_id, "Region": region})
        self.write("/var/lib/amazon/ssm/registration", registration, 0o600)
        key = json.dumps({"instanceID": instance_id, "region": region, "privateKey": "not a key"})
        self.write("/var/lib/amazon/ssm/Vault/Store/RegistrationKey", key, 0o600)

    def become_rhel_like(self) -> None:
        """Look and install as a Red Hat system does: os-release, rpm in charge and no dpkg, and its trust store's tool.

        The tool is a stand-in with the same contract: the bundle is the shipped roots and every anchor.
        """
        self.write(
            "/etc/os-release",
            'NAME="Rocky Linux"\nVERSION="9.4 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\n'
            'VERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n',
        )
        self.write("/etc/redhat-release", "Rocky Linux release 9.4 (Blue Onyx)\n")
        self.run(
            "rm -f /etc/debian_version /usr/local/share/ca-certificates/*"
            " && mkdir -p /etc/pki/tls/certs /etc/pki/ca-trust/source/anchors /etc/pki/ca-trust/extracted/pem"
            " && cp /etc/ssl/certs/ca-certificates.crt /usr/share/ca-bundle.trust"
            " && ln -s /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/pki/tls/certs/ca-bundle.crt"
            " && rm -r /etc/ssl/certs && mkdir /usr/lib/debian-tools"
            " && for tool in dpkg dpkg-query dpkg-deb apt-get apt update-ca-certificates; do"
            ' mv "$(command -v "$tool")" /usr/lib/debian-tools/; done'
        )
        self.write(
            "/usr/bin/update-ca-trust",
            "#!/bin/sh\ncd /etc/pki/ca-trust || exit 1\n"
            "cat /usr/share/ca-bundle.trust $(ls -d source/anchors/* 2>/dev/null) > extracted/pem/tls-ca-bundle.pem\n",
            0o755,
        )
        # Debian's rpm keeps a database in each home, refuses to install unless told that this is meant, and its
        # database knows no /bin/sh.
        self.write(
            "/usr/bin/rpm",
            "#!/bin/sh\n"
            'case " $* " in\n'
            '*" -U "* | *" -i "* | *" -e "*) set -- --force-debian --nodeps "$@" ;;\nesac\n'
            'exec /usr/lib/rpm/rpm.true --dbpath /var/lib/rpm "$@"\n',
            0o755,
        )
        self.run("rpm -qa && update-ca-trust")


class Fleet(Sequence[RealHost]):
    """Running hosts and what they share."""

    def __init__(self, hosts: Sequence[RealHost], key_file: Path, known_hosts: Path, subnet: ipaddress.IPv4Network):
        self._hosts = tuple(hosts)
        self.key_file = key_file
        self.known_hosts = known_hosts
        self.test_address = str(subnet[1])
        """This process's address, as the hosts see it."""
        self.cloud_address = str(subnet[2])
        """A second address of this process, so that a host can lose the cloud and keep its SSH connection."""

    def __getitem__(self, index: Any) -> Any:
        return self._hosts[index]

    def __len__(self) -> int:
        return len(self._hosts)


@contextmanager
def real_hosts(count: int, *, systemd: bool = False) -> Iterator[Fleet]:
    """`count` running hosts; with `systemd`, it is their first process. Skips by name where this machine cannot."""
    lacking = missing_part()
    if lacking:
        pytest.skip(f"real hosts need {lacking}")
    base = base_system()
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="onboard-hosts-")))
        folder.chmod(0o755)
        bridge, subnet = cleanup.enter_context(_bridge())
        key_file = folder / "key"
        _call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", str(key_file))
        hosts = []
        known = []
        for number in range(count):
            name = f"host{number + 1}"
            address = str(subnet[11 + number])
            host_key = _lay_upper(folder / name, name, key_file.with_suffix(".pub").read_text(), base)
            known.append(f"{address} {host_key}\n")
            init = cleanup.enter_context(_first_process(folder / name, name, base, bridge, address, systemd))
            hosts.append(RealHost(name, address, key_file, init, folder / name / "upper"))
        known_hosts = folder / "known_hosts"
        known_hosts.write_text("".join(known))
        for host in hosts:
            _wait_for(f"{host.name}: sshd", partial(_greets, host.address), folder / host.name / "log")
        if systemd:
            for host in hosts:
                host.run("systemctl is-system-running --wait || true", timeout=60)
        yield Fleet(hosts, key_file, known_hosts, subnet)


def _lay_upper(folder: Path, name: str, public_key: str, base: Path) -> str:
    """A host's own files, over the base's. Returns its public SSH host key."""
    upper = folder / "upper"
    for made in (upper, folder / "work", folder / "root"):
        made.mkdir(parents=True)
    # A folder that exists in the base too must carry the base's mode and owner.
    (upper / "etc/ssh").mkdir(parents=True)
    (upper / "etc/hostname").write_text(f"{name}\n")
    (upper / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}\n")
    (upper / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (upper / "etc/machine-id").chmod(0o444)
    _call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(upper / "etc/ssh/ssh_host_ed25519_key"))
    for home, owner in (("root", 0), ("home/ops", 1000)):
        keys = upper / home / ".ssh"
        keys.mkdir(parents=True, mode=0o700)
        (keys / "authorized_keys").write_text(public_key)
        for path in (upper / home, keys, keys / "authorized_keys"):
            os.chown(path, owner, owner)
    for inside in ("etc", "etc/ssh", "root", "home", "home/ops"):
        (upper / inside).chmod(stat.S_IMODE((base / inside).stat().st_mode))
    return (upper / "etc/ssh/ssh_host_ed25519_key.pub").read_text().strip()


@contextmanager
def _first_process(folder: Path, name: str, base: Path, bridge: str, address: str, systemd: bool) -> Iterator[int]:
    """Start a host; its first process's id as this machine counts. Killing that one kills them all."""
    with ExitStack() as cleanup:
        log = cleanup.enter_context((folder / "log").open("wb"))
        prefix: list[str] = []
        unshare = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--net", "--uts", "--ipc"]
        if systemd:
            group = cleanup.enter_context(_control_group())
            prefix = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group)]
            unshare.append("--cgroup")
        command = [
            *("setpriv", "--pdeathsig", "KILL", f"--bounding-set={DROPPED_CAPABILITIES}"),
            *(*prefix, *unshare, "--kill-child", "/bin/sh", str(PID1), str(base)),
            *(str(folder / part) for part in ("upper", "work", "root")),
            *(name, "systemd" if systemd else "plain"),
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        init = 0
        cleanup.callback(lambda: _end(process, init))
        if process.stdout.readline() != b"wire\n":
            raise RuntimeError(f"{name} did not start: {(folder / 'log').read_text()}")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        init = int(children[0])
        # It would go by itself, but only a moment after the host.
        cleanup.callback(subprocess.run, ["ip", "link", "delete", VETH.format(init)], capture_output=True)
        _connect(bridge, init, address)
        process.stdin.write(b"go\n")
        process.stdin.close()
        process.stdout.close()
        yield init


def _end(process: subprocess.Popen[bytes], init: int) -> None:
    """Kill a host's first process, and with it all of them; its parent waits until they are gone."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    os.kill(init or process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _control_group() -> Iterator[Path]:
    """An empty control group of version 2 for a systemd of its own."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    places = [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"]
    if not places:
        pytest.skip("systemd as first process needs a mounted cgroup2 file system")
    group = Path(tempfile.mkdtemp(prefix="onboard-hosts-", dir=places[0]))
    try:
        yield group
    finally:
        # Processes of a killed namespace leave their group a moment later.
        _wait_for("control group", lambda: "populated 0" in (group / "cgroup.events").read_text())
        for inside, _, _ in os.walk(group, topdown=False):
            Path(inside).rmdir()


@contextmanager
def _bridge() -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    """A bridge of this test's own, with the first network that nobody else took."""
    _sweep_bridges()
    for offset in range(256):
        number = (os.getpid() + offset) % 256
        name = BRIDGE.format(number)
        made = subprocess.run(["ip", "link", "add", name, "type", "bridge"], capture_output=True, text=True)
        if made.returncode == 0:
            break
    else:
        raise RuntimeError(f"no bridge can be made: {made.stderr}")
    try:
        subnet = ipaddress.IPv4Network(NETWORK.format(number))
        _call("ip", "link", "set", name, "alias", f"onboard-tests {os.getpid()}")
        for address in (subnet[1], subnet[2]):
            _call("ip", "address", "add", f"{address}/{subnet.prefixlen}", "dev", name)
        _call("ip", "link", "set", name, "up")
        yield name, subnet
    finally:
        _call("ip", "link", "delete", name)


def _sweep_bridges() -> None:
    """Remove the bridges of tests that were killed before they could."""
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True).stdout or b"[]")
    for link in links:
        owner = re.fullmatch(r"onboard-tests (\d+)", link.get("ifalias", ""))
        if owner and not Path(f"/proc/{owner[1]}").exists():
            subprocess.run(["ip", "link", "delete", link["ifname"]], capture_output=True)


def _connect(bridge: str, init: int, address: str) -> None:
    """Give the host an eth0 on the bridge, with the test's address as its way out."""
    outside = VETH.format(init)
    gateway = address.rsplit(".", 1)[0] + ".1"
    _call("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", str(init))
    _call("ip", "link", "set", outside, "master", bridge, "up")
    inside = ["nsenter", "-t", str(init), "-n", "ip"]
    _call(*inside, "address", "add", f"{address}/24", "dev", "eth0")
    _call(*inside, "link", "set", "eth0", "up")
    _call(*inside, "route", "add", "default", "via", gateway)


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as client:
            return client.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait_for(what: str, holds: Callable[[], bool], log: Path | None = None, limit: float = 60) -> None:
    deadline = time.monotonic() + limit
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {limit:.0f} s. {log.read_text() if log else ''}")
        time.sleep(0.02)


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


_hashes: dict[tuple[int, int, int], str] = {}


def _content_hash(path: str, info: os.stat_result) -> str:
    """The content's hash; hashed once for each version of each file, which the time of its last change tells apart.

    Not by device: the files of the base are the same ones in every host, under another device number each time.
    """
    key = (info.st_ino, info.st_ctime_ns, info.st_size)
    if key not in _hashes:
        _hashes[key] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return _hashes[key]


def differences(before: Tree, after: Tree) -> Sequence[str]:
    """One line for each path that differs, for people."""
    return [
        f"{path}: {before.get(path, 'absent')} → {after.get(path, 'absent')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def base_system() -> Path:
    """The file tree under all hosts: this machine's own Debian release, made once and kept in the user's cache."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    mirror = _mirror(codename)
    recipe = hashlib.sha256((BASE_PACKAGES + PREPARE).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onboard-tests"
    cache.mkdir(parents=True, exist_ok=True)
    base = cache / f"{codename}-{recipe}"
    with (cache / f"{codename}-{recipe}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not base.is_dir():
            # Of its own name each time: what an interrupted making left may still have mounts in it.
            building = Path(tempfile.mkdtemp(prefix=f"{base.name}.", dir=cache))
            building.chmod(0o755)
            options = ["--variant=minbase", f"--include={BASE_PACKAGES}"]
            command = ["debootstrap", *options, codename, str(building), mirror]
            made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
            if made.returncode != 0:
                pytest.skip(f"real hosts need a Debian base system: debootstrap said {made.stdout[-300:]}{made.stderr}")
            prepared = ["chroot", str(building), "/bin/sh", "-euc", PREPARE]
            subprocess.run(prepared, stdin=subprocess.DEVNULL, capture_output=True, check=True)
            building.rename(base)
    return base


# What makes the fresh base a host: an administrator, no shared identity, no rpm on a Debian (`become_rhel_like` takes
# it out again), and nothing that starts work of its own.
PREPARE = r"""
useradd --create-home --shell /bin/sh --uid 1000 ops
echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops
chmod 0440 /etc/sudoers.d/ops
mv /usr/bin/rpm /usr/lib/rpm/rpm.true
rm -f /etc/ssh/ssh_host_* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin
rm -rf /usr/share/doc /usr/share/man /usr/share/locale /usr/share/info /var/lib/apt/lists
mkdir -p /var/lib/apt/lists/partial
: > /etc/machine-id
: > /etc/resolv.conf
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  systemd-udevd.service systemd-timesyncd.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
"""


def _mirror(codename: str) -> str:
    """The package mirror that this machine itself uses for its release."""
    if not codename or shutil.which("apt-get") is None:
        pytest.skip("real hosts need Debian, or another system with apt and debootstrap")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for line in listed:
        release, component, mirror = line.split(" ", 2)
        if (release, component) == (codename, "main"):
            return mirror
    pytest.skip(f"real hosts need a package mirror of {codename}: `apt-get update` was not run, or none is configured")
