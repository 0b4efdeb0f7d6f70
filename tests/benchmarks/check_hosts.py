"""What a check costs: CPU (user and system, children included), wall time and memory, beside its peers in the same run.

    python tests/benchmarks/check_hosts.py [--hosts 50 200] [--practice 1000] [--repeat 3]      as root, on Linux
        [--clients WORD …]     real hosts: only clients whose title has one of the words, like: onboard "of all facts"
        [--before PYTHON]      and `onboard check` of the version that this other Python has installed
        [--apply 1000]         healthy practice servers: a check, an apply, and a second apply, which only proves them

* Real hosts: sshd under as many loopback addresses (127.0.1.1 …), each a host of the inventory with its own line in
  known_hosts. The program asks all its facts; the peers run one small script, 32 at a time like it. Servers and clients
  share this computer, so wall times say little; the CPU is the client's alone.
* Practice servers, in another process: the whole console program with its journal and JSON.

pyinfra and Ansible are measured when they are on PATH. "a further server" is the difference between the two sizes, in
which the start of the program does not count. Figures are medians; the load of the computer stands beside them.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from onboard.facts import bundle
from onboard.facts.base import Wanted
from onboard.facts.catalog import facts_of
from onboard.model.endpoints import Endpoints
from onboard.model.family import Family
from onboard.model.profile import Credential, CredentialKind, Host, Profile
from onboard.profiles import file as profile_file
from onboard.scripts.posix import POSIX

SSHD = "/usr/sbin/sshd"
CONCURRENCY = 32
HEALTHY = "healthy-debian,healthy-rhel"
IMAGES = "healthy-debian,healthy-rhel,clone,no-amazon-roots,no-route,other-account,slow-clock"  # all answer at once
PER_PROCESS = 2500  # practice servers: each takes open files, of which a process may have so many
LISTENERS = 16  # addresses that one sshd can listen on
SMALL_SCRIPT = "id -u; uname -sr; cat /etc/os-release\n"


@dataclass(frozen=True)
class Cost:
    """Seconds, and MiB resident at most."""

    wall: float
    cpu: float
    memory: float


def measured(command: Sequence[str], environment: Mapping[str, str], judged: int = 0) -> Cost:
    """Run it to its end; what it and its children cost. `judged`: servers of which this program has to tell the end."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd="/",  # else `-m onboard` would run what the working directory holds, whatever the Python
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        told = said.read()
        if process.returncode not in ((0, 1) if judged else (0,)) or told.count(b'"host_finished"') != judged:
            raise SystemExit(f"{command[:4]} ended with {process.returncode}: {told[-3000:].decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    middle = statistics.median
    return Cost(middle(c.wall for c in costs), middle(c.cpu for c in costs), max(c.memory for c in costs))


@dataclass(frozen=True)
class Fleet:
    """sshd under many addresses."""

    folder: Path
    port: int
    addresses: tuple[str, ...]
    key: Path
    known_hosts: Path
    endpoint: str


@contextlib.contextmanager
def fleet(folder: Path, count: int, endpoint: str) -> Iterator[Fleet]:
    addresses = tuple(f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(count))
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)], check=True)
    port = 20022
    public = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text("".join(f"[{address}]:{port} {public}\n" for address in addresses))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with contextlib.ExitStack() as running:
        for start in range(0, count, LISTENERS):
            config = folder / f"sshd_config.{start}"
            lines = [f"ListenAddress {address}:{port}" for address in addresses[start : start + LISTENERS]]
            config.write_text("\n".join([*lines, *_settings(folder)]) + "\n")
            command = [SSHD, "-D", "-f", str(config), "-E", str(folder / "sshd.log")]
            sshd = running.enter_context(subprocess.Popen(command))
            running.callback(sshd.terminate)
        time.sleep(1)  # for them to listen: a benchmark may
        if sshd.poll() is not None:
            raise SystemExit(f"sshd did not start: {(folder / 'sshd.log').read_text()}")
        yield Fleet(folder, port, addresses, folder / "key", folder / "known_hosts", endpoint)


