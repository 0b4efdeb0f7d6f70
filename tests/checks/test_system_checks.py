"""Checks of the machine itself, by facts."""

from dataclasses import replace
from typing import Any

import pytest
from servers import disk, finding, healthy, place, server

from onboard.checks import (
    agent_paths_executable,
    agent_paths_writable,
    architecture_supported,
    disk_space_sufficient,
    init_system_supported,
    inotify_instances_free,
    input_not_recorded,
    kernel_supported,
    os_supported,
    package_manager_usable,
    privilege_sufficient,
)
from onboard.facts.posix import (
    agent,
    disk_space,
    init_system,
    inotify,
    kernel,
    operating_system,
    package_manager,
    privilege,
    sudo_logging,
)
from onboard.facts.posix.disk_space import Place
from onboard.facts.posix.init_system import InitSystem
from onboard.facts.posix.operating_system import OperatingSystem
from onboard.facts.posix.package_manager import Lock, PackageManager
from onboard.facts.posix.privilege import Privilege, Refusal
from onboard.model.finding import Finding, Verdict

PASS, WARN, FAIL, UNKNOWN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("identity", "version", "verdict", "summary"),
    [
        ("almalinux", "8.3", PASS, "AlmaLinux 8.3 is supported"),
        ("almalinux", "8.2", FAIL, "AlmaLinux 8.2 is not supported"),
        ("almalinux", "9.4", PASS, "AlmaLinux 9.4 is supported"),
        ("almalinux", "10.0", FAIL, "AlmaLinux 10.0 is not supported"),
        ("amzn", "2", PASS, "Amazon Linux 2 is supported"),
        ("amzn", "2023", PASS, "Amazon Linux 2023 is supported"),
        ("amzn", "2018.03", FAIL, "Amazon Linux 2018.03: documented in 2018, no longer supported"),
        ("bottlerocket", "1.19.2", PASS, "Bottlerocket 1.19.2 is supported"),
        ("centos", "9", PASS, "CentOS 9 is supported"),
        ("centos", "8", FAIL, "CentOS 8 is not supported"),
        ("centos", "7", FAIL, "CentOS 7: documented in 2018, no longer supported"),
        ("centos", "6.10", FAIL, "CentOS 6.10: documented in 2018, no longer supported"),
        ("centos", "6.2", FAIL, "CentOS 6.2 is not supported"),
        ("debian", "10", FAIL, "Debian 10 is not supported"),
        ("debian", "11", PASS, "Debian 11 is supported"),
        ("debian", "12", PASS, "Debian 12 is supported"),
        ("debian", "13", FAIL, "Debian 13 is not supported yet"),
        ("debian", "", FAIL, "Debian without a version (testing or rolling) is not supported"),
        ("fedora", "41", FAIL, "fedora 41 is not supported"),
        ("ol", "7.5", PASS, "Oracle Linux 7.5 is supported"),
        ("ol", "7.9", FAIL, "Oracle Linux 7.9 is not supported"),
        ("ol", "8.10", PASS, "Oracle Linux 8.10 is supported"),
        ("raspbian", "9", FAIL, "Raspberry Pi OS 9: documented in 2018, no longer supported"),
        ("rhel", "6.5", FAIL, "RHEL 6.5: documented in 2018, no longer supported"),
        ("rhel", "7.0", PASS, "RHEL 7.0 is supported"),
        ("rhel", "10.1", PASS, "RHEL 10.1 is supported"),
        ("rhel", "11.0", FAIL, "RHEL 11.0 is not supported"),
        ("rocky", "9.4", PASS, "Rocky Linux 9.4 is supported"),
        ("sles", "12.5", FAIL, "SLES 12.5: documented in 2018, no longer supported"),
        ("sles", "15.2", FAIL, "SLES 15.2 is not supported"),
        ("sles", "15.6", PASS, "SLES 15.6 is supported"),
        ("ubuntu", "14.04", FAIL, "Ubuntu 14.04: documented in 2018, no longer supported"),
        ("ubuntu", "18.04", PASS, "Ubuntu 18.04 is supported"),
        ("ubuntu", "24.04", PASS, "Ubuntu 24.04 is supported"),
        ("ubuntu", "24.10", FAIL, "Ubuntu 24.10 is not supported"),
        ("ubuntu", "25.04", PASS, "Ubuntu 25.04 is supported"),
        ("ubuntu", "26.04", FAIL, "Ubuntu 26.04 is not supported yet"),
    ],
)
def test_systems(identity: str, version: str, verdict: Verdict, summary: str) -> None:
    system = OperatingSystem(identity, version, f"{identity} {version}")
    found = finding(os_supported.CHECK, (operating_system.FACT, system))
    assert (found.status, found.summary) == (verdict, summary)
    assert bool(found.remedy) == (verdict is not PASS)


