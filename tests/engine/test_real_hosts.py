"""The whole line on real hosts: OpenSSH, sh, sudo, dpkg and rpm, each fault injected where it hurts.

The agent is the practice cloud's stand-in, installed for real; the program under test is the real engine.
"""

import re
from pathlib import Path

import pytest
from engine.real_bench import real_bench, why
from realhosts import differences

from onboard.engine.proof import Patience
from onboard.model.profile import AgentSection
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus

pytestmark = pytest.mark.timeout(300)  # up to eight hosts of their own

FAULTS = {
    "no-roots": "root_certificates_present",
    "slow": "clock_in_sync",
    "cut-off": "endpoints_reachable",
    "elsewhere": "not_registered_elsewhere",
    "clone": "not_a_clone",
    "clone-2": "not_a_clone",
}
NAMES = ("debian", "rhel-like", *FAULTS)


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
