"""Whole runs with AWS's own agent, on OpenSSH hosts with their own root file system and systemd as first process.

Its errors.log is read before each undo: every line in it is one of those that tests/aws_agent.py allows.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aws_agent
import pytest
from aws_agent import DENIED, LOOKS_FOR_EC2, NO_EC2MESSAGES, NOT_REGISTERED, unexpected_errors
from engine.real_bench import RealBench, real_bench, why
from realhosts import RealHost, Tree, differences
from web_proxy import web_proxy

from onboard.engine.proof import Patience
from onboard.model.profile import AgentSection, EndpointOverrides, NetworkSection, RunSection
from onboard.profiles.file import save

CREDENTIALS = "/root/.aws/credentials"
ROOTS_OWN = {
    CREDENTIALS: (
        "# for the backup\n[default]\naws_access_key_id=AKIAROOTSOWNROOTSOWN\n"
        "aws_secret_access_key=hers # rotate in May\n[other]\nregion = eu-west-1\n"
    ),
    "/root/.aws/config": "[default]\nregion = eu-west-1\n",
}
OWN_CONFIGURATION = '{"Mds": {"CommandWorkersLimit": 3},\n  "Agent": {"ServiceDomain": ""}}'
HELD_SYSTEMCTL = """#!/bin/sh
if [ "$DPKG_MAINTSCRIPT_NAME" = postinst ]; then
  : >/run/at-work
  while [ -e /run/held ]; do sleep 0.1; done
fi
exec /usr/bin/systemctl "$@"
"""
AGENTS_LOG = r"var/log/amazon/.*"
AGENTS_COMMANDS = r"var/lib/amazon/ssm/mi-[0-9a-f]{17}/.*"  # what a node keeps of each command that it took


@contextmanager
def journey(names: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealBench]:
    """Hosts that get AWS's own agent, and a cloud that answers over TLS as AWS does."""
    (folder / "packages").mkdir()
    (folder / "packages" / "amazon-ssm-agent.deb").symlink_to(aws_agent.package())
    with real_bench(names, folder, monkeypatch, systemd=True) as work:
        work.patience = Patience(online=60, answer=60, poll=0.2)
        url = work.cloud.messages_url
        work.change(
            agent=AgentSection(source=str(folder / "packages"), verify_signature=False),
            network=NetworkSection(endpoints=EndpointOverrides(ssm=url, ssmmessages=url, ec2messages=url, s3=url)),
            run=RunSection(canary=0),
        )
        yield work


def used(work: RealBench, after: int = 0) -> set[str]:
    """The operations that were answered without an error."""
    return {call.operation for call in work.cloud.calls.after(after) if not call.error}


def changed(before: Tree, host: RealHost, *expected: str) -> list[str]:
    """How the host's tree differs, apart from paths that match an expected pattern."""
    lines = differences(before, host.tree())
    return [line for line in lines if not any(re.fullmatch(pattern, line.split(": ")[0]) for pattern in expected)]


@pytest.mark.timeout(300)
def test_two_applies_and_an_undo_next_to_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with journey(("new", "has-agent"), tmp_path, monkeypatch) as work:
        new, has_agent = work.fleet
        for path, content in ROOTS_OWN.items():
            new.write(path, content, 0o640)
        has_agent.write("/etc/amazon/ssm/amazon-ssm-agent.json", OWN_CONFIGURATION, 0o640)
        put = "cat >/root/agent.deb && dpkg -i --force-confold /root/agent.deb && rm /root/agent.deb"
        has_agent.run(put, stdin=aws_agent.package().read_bytes())
        trees = [host.tree() for host in work.fleet]
        packages = [host.packages() for host in work.fleet]
        assert aws_agent.version() in packages[1]

        # As in a Region that never had ec2messages.
        work.cloud.settings.update({"ec2messages": False})
        first = work.apply()
        assert first.counts() == {"online": 2}, [why(host) for host in first.hosts.values()]
        assert "OpenControlChannel" in used(work)
        assert "install_agent" in first.hosts["new"].steps
        assert "install_agent" not in first.hosts["has-agent"].steps
        assert {path: new.read(path) for path in ROOTS_OWN} == ROOTS_OWN
        assert not has_agent.exists("/root/.aws")
        assert unexpected_errors(new, NOT_REGISTERED, NO_EC2MESSAGES) == []
        assert unexpected_errors(has_agent, NOT_REGISTERED, LOOKS_FOR_EC2, NO_EC2MESSAGES) == []

        installed = [host.tree() for host in work.fleet]
        count = work.cloud.calls.count
        second = work.apply()
        assert second.counts() == {"online": 2}, [why(host) for host in second.hosts.values()]
        assert {call.operation for call in work.cloud.calls.mutating(after=count)} == {"SendCommand"}
        for host, tree in zip(work.fleet, installed, strict=True):
            assert changed(tree, host, AGENTS_LOG, AGENTS_COMMANDS) == []
            assert unexpected_errors(host, NO_EC2MESSAGES) == []

        undone = work.undo(first.run)
        assert undone.counts() == {"ready": 2}, [why(host) for host in undone.hosts.values()]
        assert changed(trees[0], new) == []
        assert changed(trees[1], has_agent, AGENTS_LOG) == []
        assert [host.packages() for host in work.fleet] == packages
        # It has no registration again: it ends, and systemd starts it anew ("activating").
        unit = has_agent.run("systemctl is-enabled amazon-ssm-agent; systemctl is-active amazon-ssm-agent", check=False)
        assert unit.stdout in ("enabled\nactive\n", "enabled\nactivating\n")
        assert unexpected_errors(has_agent, NOT_REGISTERED, LOOKS_FOR_EC2, NO_EC2MESSAGES) == []


