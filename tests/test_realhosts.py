"""The rig itself: hosts are apart from each other and from this machine, and leave nothing behind."""

import os
import subprocess
from pathlib import Path

import pytest
from realhosts import differences, missing_part, real_hosts


def ssh(fleet, host, user, command):
    options = ["-o", f"UserKnownHostsFile={fleet.known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null"]
    options += ["-o", "BatchMode=yes", "-F", "/dev/null", "-i", str(fleet.key_file)]
    return subprocess.run(
        ["ssh", *options, f"{user}@{host.address}", command], capture_output=True, text=True, timeout=30, check=True
    ).stdout


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match="real hosts need root"), real_hosts(1):
        pass
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert missing_part().startswith("the program ")


def test_each_host_is_itself_and_answers_over_ssh():
    with real_hosts(2) as fleet:
        assert [ssh(fleet, host, "root", "hostname").strip() for host in fleet] == ["host1", "host2"]
        assert ssh(fleet, fleet[0], "ops", "sudo -n id -u").strip() == "0"
        ids = {host.read("/etc/machine-id") for host in fleet}
        assert len(ids) == 2
        assert Path("/etc/machine-id").read_text() not in ids
        fleet[1].clone_identity_of(fleet[0])
        assert fleet[0].read("/etc/machine-id") == fleet[1].read("/etc/machine-id")


def test_the_digest_sees_a_change_and_its_end():
    with real_hosts(1) as (host,):
        before, digest = host.tree(), host.tree_digest()
        assert "etc/passwd" in before
        host.run("chmod 600 /etc/passwd && touch /tmp/left")
        assert host.tree_digest() != digest
        assert [line.split(":")[0] for line in differences(before, host.tree())] == ["etc/passwd", "tmp/left"]
        host.run("chmod 644 /etc/passwd && rm /tmp/left")
        assert host.tree_digest() == digest


def test_faults_show():
    with real_hosts(1) as fleet:
        host = fleet[0]
        host.set_clock_off(-420)
        slow = int(host.run("date.true +%s").stdout) - int(host.run("date +%s").stdout)
        assert 419 <= slow <= 421
        host.block(fleet.cloud_address, silently=False)
        said = host.run(f"curl -sS http://{fleet.cloud_address}:9/", check=False)
        assert "No route to host" in said.stderr or "Couldn't connect" in said.stderr
        bundle = host.read("/etc/ssl/certs/ca-certificates.crt")
        host.remove_amazon_roots()
        assert bundle.count("BEGIN") - host.read("/etc/ssl/certs/ca-certificates.crt").count("BEGIN") >= 5
        host.register_elsewhere()
        assert "us-west-2" in host.read("/var/lib/amazon/ssm/registration")


def test_a_rhel_like_host_has_rpm_alone():
    with real_hosts(1) as (host,):
        host.become_rhel_like()
        assert host.run("command -v dpkg", check=False).exit_code != 0
        assert host.run("rpm -qa && rpm --version").stdout.startswith("RPM")
        assert host.read("/etc/pki/tls/certs/ca-bundle.crt").count("BEGIN") > 100


def test_systemd_runs_as_first_process():
    with real_hosts(1, systemd=True) as (host,):
        assert host.run("cat /proc/1/comm").stdout == "systemd\n"
        assert host.run("systemctl is-system-running").stdout == "running\n"
        assert host.run("echo 1 > /proc/sys/kernel/printk", check=False).exit_code != 0


def test_nothing_is_left_also_after_a_failure():
    inits = []

    def fail_inside():
        with real_hosts(1, systemd=True) as fleet:
            inits.append(fleet[0].pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert not Path(f"/proc/{inits[0]}").exists()
    # Others may run tests on this machine at the same time, so only what would be this one's is looked at.
    links = subprocess.run(["ip", "-details", "link"], capture_output=True, text=True, check=True).stdout
    assert f"onboard-tests {os.getpid()}" not in links
    assert f"onb{inits[0]}" not in links
    assert "onboard-hosts" not in Path("/proc/self/mounts").read_text()
