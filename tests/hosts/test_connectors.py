"""Each server goes to the connector of its protocol."""

import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from onboard.hosts.connection import Connection, Connector
from onboard.hosts.connectors import CONNECTORS, Connectors, Means
from onboard.hosts.credentials import Secrets
from onboard.hosts.lockout import Lockout
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable, LogInRefused
from onboard.model.profile import Credential, CredentialKind, Host, Protocol


class Noting:
    """A connector that opens nothing, and notes for whom it was asked to."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def connect(self, host: Host, cancel: CancelToken) -> Connection:
        self.hosts.append(host.name)
        return cast("Connection", self)


@pytest.fixture
def means(tmp_path: Path) -> Means:
    credentials = {"default": Credential(kind=CredentialKind.SSH_KEY, username="root")}
    secrets = Secrets(credentials, environment={})
    return Means(credentials, secrets, KnownHosts(None), Lockout(tmp_path / "stopped.json"))


def test_each_protocol_has_its_own_made_once(means: Means) -> None:
    made: dict[Protocol, list[Noting]] = {Protocol.SSH: [], Protocol.WINRM: []}

    def making(protocol: Protocol) -> Connector:
        made[protocol].append(Noting())
        return made[protocol][-1]

    table = {protocol: lambda _, protocol=protocol: making(protocol) for protocol in made}
    connectors = Connectors(means, table)
    assert made == {Protocol.SSH: [], Protocol.WINRM: []}, "none is made before a server needs it"
    for host in (Host(name="a"), Host(name="b", protocol=Protocol.WINRM), Host(name="c")):
        connectors.connect(host, CancelToken())
    assert [one.hosts for one in made[Protocol.SSH]] == [["a", "c"]]
    assert [one.hosts for one in made[Protocol.WINRM]] == [["b"]]


def test_a_protocol_that_nothing_speaks_is_refused(means: Means) -> None:
    assert Protocol.WINRM not in CONNECTORS
    with pytest.raises(HostUnreachable, match="protocol winrm are not supported") as refused:
        Connectors(means).connect(Host(name="win", protocol=Protocol.WINRM), CancelToken())
    assert refused.value.where == "win"
    assert refused.value.remedy == "Set its protocol to ssh"


def test_the_ssh_connector_remembers_in_what_it_was_given(means: Means) -> None:
    with pytest.raises(LogInRefused, match="has no key_file"):
        Connectors(means).connect(Host(name="a"), CancelToken())
    assert means.memory.refused == {"default"}


def test_paramiko_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, onboard.hosts.connectors; sys.exit('paramiko' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