def _settings(folder: Path) -> tuple[str, ...]:
    return (
        f"HostKey {folder}/host_key",
        f"AuthorizedKeysFile {folder}/key.pub",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "MaxStartups 1000",
        "LogLevel ERROR",
        f"SetEnv HOME={folder}",  # log-in shells read no rc files of this computer's root, which may be slow
    )


# The clients ------------------------------------------------------------------------------------------------------


PARAMIKO = """\
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import paramiko
key_file, known_hosts, port, script_file, *addresses = sys.argv[1:]
key = paramiko.Ed25519Key.from_private_key_file(key_file)
script = Path(script_file).read_bytes()
known = paramiko.HostKeys(known_hosts)
def run(address):
    with paramiko.SSHClient() as client:
        client._host_keys = known
        client.connect(address, int(port), "root", pkey=key, allow_agent=False, look_for_keys=False)
        channel = client.get_transport().open_session()
        channel.exec_command("/bin/sh")
        channel.sendall(script)
        channel.shutdown_write()
        got = channel.makefile("rb").read()
        assert channel.recv_exit_status() == 0 and got
with ThreadPoolExecutor(32) as pool:
    list(pool.map(run, addresses))
"""


def onboard(on: Fleet, addresses: Sequence[str], python: str = sys.executable) -> tuple[list[str], dict[str, str]]:
    home = on.folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(on.known_hosts, home / "known_hosts")
    profile = Profile.model_validate(
        {
            "aws": {"endpoint_url": on.endpoint},
            "region": {"name": "eu-central-1"},
            "network": {"endpoints": dict.fromkeys(("ssm", "ssmmessages", "ec2messages", "s3"), on.endpoint)},
            "run": {"concurrency": CONCURRENCY},
            "credentials": {
                "default": Credential(kind=CredentialKind.SSH_KEY, username="root", key_file=str(on.key)).model_dump()
            },
            "hosts": [Host(name=address, address=address, port=on.port).model_dump() for address in addresses],
        }
    )
    path = on.folder / "profile.toml"
    path.unlink(missing_ok=True)
    profile_file.save(profile, path)
    return [python, "-m", "onboard", "check", "--profile", str(path), "--json"], {"ONBOARD_HOME": str(home)}


def plain_paramiko(on: Fleet, addresses: Sequence[str], script: str) -> tuple[list[str], dict[str, str]]:
    path = on.folder / "script.sh"
    path.write_text(script)
    program = [sys.executable, "-c", PARAMIKO, str(on.key), str(on.known_hosts), str(on.port), str(path)]
    return [*program, *addresses], {}


