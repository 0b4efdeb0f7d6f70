"""The practice bench with real hosts, the cloud on their network: the whole engine against OpenSSH, sudo and dpkg."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

import pytest
from engine.conftest import Bench
from realhosts import Fleet, real_hosts

from onboard.engine.proof import Patience
from onboard.model.outcome import troubles
from onboard.model.profile import (
    AwsSection,
    Credential,
    CredentialKind,
    EndpointOverrides,
    Host,
    NetworkSection,
    Profile,
    RegionSection,
    RunSection,
)
from onboard.model.state import HostState
from onboard.practice.cloud import Cloud, running_cloud


class RealBench(Bench):
    """As the practice bench, with real servers and the cloud on the servers' network."""

    def __init__(self, fleet: Fleet, cloud: Cloud, local: str, names: tuple[str, ...], folder: Path) -> None:
        self.fleet = fleet
        self.cloud = cloud
        self.folder = folder
        self.patience = Patience(online=30, answer=30, poll=0.2)
        url = cloud.endpoint_url
        endpoints = EndpointOverrides(ssm=url, ssmmessages=cloud.messages_url, ec2messages=url, s3=url)
        self.profile = Profile(
            name="real",
            aws=AwsSection(endpoint_url=local),
            region=RegionSection(name="eu-central-1"),
            network=NetworkSection(endpoints=endpoints),
            run=RunSection(fixes=("install_roots",)),
            credentials={
                "default": Credential(kind=CredentialKind.SSH_KEY, username="ops", key_file=str(fleet.key_file))
            },
            hosts=tuple(Host(name=name, address=host.address) for name, host in zip(names, fleet, strict=True)),
        )

    def known_hosts_text(self) -> str:
        return self.fleet.known_hosts.read_text()

    def change(self, **sections: object) -> None:
        """Change sections of the profile."""
        self.profile = self.profile.model_copy(update=sections)

    def without_fixes(self) -> None:
        self.profile = self.profile.model_copy(update={"run": RunSection()})


@contextmanager
def forwarded(url: str) -> Iterator[str]:
    """The same cloud on loopback, where the engine's half runs: a practice signing key is good there only."""
    target = (urlsplit(url).hostname or "", urlsplit(url).port or 0)
    near: list[socket.socket] = []  # whose clients keep them open for as long as nobody collects the clients

    class Forward(BaseRequestHandler):
        def handle(self) -> None:
            near.append(self.request)
            with socket.create_connection(target) as far:
                back = threading.Thread(target=pump, args=(far, self.request))
                back.start()
                pump(self.request, far)
                back.join()

    with ThreadingTCPServer(("127.0.0.1", 0), Forward) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            for one in near:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def real_bench(
    names: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch, *, systemd: bool = False
) -> Iterator[RealBench]:
    """One real host for each name; with `systemd`, it is their first process."""
    with ExitStack() as stack:
        fleet = stack.enter_context(real_hosts(len(names), systemd=systemd))
        cloud = stack.enter_context(running_cloud(host=fleet.cloud_address))
        for host in fleet:
            host.trust(cloud.authority)
        local = stack.enter_context(forwarded(cloud.endpoint_url))
        for name, value in cloud.environment("eu-central-1").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", local)
        yield RealBench(fleet, cloud, local, names, folder)


def why(host: HostState) -> object:
    """What a failed assertion shows of a host."""
    return host.status, host.reason, [(f.check, f.status, f.summary, f.evidence[:200]) for f in troubles(host)]