@pytest.mark.parametrize(
    ("machine", "bits", "packages", "system", "verdict"),
    [
        ("x86_64", 64, "amd64", ("debian", "12"), PASS),
        ("x86_64", 0, "", ("debian", "12"), PASS),
        ("aarch64", 64, "arm64", ("debian", "12"), PASS),
        ("aarch64", 32, "armhf", ("debian", "12"), FAIL),
        ("x86_64", 64, "i386", ("debian", "12"), FAIL),
        ("i686", 32, "i386", ("debian", "12"), FAIL),
        ("armv7l", 32, "armhf", ("raspbian", "12"), FAIL),
        ("ppc64le", 64, "ppc64el", ("debian", "12"), FAIL),
        ("aarch64", 64, "aarch64", ("rhel", "7.5"), FAIL),
        ("aarch64", 64, "aarch64", ("rhel", "7.6"), PASS),
        ("aarch64", 64, "aarch64", ("ol", "9.4"), FAIL),
        ("x86_64", 64, "x86_64", ("ol", "9.4"), PASS),
    ],
)
def test_processors(machine: str, bits: int, packages: str, system: tuple[str, str], verdict: Verdict) -> None:
    found = finding(
        architecture_supported.CHECK,
        (kernel.FACT, replace(healthy(kernel.FACT), machine=machine, bits=bits)),
        (package_manager.FACT, PackageManager(("deb",), packages)),
        (operating_system.FACT, OperatingSystem(*system, name="a system")),
    )
    assert found.status is verdict


@pytest.mark.parametrize(
    ("system", "release", "verdict"),
    [
        ("Linux", "3.2.0-4-amd64", PASS),
        ("Linux", "3.10.0-1160.el7.x86_64", PASS),
        ("Linux", "2.6.32-754.el6.x86_64", FAIL),
        ("Linux", "3.1.9", FAIL),
        ("Linux", "unreadable", UNKNOWN),
        ("FreeBSD", "14.1-RELEASE", FAIL),
    ],
)
def test_kernels(system: str, release: str, verdict: Verdict) -> None:
    changed = replace(healthy(kernel.FACT), system=system, release=release)
    assert finding(kernel_supported.CHECK, (kernel.FACT, changed)).status is verdict


@pytest.mark.parametrize(
    ("init", "verdict"),
    [
        (InitSystem("systemd", "252"), PASS),
        (InitSystem("upstart"), WARN),
        (InitSystem("sysvinit", has_scripts=True), WARN),
        (InitSystem("tini", has_scripts=True), WARN),
        (InitSystem("tini"), FAIL),
    ],
)
def test_what_starts_services(init: InitSystem, verdict: Verdict) -> None:
    assert finding(init_system_supported.CHECK, (init_system.FACT, init)).status is verdict