def openssh(on: Fleet, addresses: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    (on.folder / "script.sh").write_text(SMALL_SCRIPT)
    options = f"-F none -i {on.key} -p {on.port} -o UserKnownHostsFile={on.known_hosts} -o BatchMode=yes"
    line = (
        f"printf '%s\\n' {' '.join(addresses)} | xargs -P {CONCURRENCY} -I HOST "
        f"sh -c 'ssh {options} root@HOST /bin/sh <{on.folder}/script.sh >/dev/null'"
    )
    return ["sh", "-c", line], {}


def pyinfra(on: Fleet, addresses: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    data = {
        "ssh_user": "root",
        "ssh_port": on.port,
        "ssh_key": str(on.key),
        "ssh_known_hosts_file": str(on.known_hosts),
        "ssh_look_for_keys": False,
        "ssh_allow_agent": False,
    }
    inventory = on.folder / "pyinfra_hosts.py"
    inventory.write_text(f"hosts = [(address, {data!r}) for address in {list(addresses)!r}]\n")
    command = ["pyinfra", "--parallel", str(CONCURRENCY), "-y", str(inventory), "exec", "--", "id -u; uname -sr"]
    return command, {}


def ansible(on: Fleet, addresses: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    inventory = on.folder / "ansible_hosts"
    inventory.write_text("\n".join(addresses) + "\n")
    variables = {
        "ansible_user": "root",
        "ansible_port": on.port,
        "ansible_ssh_private_key_file": str(on.key),
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={on.known_hosts} -o ControlMaster=no",
    }
    command = ["ansible", "all", "-i", str(inventory), "-f", str(CONCURRENCY), "-m", "raw"]
    return [*command, "-a", "id -u; uname -sr", "-e", json.dumps(variables)], {"ANSIBLE_HOST_KEY_CHECKING": "True"}


# The runs ---------------------------------------------------------------------------------------------------------


def real_hosts(sizes: Sequence[int], repeat: int, folder: Path, words: Sequence[str], before: str | None) -> None:
    with practice(folder / "cloud", 1) as environment:
        endpoint = environment["AWS_ENDPOINT_URL"]
        wanted = Wanted(Endpoints(endpoint, endpoint, endpoint, endpoint))
        facts = bundle.compose(POSIX, facts_of(Family.POSIX), wanted)
        with fleet(folder, max(sizes), endpoint) as on:
            clients = {
                "onboard check (all facts, judged, journalled)": lambda some: onboard(on, some),
                "paramiko alone, one small script": lambda some: plain_paramiko(on, some, SMALL_SCRIPT),
                "paramiko alone, the script of all facts": lambda some: plain_paramiko(on, some, facts),
                "OpenSSH client, one small script": lambda some: openssh(on, some),
            }
            if shutil.which("pyinfra"):
                clients["pyinfra exec, one small command"] = lambda some: pyinfra(on, some)
            if shutil.which("ansible"):
                clients["ansible -m raw, one small command"] = lambda some: ansible(on, some)
            if before:
                clients["onboard check of the version before"] = lambda some: onboard(on, some, before)
            if words:
                clients = {name: run for name, run in clients.items() if any(word in name for word in words)}
            costs: dict[tuple[str, int], list[Cost]] = {}
            for turn in range(repeat):
                for size in sizes:
                    for name, client in clients.items():  # one right after the other: the load is then much the same
                        command, more = client(on.addresses[:size])
                        judged = size if name.startswith("onboard") else 0
                        cost = measured(command, {**environment, **more}, judged)
                        costs.setdefault((name, size), []).append(cost)
                        print(f"  {turn + 1}/{repeat} {name}, {size}: {_text(cost)}", file=sys.stderr)
            _table(costs, sizes, clients)


def _table(costs: Mapping[tuple[str, int], Sequence[Cost]], sizes: Sequence[int], names: Sequence[str]) -> None:
    print(f"\nReal sshd; load {_load()}")
    titles = [f"CPU ms/server ({size})" for size in sizes] + ["a further server"]
    titles += [f"wall ms/server ({size})" for size in sizes] + ["MiB"]
    print(f"{'':46}" + "".join(f"{title:>22}" for title in titles))
    for name in names:
        of = {size: median(costs[name, size]) for size in sizes}
        cells = [f"{of[size].cpu / size * 1000:.1f}" for size in sizes]
        small, large = min(sizes), max(sizes)
        more = f"{(of[large].cpu - of[small].cpu) / (large - small) * 1000:.1f}" if large > small else "–"
        cells += [more, *(f"{of[size].wall / size * 1000:.1f}" for size in sizes), f"{of[large].memory:.0f}"]
        print(f"{name:46}" + "".join(f"{cell:>22}" for cell in cells))


@contextlib.contextmanager
def practice(folder: Path, hosts: int, images: str = IMAGES) -> Iterator[dict[str, str]]:
    """`onboard practice --serve` in a process of its own; its environment."""
    command = [sys.executable, "-m", "onboard", "practice", "--serve", str(folder), "--hosts", str(hosts)]
    command += ["--images", images]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            assert process.stderr is not None
            raise SystemExit(f"practice did not start: {process.stderr.read()}")
        try:
            lines = (folder / "env").read_text().splitlines()
            yield dict(line.split("=", 1) for line in lines)
        finally:
            process.terminate()
            process.communicate()


def practice_hosts(sizes: Sequence[int], repeat: int, folder: Path) -> None:
    for size in sizes:
        costs = []
        place = folder / f"practice-{size}"
        place.mkdir()
        with contextlib.ExitStack() as running:
            began = time.monotonic()
            served = [
                (
                    place / str(start),
                    running.enter_context(practice(place / str(start), min(PER_PROCESS, size - start))),
                )
                for start in range(0, size, PER_PROCESS)
            ]
            started = time.monotonic() - began
            known = "".join((one / "known_hosts").read_text() for one, _ in served)
            environment = served[0][1]
            profile_file.save(_together([one for one, _ in served]), place / "profile.toml")
            for turn in range(repeat):
                home = place / f"home-{turn}"
                home.mkdir()
                (home / "known_hosts").write_text(known)
                command = [sys.executable, "-m", "onboard", "check", "--profile", str(place / "profile.toml")]
                cost = measured([*command, "--json"], {**environment, "ONBOARD_HOME": str(home)}, size)
                print(f"  {turn + 1}/{repeat} practice, {size}: {_text(cost)}", file=sys.stderr)
                costs.append(cost)
        cost = median(costs)
        print(
            f"\nPractice servers in {len(served)} processes; load {_load()}\n{size}: started in {started:.1f} s; "
            f"checked in {cost.wall:.1f} s, {cost.cpu / size * 1000:.1f} ms CPU a server, {cost.memory:.0f} MiB at most"
        )


def apply_again(sizes: Sequence[int], folder: Path) -> None:
    """What it costs to prove servers again that need nothing else, beside their check."""
    for size in sizes:
        place, home = folder / f"apply-{size}", folder / f"apply-home-{size}"
        home.mkdir()
        with practice(place, size, HEALTHY) as environment:
            shutil.copy(place / "known_hosts", home / "known_hosts")
            started = {**environment, "ONBOARD_HOME": str(home)}
            costs = {}
            for title, command in (("check", "check"), ("apply", "apply"), ("second apply", "apply")):
                given = [sys.executable, "-m", "onboard", command, "--profile", str(place / "profile.toml"), "--json"]
                costs[title] = measured([*given, *(["--yes"] if command == "apply" else [])], started, size)
                print(f"  {title}, {size}: {_text(costs[title])}", file=sys.stderr)
        print(f"\n{size} healthy practice servers; load {_load()}")
        print(f"{'':14}{'wall s':>10}{'CPU s':>10}{'MiB':>8}{'wall, CPU ÷ check':>22}")
        for title, cost in costs.items():
            times = f"{cost.wall / costs['check'].wall:.2f} / {cost.cpu / costs['check'].cpu:.2f}"
            print(f"{title:14}{cost.wall:10.1f}{cost.cpu:10.1f}{cost.memory:8.0f}{times:>22}")


def _together(folders: Sequence[Path]) -> Profile:
    """One profile of the servers of several practices, with the first one's cloud."""
    profiles = [profile_file.load(folder / "profile.toml") for folder in folders]
    credentials = {}
    hosts = []
    for number, profile in enumerate(profiles):
        credentials[f"practice-{number}"] = profile.credentials["practice"]
        hosts += [
            host.model_copy(update={"name": f"{host.name}.{number}", "credential": f"practice-{number}"})
            for host in profile.hosts
        ]
    changes = {"credentials": credentials, "hosts": tuple(hosts), "hosts_file": "hosts.csv"}
    return profiles[0].model_copy(update=changes)


def _text(cost: Cost) -> str:
    return f"{cost.cpu:.2f} s CPU, {cost.wall:.2f} s, {cost.memory:.0f} MiB"


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg()) + f" on {os.cpu_count()} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description="What a check costs, beside its peers")
    parser.add_argument("--hosts", type=int, nargs="*", default=[50, 200], help="sizes of the fleet of real sshd")
    parser.add_argument("--practice", type=int, nargs="*", default=[1000], help="numbers of practice servers")
    parser.add_argument("--apply", type=int, nargs="*", default=[], help="numbers of healthy practice servers")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--clients", nargs="*", default=[], help="only those whose title has one of these words")
    parser.add_argument("--before", metavar="PYTHON", help="a Python that has another version of onboard")
    options = parser.parse_args()
    if options.hosts and (os.geteuid() != 0 or not Path(SSHD).exists()):
        raise SystemExit(f"The benchmark with a real sshd needs root and {SSHD}")
    with tempfile.TemporaryDirectory(prefix="onboard-benchmark-") as name:
        folder = Path(name)
        if options.hosts:
            real_hosts(options.hosts, options.repeat, folder, options.clients, options.before)
        if options.practice:
            practice_hosts(options.practice, options.repeat, folder)
        apply_again(options.apply, folder)


if __name__ == "__main__":
    main()
