"""A wrong password on 200 servers of one account: two attempts at most, as the servers themselves count them.

The first run is this process, the next ones are the console program in processes of their own, with the same home.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onboard.cli.workplace import placed
from onboard.engine.check import check
from onboard.hosts.credentials import variable_name
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.profile import Credential, CredentialKind
from onboard.model.secret import Secret
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.practice.image import Image, image
from onboard.practice.machine import ACCOUNT
from onboard.practice.serve import NAME, Practice, running_practice
from onboard.practice.server import PracticeServer
from onboard.profiles.file import save

HOSTS = 200
RIGHT = Secret("the right one")
SECRET = variable_name(NAME)


class Site:
    """200 servers that take a password, and this program's home beside them."""

    def __init__(self, practice: Practice, folder: Path, credential: Credential) -> None:
        self.servers = practice.servers
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "known_hosts").write_text(practice.known_hosts)
        self.profile = practice.profile().model_copy(update={"credentials": {NAME: credential}})
        self.file = folder / "profile.toml"
        save(self.profile, self.file)

    def check(self) -> State:
        known = KnownHosts.from_file(self.home / "known_hosts")
        with placed(self.profile, self.home, known_hosts=known) as place:
            return fold(check(place.profile, place.tools, place.cancel))

    def check_again(self, secret: str, *more: str) -> int:
        """`onboard check` in a process of its own; its exit code."""
        command = [sys.executable, "-m", "onboard", "check", "--profile", str(self.file), "--json", *more]
        environment = {**os.environ, "ONBOARD_HOME": str(self.home), SECRET: secret}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr.decode()[-2000:]
        return done.returncode

    @property
    def attempts(self) -> int:
        return sum(server.refused + server.log_ins for server in self.servers)


@contextmanager
def site(folder: Path, monkeypatch: pytest.MonkeyPatch, one: Image, kind: CredentialKind) -> Iterator[Site]:
    with running_practice(HOSTS, only=[one], password=RIGHT) as practice:
        for name, value in practice.environment().items():
            monkeypatch.setenv(name, value)
        key_file = str(practice.key_file) if kind is CredentialKind.SSH_KEY else None
        yield Site(practice, folder, Credential(kind=kind, username=ACCOUNT, key_file=key_file))


def test_a_wrong_password_is_tried_twice_and_never_again_until_forgiven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "a wrong one")
    with site(tmp_path, monkeypatch, image("healthy-debian"), CredentialKind.SSH_PASSWORD) as fleet:
        state = fleet.check()
        assert state.counts() == {"unreachable": HOSTS}
        assert sum(server.refused for server in fleet.servers) == 2
        assert sum(server.log_ins for server in fleet.servers) == 0
        said = [host.findings[0] for host in state.hosts.values()]
        stopped = [finding for finding in said if f"The password of {ACCOUNT} was not tried" in finding.summary]
        assert len(stopped) == HOSTS - 2
        assert all("forgive" in finding.remedy or "allow it again" in finding.remedy for finding in stopped)

        assert fleet.check_again("another wrong one") == 1
        assert fleet.check_again(RIGHT.reveal()) == 1, "even the right one waits for the user's word"
        assert fleet.attempts == 2

        assert fleet.check_again("a third wrong one", "--forgive", ACCOUNT) == 1
        assert fleet.attempts == 4
        assert fleet.check_again(RIGHT.reveal(), "--forgive", ACCOUNT) == 0
        assert sum(server.log_ins for server in fleet.servers) == HOSTS
        assert sum(server.refused for server in fleet.servers) == 4


def test_a_right_password_logs_in_on_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, RIGHT.reveal())
    with site(tmp_path, monkeypatch, image("healthy-debian"), CredentialKind.SSH_PASSWORD) as fleet:
        assert fleet.check().counts() == {"ready": HOSTS}
        assert {server.log_ins for server in fleet.servers} == {1}
        assert fleet.attempts == HOSTS


def test_a_wrong_password_for_sudo_is_tried_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, "a wrong one")
    tried: list[str] = []
    real = PracticeServer._is_password

    def counted(server: PracticeServer, given: str) -> bool:
        if given:  # else the channel was closed when sudo asked: nothing was sent
            tried.append(server.name)
        return real(server, given)

    monkeypatch.setattr(PracticeServer, "_is_password", counted)
    base = image("healthy-debian")
    guarded = base.model_copy(update={"server": base.server.model_copy(update={"sudo": "password"})})
    with site(tmp_path, monkeypatch, guarded, CredentialKind.SSH_KEY) as fleet:
        state = fleet.check()
        assert state.counts() == {"blocked": HOSTS}, "the key logs in, and one check says that root is missing"
        assert len(tried) == 2
        why = {
            host.name: next(found for found in host.findings if found.check == "privilege_sufficient")
            for host in state.hosts.values()
        }
        for name in tried:
            assert (why[name].status, why[name].summary) == ("fail", "sudo refused the password")
            assert f"Correct the secret of credential {NAME}" in why[name].remedy
        stopped = [found for name, found in why.items() if name not in tried]
        assert {found.status for found in stopped} == {"unknown"}, "whether sudo would have taken it, nobody knows"
        assert all(f"The password of {ACCOUNT} was not tried" in found.summary for found in stopped)
        assert all(f"{' and '.join(tried)} refused its password" in found.evidence for found in stopped)
        assert all(f"--forgive {ACCOUNT}" in found.remedy for found in stopped)

        assert fleet.check_again("another wrong one") == 1
        assert len(tried) == 2


def test_a_server_that_asks_for_a_password_that_nobody_has_is_the_only_one_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_practice(3, only=[image("sudo-password"), image("healthy-debian")]) as practice:
        for name, value in practice.environment().items():
            monkeypatch.setenv(name, value)
        place = Site(practice, tmp_path, practice.profile().credentials[NAME])
        one_by_one = place.profile.run.model_copy(update={"concurrency": 1})
        place.profile = place.profile.model_copy(update={"run": one_by_one})
        status = {name: host.status for name, host in place.check().hosts.items()}
    assert status == {
        "sudo-password": HostStatus.BLOCKED,
        "healthy-debian": HostStatus.READY,
        "sudo-password-2": HostStatus.BLOCKED,
    }
