"""The whole line on real hosts: OpenSSH, sh, sudo, dpkg and rpm, each fault injected where it hurts.

The agent is the practice cloud's stand-in, installed for real; the program under test is the real engine.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

import pytest
from engine.conftest import Bench
from realhosts import Fleet, differences, real_hosts

from onboard.engine.proof import Patience
from onboard.model.outcome import troubles
from onboard.model.profile import (
    AgentSection,
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
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.practice.cloud import Cloud, running_cloud

FAULTS = {
    "no-roots": "root_certificates_present",
    "slow": "clock_in_sync",
    "cut-off": "endpoints_reachable",
    "elsewhere": "not_registered_elsewhere",
    "clone": "not_a_clone",
    "clone-2": "not_a_clone",
}
NAMES = ("debian", "rhel-like", *FAULTS)


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
def real_bench(names: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealBench]:
    with ExitStack() as stack:
        fleet = stack.enter_context(real_hosts(len(names)))
        cloud = stack.enter_context(running_cloud(host=fleet.cloud_address))
        for host in fleet:
            host.trust(cloud.authority)
        local = stack.enter_context(forwarded(cloud.endpoint_url))
        for name, value in cloud.environment("eu-central-1").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", local)
        yield RealBench(fleet, cloud, local, names, folder)


def why(host: HostState) -> object:
    return host.status, host.reason, [(f.check, f.status, f.summary, f.evidence[:200]) for f in troubles(host)]


def failed_checks(state: State, name: str) -> set[str]:
    return {finding.check for finding in state.hosts[name].findings if finding.status == "fail"}


def warned_checks(host: HostState) -> set[str]:
    return {finding.check for finding in host.findings if finding.status == "warn"}


def test_healthy_hosts_come_online_and_each_fault_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with real_bench(NAMES, tmp_path, monkeypatch) as work:
        hosts = dict(zip(NAMES, work.fleet, strict=True))
        hosts["rhel-like"].become_rhel_like()
        hosts["no-roots"].remove_amazon_roots()
        hosts["slow"].set_clock_off(-420)
        hosts["cut-off"].block(work.fleet.cloud_address, silently=False)
        hosts["elsewhere"].register_elsewhere()
        hosts["clone-2"].clone_identity_of(hosts["clone"])
        work.without_fixes()
        trees = {name: host.tree() for name, host in hosts.items()}

        checked = work.check()
        for name, check in FAULTS.items():
            assert checked.hosts[name].status is HostStatus.BLOCKED, why(checked.hosts[name])
            assert failed_checks(checked, name) == {check}, why(checked.hosts[name])
        for name, host in hosts.items():
            assert differences(trees[name], host.tree()) == [], f"check changed {name}"
        assert work.cloud.calls.mutating() == []

        state = work.apply()
        for name in ("debian", "rhel-like"):
            assert state.hosts[name].status is HostStatus.ONLINE, (why(state.hosts[name]), hosts[name].said())
            assert hosts[name].packages() != ""
        for name in FAULTS:
            assert state.hosts[name].status is HostStatus.BLOCKED, why(state.hosts[name])
            assert differences(trees[name], hosts[name].tree()) == [], f"a blocked host was changed: {name}"

        installed = {name: hosts[name].tree() for name in ("debian", "rhel-like")}
        count = work.cloud.calls.count
        again = work.apply()
        assert again.hosts["debian"].status is HostStatus.ONLINE, why(again.hosts["debian"])
        for name, tree in installed.items():
            agents_log = [line for line in differences(tree, hosts[name].tree()) if "var/log/amazon" not in line]
            assert agents_log == [], f"the second apply changed {name}"
        assert {call.operation for call in work.cloud.calls.mutating(after=count)} == {"SendCommand"}

        undone = work.undo(state.run)
        assert undone.counts() == {"ready": 2}, [why(host) for host in undone.hosts.values()]
        for name, tree in trees.items():
            assert differences(tree, hosts[name].tree()) == [], f"undo left something on {name}"


def test_missing_roots_are_installed_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with real_bench(("no-roots",), tmp_path, monkeypatch) as work:
        work.fleet[0].remove_amazon_roots()
        tree = work.fleet[0].tree()
        state = work.apply()
        assert state.hosts["no-roots"].status is HostStatus.ONLINE, why(state.hosts["no-roots"])
        assert "install_roots" in state.hosts["no-roots"].steps
        assert work.undo(state.run).counts() == {"ready": 1}
        assert differences(tree, work.fleet[0].tree()) == []


ROOTS_OWN = (
    "# for the backup\n[default]\naws_access_key_id=AKIAROOTSOWNROOTSOWN\naws_secret_access_key=hers # rotate in May\n"
    "[other]\nregion = eu-west-1\n"
)


def test_roots_own_credentials_stay_unless_the_profile_lets_the_agent_overwrite_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real_bench(("mine", "none"), tmp_path, monkeypatch) as work:
        mine, none = work.fleet
        mine.write("/root/.aws/credentials", ROOTS_OWN, 0o640)
        trees = [host.tree() for host in work.fleet]

        kept = work.apply()
        assert kept.counts() == {"online": 2}, [why(host) for host in kept.hosts.values()]
        assert mine.read("/root/.aws/credentials") == ROOTS_OWN
        assert not none.exists("/root/.aws")
        assert work.undo(kept.run).counts() == {"ready": 2}
        assert [differences(tree, host.tree()) for tree, host in zip(trees, work.fleet, strict=True)] == [[], []]

        work.profile = work.profile.model_copy(update={"agent": AgentSection(share_credentials=True)})
        shared = work.apply()
        assert shared.counts() == {"online": 2}, [why(host) for host in shared.hosts.values()]
        for host in work.fleet:
            written = host.read("/root/.aws/credentials")
            assert "aws_session_token     = " in written
            assert "AKIAROOTSOWNROOTSOWN" not in written
        work.profile = work.profile.model_copy(update={"agent": AgentSection()})
        for host in work.check().hosts.values():
            assert "root_credentials_kept" in warned_checks(host), why(host)
            assert not re.search("ASIA[A-Z0-9]", str(why(host)))
        assert work.undo(shared.run).counts() == {"ready": 2}
        assert differences(trees[1], none.tree()) == []


def test_a_root_that_names_another_node_and_an_agent_that_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real_bench(("victim", "evil"), tmp_path, monkeypatch) as work:
        work.patience = Patience(online=30, answer=8, poll=0.2)
        victim, evil = work.fleet
        state = work.apply()
        assert state.counts() == {"online": 2}, [why(host) for host in state.hosts.values()]
        named, own = (state.hosts[name].instance_id or "" for name in ("victim", "evil"))
        assert not victim.exists("/var/lib/onboard"), "the nonce is removed once it was asked for"

        agents = [pid for pid, line in evil.processes().items() if "amazon-ssm-agent" in line]
        evil.run(f"kill -STOP {' '.join(map(str, agents))}")
        again = work.apply()
        assert again.hosts["evil"].status is HostStatus.FAILED, "AWS says Online, and it does not answer"
        assert again.hosts["victim"].status is HostStatus.ONLINE, why(again.hosts["victim"])
        assert evil.exists("/var/lib/onboard"), "what was not asked for stays for the next run, or undo"
        evil.run(f"kill -CONT {' '.join(map(str, agents))}")

        # Its root has every answer of register_agent's undo followed by the other one's id.
        evil.run("mv /usr/bin/sudo /usr/bin/sudo.true")
        evil.write("/usr/bin/sudo", LYING_SUDO.format(node=named), mode=0o755)
        work.profile = work.profile.model_copy(update={"hosts": work.profile.hosts[1:]})
        work.undo(state.run)
        gone = {call.instance_id for call in work.cloud.calls.of("DeregisterManagedInstance")}
        assert gone == {own}, "the node that AWS and the journal know, and no other"
        assert not evil.exists("/var/lib/onboard")


LYING_SUDO = """#!/bin/sh
/usr/bin/sudo.true "$@"
code=$?
printf 'instance_id=%s\\nundo.node=%s\\n' {node} {node}
exit $code
"""
