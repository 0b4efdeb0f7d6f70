"""A whole practice: the cloud, its servers, and the files that others need to use them."""

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import asyncssh

from onboard.files import allow_open_files, make_private_folder, most_open_files, write_private
from onboard.model.errors import InputError, OnboardError
from onboard.model.profile import (
    AwsSection,
    Credential,
    CredentialKind,
    EndpointOverrides,
    Host,
    NetworkSection,
    Profile,
    RegionSection,
)
from onboard.model.secret import Secret
from onboard.practice.cloud import Cloud, start_cloud
from onboard.practice.image import Image, story
from onboard.practice.loop_thread import running
from onboard.practice.machine import ACCOUNT, Identity, Machine
from onboard.practice.regions import DistanceProxy
from onboard.practice.server import ADDRESS, PracticeServer, public_line
from onboard.practice.settings import Settings
from onboard.profiles import file as profile_file

NAME = "practice"
REGION = "eu-central-1"
KEY_FILE = "id_ed25519"
FILES_PER_SERVER = 8  # its port, a log-in, and both ends of the three connections that its agent has to the cloud
FILES_BESIDES = 256


@dataclass(slots=True, eq=False)
class Practice:
    """A running practice. `endpoint_url`: the cloud's; `key_file`: the private key for logging in to every server.

    `distances` is the proxy that simulates the distance of every Region.
    """

    cloud: Cloud
    distances: DistanceProxy
    servers: tuple[PracticeServer, ...]
    region: str
    key_file: Path
    _folder: Path

    @property
    def endpoint_url(self) -> str:
        return self.cloud.endpoint_url

    @property
    def known_hosts(self) -> str:
        """The servers' host keys, as a known_hosts file."""
        return "".join(f"{server.known_hosts_line()}\n" for server in self.servers)

    def server(self, name: str) -> PracticeServer:
        """The server of that name. KeyError if there is none."""
        for server in self.servers:
            if server.name == name:
                return server
        raise KeyError(name)

    def environment(self) -> dict[str, str]:
        """The AWS_* variables that make boto3 use this practice's cloud."""
        return self.cloud.environment(self.region)

    def profile(self, key_file: Path | None = None) -> Profile:
        """A profile with all servers; `key_file` if the key is not at `self.key_file`."""
        url = self.endpoint_url
        endpoints = EndpointOverrides(ssm=url, ssmmessages=self.cloud.messages_url, ec2messages=url, s3=url)
        credential = Credential(kind=CredentialKind.SSH_KEY, username=ACCOUNT, key_file=str(key_file or self.key_file))
        return Profile(
            name=NAME,
            aws=AwsSection(endpoint_url=url),
            region=RegionSection(name=self.region, measure_through=self.distances.url),
            network=NetworkSection(endpoints=endpoints),
            credentials={NAME: credential},
            hosts=tuple(
                Host(name=server.name, address=ADDRESS, port=server.port, credential=NAME) for server in self.servers
            ),
        )

    async def stop(self) -> None:
        """Stop servers, agents and cloud, and delete the key. Call it in the event loop that started the practice."""
        try:
            await asyncio.gather(*(server.stop() for server in self.servers))
        finally:
            try:
                await asyncio.gather(self.distances.stop(), self.cloud.stop())
            finally:
                shutil.rmtree(self._folder, ignore_errors=True)


async def start_practice(
    hosts: int | None = None,
    region: str = REGION,
    *,
    only: Sequence[Image] | None = None,
    settings: Settings | None = None,
    password: Secret | None = None,
) -> Practice:
    """Start a cloud and `hosts` servers, by default all of the story (and all clones in it), in this event loop.

    `only`: the images to use instead; if `hosts` are more, they repeat. `password`: also accepted for log-in. Raises
    OnboardError if this computer does not allow enough open files, OSError if no ports are left, RuntimeError if a
    practice already runs in this process.
    """
    chosen = story() if only is None else tuple(only)
    number = sum(image.count for image in chosen) if hosts is None else hosts
    make_room(number)
    folder = Path(tempfile.mkdtemp(prefix="onboard-practice-"))
    servers: list[PracticeServer] = []
    cloud: Cloud | None = None
    distances = DistanceProxy()
    try:
        key = asyncssh.generate_private_key("ssh-ed25519", comment="onboard practice")
        key_file = folder / KEY_FILE
        _write_private(key_file, key.export_private_key())
        cloud = await start_cloud(settings)
        await distances.start()
        servers += islice(_servers(chosen, region, cloud.authority, key, password), number)
        for server in servers:
            await server.start()
        return Practice(cloud, distances, tuple(servers), region, key_file, folder)
    except BaseException:
        for server in servers:
            await server.stop()
        await distances.stop()
        if cloud is not None:
            await cloud.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _servers(
    chosen: Sequence[Image], region: str, authority: str, key: asyncssh.SSHKey, password: Secret | None
) -> Iterator[PracticeServer]:
    """Servers of each image in turn, without end: `healthy-debian` …, then `healthy-debian-2` …"""
    made = Counter[str]()
    for image in cycle(chosen):
        host_key = asyncssh.generate_private_key("ssh-ed25519")
        identity = Identity.new(public_line(host_key))
        for _ in range(image.count):
            made[image.name] += 1
            number = made[image.name]
            name = image.name if number == 1 else f"{image.name}-{number}"
            machine = Machine(image, name, region, identity, authority=authority)
            yield PracticeServer(machine, host_key, key, password)


