"""A network in which Regions are as far as a test wants: real sockets in namespaces, and the paths' delays and losses.

    with region_network({"eu-central-1": Path(8), "eu-west-1": Path(25, jitter_ms=2, loss=0.3)}) as net:
        net.run([sys.executable, "-m", "onboard", "regions", "--json"])

Inside, `ssm.REGION.amazonaws.com` is an address on the other side of a link that carries packets as
regionnet_link.py says; any other name is unknown. Nothing of it is seen from outside, and it ends with the block.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path as File

import pytest
from openssh import SSHD, make_key

HERE = File(__file__).parent
ENDPOINT = "198.19.1.{}"


@dataclass(frozen=True, slots=True)
class Path:
    """A round trip in ms without noise, the mean of the noise on each way, and the share of packets lost."""

    round_trip_ms: float
    jitter_ms: float = 0.0
    loss: float = 0.0


def missing_part() -> str:
    """What this machine lacks for such a network, "" when nothing."""
    if sys.platform != "linux":
        return "Linux"
    if os.geteuid() != 0:
        return "root"
    for program in ("ip", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"the program {program}"
    if not File("/dev/net/tun").exists():
        return "the device /dev/net/tun"
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"the right to make namespaces ({tried.stderr.strip()})"


def needs_network_namespaces() -> None:
    """Skip the test, by name, where there cannot be such a network."""
    if part := missing_part():
        pytest.skip(f"needs {part}: Regions stand in network namespaces")


class RegionNetwork:
    """A running network. `pid` is a process inside, on the client's side."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command line that runs a command inside."""
        return ["nsenter", "-t", str(self.pid), "-n", "-m", *command]

    def run(
        self, command: Sequence[str], *, timeout: float = 60, **settings: object
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, to its end."""
        return subprocess.run(
            self.inside(command), capture_output=True, text=True, timeout=timeout, check=False, **settings
        )  # type: ignore[call-overload]

    def connect_to(self, other: "RegionNetwork", address: str, others: str) -> None:
        """Join the client sides of two networks by a cable; each end has its address."""
        _call(
            "ip",
            "link",
            "add",
            "cable",
            "netns",
            str(self.pid),
            "type",
            "veth",
            "peer",
            "cable",
            "netns",
            str(other.pid),
        )
        for net, own in ((self, address), (other, others)):
            _call(*net.inside(["ip", "address", "add", f"{own}/30", "dev", "cable"]))
            _call(*net.inside(["ip", "link", "set", "cable", "up"]))


@contextmanager
def region_network(paths: Mapping[str, Path], *, tls: tuple[File, File] | None = None) -> Iterator[RegionNetwork]:
    """Start it. `tls` (certificate, key): the endpoints speak HTTPS too."""
    addresses = {region: ENDPOINT.format(number) for number, region in enumerate(paths, 1)}
    with ExitStack() as stack:
        folder = File(stack.enter_context(tempfile.TemporaryDirectory(prefix="onboard-regions-")))
        lines = ["127.0.0.1 localhost", *(f"{address} {host_of(region)}" for region, address in addresses.items())]
        (folder / "hosts").write_text("\n".join(lines) + "\n")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        far = _start(
            stack, ["unshare", "--net", sys.executable, str(HERE / "regionnet_endpoints.py"), *map(str, tls or ())]
        )
        _expect(far, "starting")
        mounts = "".join(f"mount --bind {folder}/{name} /etc/{name}; " for name in ("hosts", "resolv.conf"))
        start = f'{mounts}exec "$@"'
        link = [
            "unshare",
            "--net",
            "--mount",
            "sh",
            "-ec",
            start,
            "sh",
            sys.executable,
            str(HERE / "regionnet_link.py"),
        ]
        near = _start(stack, [*link, str(far.pid)])
        assert near.stdin is not None
        assert far.stdin is not None
        near.stdin.write(json.dumps({addresses[region]: _numbers(path) for region, path in paths.items()}))
        near.stdin.close()
        _expect(near, "ready")
        far.stdin.write("go\n")
        far.stdin.flush()
        _expect(far, "ready")
        yield RegionNetwork(near.pid)


def host_of(region: str) -> str:
    return f"ssm.{region}.amazonaws.com"


def _numbers(path: Path) -> tuple[float, float, float]:
    return path.round_trip_ms, path.jitter_ms, path.loss


def _start(stack: ExitStack, command: Sequence[str]) -> "subprocess.Popen[str]":
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.enter_context(process)  # waits for its end
    stack.callback(process.kill)
    return process


def _expect(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    if said != word:
        raise RuntimeError(f"the network did not start: {said or 'no word'}")


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def sshd_in(net: RegionNetwork, folder: File, key: File) -> Iterator[str]:
    """OpenSSH's server on port 22 inside, for root with `key`; its host key, as a known_hosts line has it."""
    if not File(SSHD).exists():
        pytest.skip(f"needs openssh-server: {SSHD}")
    File("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation folder
    authorized, log = folder / "authorized_keys", folder / "sshd.log"
    authorized.write_text(key.with_name(f"{key.name}.pub").read_text())
    host_key = make_key(folder / "host_key")
    settings = {
        "Port": "22",
        "PidFile": "none",
        "HostKey": str(host_key),
        "AuthorizedKeysFile": str(authorized),
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    config = folder / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with subprocess.Popen(
        net.inside([SSHD, "-D", "-f", str(config), "-E", str(log)]), stdin=subprocess.DEVNULL
    ) as sshd:
        try:
            deadline = time.monotonic() + 10
            while not (log.exists() and "Server listening" in log.read_text()):
                if sshd.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"sshd did not start: {log.read_text() if log.exists() else 'no log'}")
                time.sleep(0.01)
            yield " ".join(host_key.with_name("host_key.pub").read_text().split()[:2])
        finally:
            sshd.terminate()
