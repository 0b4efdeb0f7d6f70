"""The whole practice: how it starts, what it writes, how it ends."""

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from practice_client import facts_of
from practice_images import CHECKED_IMAGES

from onboard.model.errors import OnboardError
from onboard.model.place import Place
from onboard.practice.image import images, story
from onboard.practice.serve import Practice, make_room, running_practice, write_folder
from onboard.profiles import file as profile_file

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
EIGHT = [
    "healthy-debian",
    "healthy-rhel",
    "clone",
    "clone-2",
    "no-amazon-roots",
    "no-route",
    "other-account",
    "slow-clock",
]


def names(practice: Practice) -> list[str]:
    return [server.name for server in practice.servers]


def test_by_default_there_are_those_of_the_story() -> None:
    told = story()
    with running_practice() as practice:
        assert [server.machine.image for server in practice.servers] == [one for one in told for _ in range(one.count)]
        assert len(set(names(practice))) == len(practice.servers) <= 40
        assert names(practice)[:8] == EIGHT, "the wizard's and the shorter ones"
    assert told[0].is_healthy, "it is the canary"
    assert {image.name for image in images()} == {image.name for image in told}, "it leaves out no kind"


def test_there_is_one_of_each_and_they_repeat_in_order() -> None:
    with running_practice(only=CHECKED_IMAGES) as practice:
        assert names(practice) == EIGHT
    with running_practice(13, only=CHECKED_IMAGES) as practice:
        assert names(practice) == [
            *EIGHT,
            "healthy-debian-2",
            "healthy-rhel-2",
            "clone-3",
            "clone-4",
            "no-amazon-roots-2",
        ]
        identities = {server.name: server.machine.identity.machine_id for server in practice.servers}
        assert identities["clone-3"] == identities["clone-4"] != identities["clone"]


def test_nothing_is_left_when_it_ends() -> None:
    before = threading.active_count()
    with running_practice(2) as practice:
        facts_of(practice, practice.servers[0])
        assert stat.S_IMODE(practice.key_file.stat().st_mode) == 0o600
    assert threading.active_count() == before
    assert not practice.key_file.parent.exists()


def test_a_failure_inside_the_block_ends_it_too() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), running_practice(1):
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_the_folder_holds_a_profile_that_loads_and_reaches_the_servers(tmp_path: Path) -> None:
    with running_practice() as practice:
        write_folder(practice, tmp_path)
        profile = profile_file.load(tmp_path / "profile.toml")
        assert profile == practice.profile(tmp_path / "id_ed25519")
        assert (tmp_path / "id_ed25519").read_bytes() == practice.key_file.read_bytes()
        assert stat.S_IMODE((tmp_path / "id_ed25519").stat().st_mode) == 0o600
        assert (tmp_path / "known_hosts").read_text() == practice.known_hosts
        assert [host.place for host in profile.hosts] == [
            Place("127.0.0.1", server.port) for server in practice.servers
        ]
        script = f"set -a; . {tmp_path}/env; env"
        shell = subprocess.run(["sh", "-c", script], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True)
        variables = dict(line.split("=", 1) for line in shell.stdout.decode().splitlines())
        assert practice.environment().items() <= variables.items()


def test_many_servers_go_to_a_list_beside_the_profile(tmp_path: Path) -> None:
    with running_practice(250) as practice:
        write_folder(practice, tmp_path)
        assert "[[hosts]]" not in (tmp_path / "profile.toml").read_text()
        assert profile_file.load(tmp_path / "profile.toml").hosts == practice.profile().hosts
    with running_practice(2) as practice:
        write_folder(practice, tmp_path)
        assert profile_file.load(tmp_path / "profile.toml").hosts == practice.profile().hosts
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ca.pem",
        "env",
        "id_ed25519",
        "known_hosts",
        "profile.toml",
    ]


@pytest.mark.parametrize("name", ["profile.toml", "id_ed25519", "known_hosts"])
def test_files_of_the_users_own_are_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with running_practice(1) as practice, pytest.raises(OnboardError, match="does not belong to a practice"):
        write_folder(practice, tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_limit_of_open_files_that_is_too_low_is_told() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("needs a limit of open files: ulimit -Hn")
    with pytest.raises(OnboardError, match="ulimit -n"):
        make_room(hard)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)


def test_a_thousand_servers_start_in_ten_seconds() -> None:
    """In a process of their own, so that their memory can be told."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc to see how much memory is used")
    program = (
        "import pathlib, resource, time\n"
        "from onboard.practice.serve import running_practice\n"
        "statm = pathlib.Path('/proc/self/statm')\n"
        "def mib(): return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20\n"
        "before, started = mib(), time.monotonic()\n"
        "with running_practice(1000) as practice:\n"
        "    print(time.monotonic() - started, len({server.port for server in practice.servers}))\n"
        "    print(mib() - before, before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    seconds, ports, more, imports = map(float, done.stdout.split())
    print(
        f"1,000 practice servers: {seconds:.2f} s, {more:.0f} MiB more than the {imports:.0f} MiB of what is imported"
    )
    assert ports == 1000
    assert seconds < 10
    assert more < 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serving_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import sys, threading, pathlib\n"
        "from onboard.practice.serve import serve\n"
        "serve(pathlib.Path(sys.argv[1]), 3, lambda: print('ready', flush=True))\n"
        "print('ended', threading.active_count())\n"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path / "served")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "TMPDIR": str(temporary)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # these tests may run under nohup themselves
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert len(profile_file.load(tmp_path / "served" / "profile.toml").hosts) == 3
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "ended 1\n", "")
    assert list(temporary.iterdir()) == []
