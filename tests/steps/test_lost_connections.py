"""Installing and registering go on when their connection is lost, and the next one comes back for the result."""

import re
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
from lab import STEP

from onboard.model.errors import ConnectionLost
from onboard.steps.base import Done, StepFailed

HOLD_DPKG = """\
import fcntl, sys, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class Applying(threading.Thread):
    """A step's apply in a thread of its own; `result` is what it returned or raised."""

    def __init__(self, lab, name):
        super().__init__(daemon=True)
        self._lab = lab
        self._name = name
        with lab.connect() as connection:
            self._before = lab.before(connection)
        self.result = None

    def run(self):
        try:
            with self._lab.connect() as connection:
                self.result = STEP[self._name].apply(connection, self._before, self._lab.supplies())
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.result = error


@contextmanager
def dpkg_held(host):
    """Another package manager holds dpkg's lock on the host."""
    command = ["nsenter", "-t", str(host.pid), "-m", "-p", "-n", "python3", "-c", HOLD_DPKG]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield
        process.stdin.close()


def wait_for(holds, what):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, f"not within 30 s: {what}"
        time.sleep(0.05)


def running(lab, words):
    return [line for line in lab.host.processes().values() if words in line]


def kill_ssh_sessions(lab):
    """End everything of the host's SSH sessions, as a lost connection may: sshd, sudo, the script, their groups."""
    groups = set()
    for line in lab.host.run("ps -e -o pgid= -o args=").stdout.splitlines():
        group, _, command = line.strip().partition(" ")
        if re.match(r"sshd: ops|sudo |/bin/sh /\S+/onboard\.\w+/(run|script)", command.strip()):
            groups.add(f"-{group}")
    assert groups
    lab.host.run(f"kill -s HUP -- {' '.join(groups)}; sleep 0.2; kill -s KILL -- {' '.join(groups)}", check=False)
    assert not running(lab, "sshd: ops")


def test_a_registration_survives_its_connection_and_is_not_made_twice(lab):
    with lab.restored():
        lab.apply("configure_agent", "install_agent")
        # What is sent to the cloud vanishes, so the registration hangs until the way is free again.
        address = lab.cloud.endpoint_url.split("/")[2].split(":")[0]
        first, second = Applying(lab, "register_agent"), Applying(lab, "register_agent")
        lab.host.block(address)
        first.start()
        wait_for(lambda: running(lab, "amazon-ssm-agent -register"), "registration begun")
        kill_ssh_sessions(lab)
        first.join(30)
        assert isinstance(first.result, ConnectionLost)
        assert len(running(lab, "python3 /usr/bin/amazon-ssm-agent -register")) == 1

        second.start()
        wait_for(lambda: running(lab, "sleep 1") or second.result, "the second one waits")
        lab.host.run(f"ip neigh del {address} dev eth0")
        second.join(60)
        assert second.result.changed
        assert second.result.output["instance_id"].startswith("mi-")
        assert lab.calls("RegisterManagedInstance") == 1
        assert "register_agent" in lab.plan()  # its record is still there, for a journal that does not have it
        lab.done["register_agent"] = second.result
        lab.undo()


def test_undo_tells_the_node_of_a_registration_that_nobody_heard_of(lab):
    with lab.restored():
        lab.apply("configure_agent", "install_agent", "register_agent")
        node = lab.done.pop("register_agent").output["instance_id"]
        with lab.connect() as connection:  # the journal knows of the intent alone
            assert STEP["register_agent"].undo(connection, {}).output == {"instance_id": node}
            assert STEP["register_agent"].undo(connection, {}).output == {}
        lab.undo()


def test_an_installation_survives_its_connection(lab):
    with lab.restored():
        lab.apply("configure_agent")
        with dpkg_held(lab.host):
            first = Applying(lab, "install_agent")
            first.start()
            wait_for(lambda: running(lab, "/var/lib/onboard/install_agent.job"), "installation begun")
            kill_ssh_sessions(lab)
            first.join(30)
            assert isinstance(first.result, ConnectionLost)
        wait_for(lambda: not running(lab, "install_agent.job"), "installation ended")
        assert lab.host.run("dpkg-query -W -f '${Status}' amazon-ssm-agent").stdout == "install ok installed"
        assert "install_agent" in lab.plan()
        lab.apply("install_agent")
        assert lab.done["install_agent"].changed
        assert lab.done["install_agent"].undo["version"] == ""
        assert lab.host.run("ls /var/lib/onboard").stdout.split() == ["configure_agent.undo", "install_agent.undo"]
        lab.undo()


def test_a_held_dpkg_lock_is_waited_for_up_to_a_limit(lab, monkeypatch):
    with lab.restored():
        monkeypatch.setattr("onboard.steps.script.LOCK_LIMIT", 2)
        with dpkg_held(lab.host), pytest.raises(StepFailed) as failed:
            lab.apply("install_agent")
        assert "Another package manager held its lock" in failed.value.why
        assert "lock" in failed.value.evidence
        monkeypatch.setattr("onboard.steps.script.LOCK_LIMIT", 60)
        with dpkg_held(lab.host):
            waiting = Applying(lab, "install_agent")
            waiting.start()
            wait_for(lambda: running(lab, "/var/lib/onboard/install_agent.job"), "it waits")
            assert waiting.is_alive()
        waiting.join(60)
        assert waiting.result.changed
        lab.done["install_agent"] = waiting.result
        lab.undo()


def test_an_apply_whose_result_was_lost_is_taken_up_and_undone(lab):
    with lab.restored():
        lab.host.write("/etc/amazon/ssm/amazon-ssm-agent.json", '{"Agent": {"Region": "x"}}\r\n')
        before = lab.host.tree()
        lab.apply("configure_agent")
        lost = lab.done.pop("configure_agent")
        assert "configure_agent" in lab.plan()
        lab.apply("configure_agent")
        assert lab.done["configure_agent"] == lost
        with lab.connect() as connection:  # the journal knows of the intent alone
            STEP["configure_agent"].undo(connection, {})
        assert lab.host.tree() == before
        lab.host.run("rm -r /etc/amazon")


def test_a_record_that_a_run_does_not_take_up_stays_for_undo(lab):
    with lab.restored():
        lab.apply("configure_agent", "install_agent")
        del lab.done["install_agent"]
        with lab.connect() as connection:
            # The agent is there, so no package is fetched for this server any more, and nothing is planned with it.
            before = lab.before(connection, package=None)
            for step in ("configure_agent", "register_agent", "start_agent", "place_nonce"):
                lab.done[step] = STEP[step].apply(connection, before, lab.supplies())
            assert lab.host.run("ls /var/lib/onboard").stdout.split() == ["install_agent.undo", "nonce-run1"]
            lab.done["install_agent"] = Done(changed=True)
        lab.undo()


def test_no_other_user_can_hold_up_the_work(lab):
    with lab.restored():
        taking = "setsid flock -F /var/lib sleep 999 >/dev/null 2>&1 </dev/null & echo $!"
        holder = lab.host.run(f"su ops -s /bin/sh -c '{taking}'").stdout.strip()
        wait_for(lambda: running(lab, "sleep 999"), "the lock is taken")
        applying = Applying(lab, "install_agent")
        applying.start()
        applying.join(30)
        lab.host.run(f"kill {holder}")
        assert isinstance(applying.result, Done), "it waited for another user"
        lab.done["install_agent"] = applying.result
        lab.host.run("mkdir -p -m 700 /var/lib/onboard")
        assert lab.host.run("su ops -s /bin/sh -c 'flock -n /var/lib/onboard true'", check=False).exit_code != 0
        lab.undo()