def test_why_an_account_is_not_root_is_what_the_connection_says() -> None:
    def judged(refusal: Refusal | None) -> Finding:
        plain = Privilege(1001, "deploy", ("deploy",), has_sudo=True, refusal=refusal)
        return finding(privilege_sufficient.CHECK, (privilege.FACT, plain))

    assert finding(privilege_sufficient.CHECK, (privilege.FACT, Privilege(0, "root"))).status is PASS
    found = judged(Refusal("The account may not act as root", "sudo does not allow it", "Allow it"))
    assert (found.status, found.summary, found.remedy) == (FAIL, "the account may not act as root", "Allow it")
    assert found.evidence == "sudo does not allow it; uid 1001 (deploy), groups deploy"
    untried = judged(Refusal("The password of deploy was not tried", "web-1 refused it", "Correct it", tried=False))
    assert (untried.status, untried.remedy) == (UNKNOWN, "Correct it")
    assert "The password of deploy was not tried" in untried.summary
    assert "web-1 refused it" in untried.evidence
    elsewhere = judged(None)
    assert (elsewhere.status, "runas_default" in elsewhere.remedy) == (FAIL, True)


@pytest.mark.parametrize(
    ("manager", "verdict", "summary"),
    [
        (PackageManager(("rpm",)), PASS, "the package manager is free"),
        (PackageManager(("snap",)), FAIL, "neither dpkg nor rpm is installed"),
        (PackageManager(), FAIL, "neither dpkg nor rpm is installed"),
        (PackageManager(("deb",), interrupted=True), FAIL, "dpkg was interrupted and a package is half installed"),
        (
            PackageManager(("deb",), locks=(Lock("/var/lib/dpkg/lock", "7", "apt"),)),
            WARN,
            "the package manager is busy",
        ),
        # A dpkg that is at work has unfinished work, too.
        (
            PackageManager(("deb",), locks=(Lock("/var/lib/dpkg/lock", "7", "dpkg"),), interrupted=True),
            WARN,
            "the package manager is busy",
        ),
        (
            PackageManager(("deb", "rpm"), locks=(Lock("/var/lib/rpm/.rpm.lock", "7", "rpm"),), interrupted=True),
            FAIL,
            "dpkg was interrupted and a package is half installed",
        ),
    ],
)
def test_package_managers(manager: PackageManager, verdict: Verdict, summary: str) -> None:
    found = finding(package_manager_usable.CHECK, (package_manager.FACT, manager))
    assert (found.status, found.summary) == (verdict, summary)


def test_room_is_summed_up_for_each_file_system() -> None:
    def judged(*changes: Any, **places: Place) -> tuple[Verdict, str]:
        found = finding(disk_space_sufficient.CHECK, (disk_space.FACT, disk(**places)), *changes)
        return found.status, found.summary

    assert judged() == (PASS, "there is enough space for the agent")
    small = {"amazon": place("/var/lib/amazon", 120, mounted_on="/var")}
    assert judged(**small)[0] is PASS
    small["log"] = place("/var/log", 120, mounted_on="/var")
    assert judged(**small) == (FAIL, "not enough space on /var")
    assert judged((agent.FACT, agent.Agent(binaries=("/usr/bin/amazon-ssm-agent",))), **small)[0] is PASS
    assert judged(bin=Place("/usr/bin", None, (), ""))[0] is UNKNOWN
    assert judged((agent.FACT, "late"))[0] is PASS
    status, summary = judged((agent.FACT, "late"), **small)
    assert (status, "if the agent is already installed" in summary) == (UNKNOWN, True)
    small["log"] = place("/var/log", 5, mounted_on="/var")
    assert judged((agent.FACT, "late"), **small) == (FAIL, "not enough space on /var")