def make_room(hosts: int) -> None:
    """Raise this process's limit of open files to what `hosts` servers need. OnboardError if that fails."""
    needed = hosts * FILES_PER_SERVER + FILES_BESIDES
    most = most_open_files()
    allowed = allow_open_files(needed) if most >= needed else most
    if allowed < needed:
        raise OnboardError(
            f"{hosts} practice servers need {needed} open files, and this account may have {allowed}",
            remedy=f"Ask for fewer servers with --hosts, or raise the limit: ulimit -n {needed}",
        )


def running_practice(
    hosts: int | None = None,
    region: str = REGION,
    *,
    only: Sequence[Image] | None = None,
    settings: Settings | None = None,
    password: Secret | None = None,
) -> AbstractContextManager[Practice]:
    """Run a practice in its own thread and event loop during the block. Raises the same as `start_practice`."""
    return running(
        lambda: start_practice(hosts, region, only=only, settings=settings, password=password), "practice-servers"
    )


def serve(
    folder: Path,
    hosts: int | None,
    ready: Callable[[], None],
    *,
    only: Sequence[Image] | None = None,
    settings: Settings | None = None,
) -> None:
    """Run a practice until SIGTERM, SIGINT or SIGHUP, from the main thread; call `ready` once it is up and in `folder`.

    Raises the same as `start_practice` and `write_folder`.
    """
    asyncio.run(_serve(folder, ready, lambda: start_practice(hosts, only=only, settings=settings)))


async def _serve(folder: Path, ready: Callable[[], None], start: Callable[[], Awaitable[Practice]]) -> None:
    stop = asyncio.Event()
    with _until_signal(stop):
        practice = await start()
        try:
            write_folder(practice, folder)
            ready()
            await stop.wait()
        finally:
            await practice.stop()


@contextmanager
def _until_signal(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    handlers = {number: signal.getsignal(number) for name in names if (number := getattr(signal, name, None))}
    for number in [
        number for number, handler in handlers.items() if handler is not signal.SIG_IGN
    ]:  # keep what nohup ignores
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def write_folder(practice: Practice, folder: Path) -> None:
    """Write what others need: profile.toml, its list of servers, env, known_hosts, the private key and ca.pem.

    Overwrites those of an earlier practice. OnboardError if files with these names are something else.
    """
    names = ("profile.toml", "hosts.csv", "env", "known_hosts", "ca.pem", KEY_FILE)
    try:
        make_private_folder(folder)
        found = [name for name in names if (folder / name).exists()]
        if found and not _is_practice(folder / "profile.toml"):
            raise InputError(
                f"the folder contains a {found[0]} that does not belong to a practice",
                where=str(folder),
                remedy="Give an empty folder, or one of an earlier practice",
            )
        for name in found:
            (folder / name).unlink()
        key_file = folder.absolute() / KEY_FILE
        _write_private(key_file, practice.key_file.read_bytes())
        write_private(folder / "known_hosts", practice.known_hosts)
        write_private(folder / "ca.pem", practice.cloud.authority)
        variables = practice.environment().items()
        write_private(folder / "env", "".join(f"{name}={shlex.quote(text)}\n" for name, text in variables))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise OnboardError("the folder cannot be written to", where=str(folder), why=why) from None
    profile = practice.profile(key_file)
    if len(profile.hosts) > profile_file.INLINE_LIMIT:
        profile = profile.model_copy(update={"hosts_file": "hosts.csv"})
    profile_file.save(profile, folder / "profile.toml")


def _is_practice(profile: Path) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        return f'name = "{NAME}"' in profile.read_text(encoding="utf-8").splitlines()
    return False


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