class Headless:
    """The console program, in processes of its own, on a bench's hosts."""

    def __init__(self, work: RealBench) -> None:
        self.command = [sys.executable, "-m", "onboard"]
        self.profile = work.folder / "profile.toml"
        self.environment = {**os.environ, "ONBOARD_HOME": str(work.folder)}
        save(work.profile, self.profile)
        (work.folder / "known_hosts").write_text(work.known_hosts_text())

    def apply(self, run: str) -> list[str]:
        """A new run, or the rest of one."""
        resume = ["--resume", run] if run else []
        return [*self.command, "apply", "--profile", str(self.profile), "--json", "--yes", *resume]

    def killed(
        self, step: str, reached: Callable[[], bool], run: str = "", begun: Callable[[str], None] = lambda _: None
    ) -> str:
        """Kill an apply as soon as its step got so far on the host. Returns the run's id. `begun` gets each step."""
        with subprocess.Popen(self.apply(run), env=self.environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told = []
            for line in process.stdout:
                told.append(event := json.loads(line))
                run = run or event.get("run", "")
                if event["event"] == "step_started":
                    begun(event["step"])
                    if event["step"] == step:
                        break
            while not reached():
                assert process.poll() is None, f"{step}: it ended without getting there: {told[-4:]}"
                time.sleep(0.005)
            process.kill()
        return run

    def finished(self, run: str) -> dict[str, str]:
        """Resume a run to its end: server → status."""
        done = subprocess.run(self.apply(run), env=self.environment, capture_output=True, text=True, check=False)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-2000:])
        return {event["host"]: event["status"] for event in events if event["event"] == "host_finished"}


@pytest.mark.timeout(300)
def test_killed_in_two_steps_and_resumed_where_a_proxy_is_the_only_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        journey(("inside",), tmp_path, monkeypatch) as work,
        web_proxy(work.fleet.test_address, tmp_path) as proxy,
    ):
        (host,) = work.fleet
        host.block(work.fleet.cloud_address, silently=False)
        work.change(network=work.profile.network.model_copy(update={"proxy": proxy.url}))
        host.write("/usr/local/sbin/systemctl", HELD_SYSTEMCTL, 0o755)
        tree, packages = host.tree(), host.packages()

        program = Headless(work)
        host.write("/run/held", "")
        run = program.killed("install_agent", lambda: host.exists("/run/at-work"))
        # The resumed run looks at the host while dpkg is still at work.
        let_go = {"install_agent": lambda: host.run("rm /run/held")}
        registration = "/var/lib/amazon/ssm/registration"
        program.killed("register_agent", lambda: host.exists(registration), run, lambda step: let_go.get(step, str)())
        assert program.finished(run) == {"inside": "online"}
        registered = [call for call in work.cloud.calls.of("RegisterManagedInstance") if not call.error]
        assert len(registered) == 1
        assert "OpenControlChannel" in used(work)
        endpoint = work.cloud.messages_url.removeprefix("https://")
        assert set(proxy.requests()) == {f"CONNECT {endpoint}"}
        assert unexpected_errors(host, NOT_REGISTERED) == []

        installed = host.tree()
        work.cloud.settings.update({"ssmmessages": False})
        count = work.cloud.calls.count
        again = work.apply()
        assert again.counts() == {"online": 1}, [why(one) for one in again.hosts.values()]
        assert {call.operation for call in work.cloud.calls.mutating(after=count)} == {"SendCommand"}
        assert used(work, count) >= {"GetMessages", "SendReply", "AcknowledgeMessage"}
        assert changed(installed, host, AGENTS_LOG, AGENTS_COMMANDS) == []
        assert unexpected_errors(host, DENIED) == []

        undone = work.undo(run)
        assert undone.counts() == {"ready": 1}, [why(one) for one in undone.hosts.values()]
        assert changed(tree, host) == []
        assert host.packages() == packages
        created = [call for call in work.cloud.calls.of("CreateActivation") if not call.error]
        deleted = [call for call in work.cloud.calls.of("DeleteActivation") if not call.error]
        assert len(created) == len(deleted)