def test_mounts_that_bar_the_agent() -> None:
    noexec = place("/var/lib/amazon", options="rw,noexec", mounted_on="/var")
    read_only = place("/usr/bin", options="ro,relatime", mounted_on="/usr")
    untold = Place("/etc", 1, (), "")

    found = finding(agent_paths_executable.CHECK, (disk_space.FACT, disk(amazon=noexec)))
    assert (found.status, found.summary) == (FAIL, "/var is mounted noexec")
    assert "mount -o remount,exec /var" in found.remedy
    found = finding(agent_paths_writable.CHECK, (disk_space.FACT, disk(bin=read_only)))
    assert (found.status, found.summary) == (FAIL, "/usr is mounted read-only")
    assert finding(agent_paths_executable.CHECK, (disk_space.FACT, disk(bin=read_only))).status is PASS
    assert finding(agent_paths_writable.CHECK, (disk_space.FACT, disk(amazon=noexec))).status is PASS
    assert finding(agent_paths_writable.CHECK, (disk_space.FACT, disk(etc=untold))).status is UNKNOWN
    both = finding(agent_paths_writable.CHECK, (disk_space.FACT, disk(bin=read_only, etc=untold)))
    assert (both.status, both.evidence.count(" on ")) == (FAIL, 4), "what was told is not lost with what was not"
    log = place("/var/log", options="rw,noexec", mounted_on="/var/log")  # usual, and harmless
    assert finding(agent_paths_executable.CHECK, (disk_space.FACT, disk(log=log))).status is PASS


def test_remedies_do_not_tell_servers_apart() -> None:
    """Equal causes are grouped by summary and remedy, so what is one server's own belongs into the evidence."""
    first, second = (
        package_manager_usable.CHECK.judge(
            server((package_manager.FACT, PackageManager(("deb",), locks=(Lock("/l", pid, name),)))), *_where()
        )
        for pid, name in (("1", "apt"), ("2", "dpkg"))
    )
    assert first is not None
    assert second is not None
    assert (first.summary, first.remedy) == (second.summary, second.remedy)
    assert first.evidence != second.evidence


def _where() -> tuple[Any, Any]:
    from servers import CONTEXT, HOST

    return HOST, CONTEXT


def test_a_damaged_rpm_database_fails_with_the_way_to_mend_it() -> None:
    damaged = package_manager.PackageManager(
        ("rpm",), "x86_64", ("dnf",), damage="rpmdb: BDB0113 Thread/process failed"
    )
    found = finding(package_manager_usable.CHECK, (package_manager.FACT, damaged))
    assert found.status is Verdict.FAIL
    assert "BDB0113" in found.evidence
    assert "sudo rpm --rebuilddb" in found.words.commands


@pytest.mark.parametrize(
    ("free", "status"), [(None, Verdict.PASS), (499, Verdict.FAIL), (0, Verdict.FAIL), (500, Verdict.PASS)]
)
def test_a_file_system_without_free_inodes_fails(free: int | None, status: Verdict) -> None:
    full = replace(place("/var/lib/amazon", mounted_on="/var"), free_inodes=free)
    found = finding(disk_space_sufficient.CHECK, (disk_space.FACT, disk(amazon=full)))
    assert found.status is status
    if status is Verdict.FAIL:
        assert "/var" in found.summary
        assert f"{free} inodes free" in found.evidence
        assert "--inodes /var" in found.words.commands[0]


@pytest.mark.parametrize(
    ("used", "limit", "status"), [(9, 128, PASS), (120, 128, PASS), (121, 128, WARN), (500, 128, WARN), (0, None, PASS)]
)
def test_inotify_instances(used: int, limit: int | None, status: Verdict) -> None:
    found = finding(inotify_instances_free.CHECK, (inotify.FACT, inotify.Inotify(limit, used)))
    assert found.status is status
    if status is WARN:
        assert str(max(0, 128 - used)) in found.summary
        assert "max_user_instances = 1024" in found.words.commands[0]


def test_sudos_records_of_input_are_a_warning_that_says_where_they_are() -> None:
    recorded = sudo_logging.SudoLogging(("log_input",), "/srv/sudo-io")
    found = finding(input_not_recorded.CHECK, (sudo_logging.FACT, recorded))
    assert (found.status, "activation code" in found.summary) == (WARN, True)
    assert "/srv/sudo-io" in found.remedy
    assert "log_input" in found.evidence
