"""The stand-in agent's packages, read by dpkg-deb and rpm, and their signatures, checked by another implementation."""

import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from onboard.practice.packages import AFTER_INSTALL, BEFORE_REMOVAL, agent_source, build_deb, build_rpm
from onboard.practice.signing import USER_ID, SigningKey

VERSION = "3.3.4851.0"
INSTALLED = {
    "/etc/amazon/ssm/amazon-ssm-agent.json.template": 0o644,
    "/etc/init.d/amazon-ssm-agent": 0o755,
    "/lib/systemd/system/amazon-ssm-agent.service": 0o644,
    "/usr/bin/amazon-ssm-agent": 0o755,
}


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}")
    return found


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    path = tmp_path / "amazon-ssm-agent.deb"
    path.write_bytes(build_deb(VERSION, "amd64"))
    return path


@pytest.fixture
def rpm(tmp_path: Path) -> Path:
    path = tmp_path / "amazon-ssm-agent.rpm"
    path.write_bytes(build_rpm(VERSION, "amd64"))
    return path


@pytest.mark.parametrize("build", [build_deb, build_rpm])
def test_the_bytes_are_the_same_every_time(build: object) -> None:
    assert callable(build)
    assert build(VERSION, "amd64") == build(VERSION, "amd64") != build(VERSION, "arm64")


def test_the_program_names_the_packages_version() -> None:
    assert b'AGENT_VERSION = "3.3.4624.0"' in agent_source("3.3.4624.0")
    assert agent_source(VERSION).startswith(b"#!/usr/bin/python3\n")


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_dpkg_reads_the_deb(tmp_path: Path, architecture: str) -> None:
    dpkg = needs("dpkg-deb")
    path = tmp_path / "agent.deb"
    path.write_bytes(build_deb(VERSION, architecture))
    shown = output(dpkg, "--show", "--showformat=${Package} ${Version} ${Architecture} ${Depends}", str(path))
    assert shown == f"amazon-ssm-agent {VERSION}-1 {architecture} python3"


def test_dpkg_unpacks_the_deb_with_modes_and_scripts(tmp_path: Path, deb: Path) -> None:
    dpkg = needs("dpkg-deb")
    output(dpkg, "--raw-extract", str(deb), str(tmp_path / "root"))
    for path, mode in INSTALLED.items():
        assert (tmp_path / "root" / path.lstrip("/")).stat().st_mode & 0o777 == mode, path
    assert (tmp_path / "root/usr/bin/amazon-ssm-agent").read_bytes() == agent_source(VERSION)
    assert sorted(path.name for path in (tmp_path / "root/DEBIAN").iterdir()) == [
        "control",
        "md5sums",
        "postinst",
        "prerm",
    ]
    for script in ("postinst", "prerm"):
        output("/bin/sh", "-n", str(tmp_path / "root/DEBIAN" / script))
    sums = (tmp_path / "root/DEBIAN/md5sums").read_text()
    done = subprocess.run(
        [needs("md5sum"), "--check", "--strict"],
        input=sums,
        cwd=tmp_path / "root",
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done


def test_dpkg_installs_and_removes_the_deb_in_a_root_of_its_own(tmp_path: Path, deb: Path) -> None:
    dpkg = needs("dpkg")
    if os.geteuid() != 0:
        pytest.skip("needs root: dpkg --instdir")
    root, admin = tmp_path / "root", tmp_path / "admin"
    for folder in (root, admin / "info", admin / "updates", admin / "triggers"):
        folder.mkdir(parents=True)
    (admin / "status").touch()
    (admin / "available").touch()
    # Without chroot the scripts run here: so that they find no systemd to speak to, they are not run at all.
    bare = tmp_path / "bare"
    output("dpkg-deb", "--raw-extract", str(deb), str(bare))
    for script in ("postinst", "prerm"):
        (bare / "DEBIAN" / script).unlink()
    output("dpkg-deb", "--root-owner-group", "--build", str(bare), str(tmp_path / "bare.deb"))
    options = [f"--instdir={root}", f"--admindir={admin}", "--force-depends", "--force-not-root", "--log=/dev/null"]
    output(dpkg, *options, "--install", str(tmp_path / "bare.deb"))
    assert (root / "usr/bin/amazon-ssm-agent").read_bytes() == agent_source(VERSION)
    output(dpkg, *options, "--remove", "amazon-ssm-agent")
    assert not (root / "usr/bin/amazon-ssm-agent").exists()


@pytest.mark.parametrize(
    ("script", "argument", "expected"),
    [
        (AFTER_INSTALL, "configure", ["daemon-reload", "enable", "restart"]),
        (BEFORE_REMOVAL, "remove", ["stop", "disable"]),
        (BEFORE_REMOVAL, "0", ["stop", "disable"]),
        (BEFORE_REMOVAL, "1", []),
    ],
)
def test_the_scripts_ask_systemd_where_it_runs(tmp_path: Path, script: str, argument: str, expected: list[str]) -> None:
    log, tools, systemd = tmp_path / "log", tmp_path / "bin", tmp_path / "systemd"
    tools.mkdir()
    (tools / "systemctl").write_text(f'#!/bin/sh\necho "$1" >>"{log}"\n')
    (tools / "systemctl").chmod(0o755)
    text = script.replace("/run/systemd/system", str(systemd)).replace("/etc/init.d", str(tmp_path))
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    command = ["/bin/sh", "-c", text, "script", argument]
    subprocess.run(command, env=environment, check=True)
    assert not log.exists()
    systemd.mkdir()
    subprocess.run(command, env=environment, check=True)
    assert (log.read_text().split() if log.exists() else []) == expected


@pytest.mark.parametrize(("architecture", "named"), [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_rpm_reads_the_rpm_and_finds_its_digests_right(tmp_path: Path, architecture: str, named: str) -> None:
    rpm = needs("rpm")
    path = tmp_path / "agent.rpm"
    path.write_bytes(build_rpm(VERSION, architecture))
    shown = output(rpm, "-qp", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{SIZE}", str(path))
    assert shown.split()[:3] == ["amazon-ssm-agent", f"{VERSION}-1", named]
    checked = output(rpm, "--checksig", "--verbose", str(path)).splitlines()[1:]
    assert len(checked) == 4
    assert all(line.endswith("OK") for line in checked)
    listed = output(rpm, "-qpl", str(path)).split()
    assert INSTALLED.keys() < set(listed)


def test_rpm_sees_a_changed_byte(tmp_path: Path, rpm: Path) -> None:
    program = needs("rpm")
    data = bytearray(rpm.read_bytes())
    data[-100] ^= 1
    (tmp_path / "changed.rpm").write_bytes(data)
    done = subprocess.run(
        [program, "--checksig", str(tmp_path / "changed.rpm")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0


def test_rpm_installs_verifies_and_removes_it(tmp_path: Path, rpm: Path) -> None:
    program = needs("rpm")
    if os.geteuid() != 0:
        pytest.skip("needs root: rpm --root")
    root = tmp_path / "root"
    root.mkdir()
    here = [program, f"--root={root}"]
    output(*here, "--install", "--noscripts", "--ignorearch", str(rpm))
    for path, mode in INSTALLED.items():
        assert (root / path.lstrip("/")).stat().st_mode & 0o777 == mode, path
    assert (root / "usr/bin/amazon-ssm-agent").read_bytes() == agent_source(VERSION)
    assert (root / "var/lib/amazon/ssm").stat().st_mode & 0o777 == 0o700
    output(*here, "--verify", "--noscripts", "amazon-ssm-agent")
    output(*here, "--erase", "--noscripts", "amazon-ssm-agent")
    assert not (root / "usr/bin/amazon-ssm-agent").exists()


def test_both_packages_carry_the_same_files(tmp_path: Path, deb: Path, rpm: Path) -> None:
    data = subprocess.run([needs("dpkg-deb"), "--fsys-tarfile", str(deb)], capture_output=True, check=True).stdout
    (tmp_path / "data.tar").write_bytes(data)
    with tarfile.open(tmp_path / "data.tar") as archive:
        in_deb = {member.name.lstrip("."): member.size for member in archive if member.isfile()}
    queried = output(needs("rpm"), "-qp", "--queryformat", "[%{FILENAMES} %{FILESIZES} %{FILEMODES:perms}\n]", str(rpm))
    rows = [line.split() for line in queried.splitlines()]
    assert {name: int(size) for name, size, mode in rows if mode.startswith("-")} == in_deb


def test_another_implementation_accepts_the_signature_and_no_other(deb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sequoia = pytest.importorskip("pysequoia", reason="needs pysequoia")
    key = SigningKey.generate()
    package = deb.read_bytes()
    now = time.time()
    with monkeypatch.context() as earlier:
        # The certificate is written after the package was signed, and must vouch for the signature nevertheless.
        earlier.setattr("time.time", lambda: now - 30)
        signature = key.sign(package)
    certificate = sequoia.Cert.from_bytes(key.public_key().encode())
    assert [str(user_id) for user_id in certificate.user_ids] == [USER_ID]
    assert certificate.fingerprint.upper() == key.fingerprint
    parsed = sequoia.Sig.from_bytes(signature)
    assert parsed.issuer_fingerprint.upper() == key.fingerprint
    assert parsed.hash_algorithm == sequoia.packet.HashAlgorithm.SHA256

    def signers(data: bytes, signed_with: bytes) -> list[str]:
        checked = sequoia.verify(
            bytes=data, store=lambda _: [certificate], signature=sequoia.Sig.from_bytes(signed_with)
        )
        return [found.certificate.upper() for found in checked.valid_sigs]

    assert signers(package, signature) == [key.fingerprint]
    with pytest.raises(Exception, match=r"(?i)signature|hash|digest"):
        signers(package + b"!", signature)
    with pytest.raises(Exception, match=r"(?i)signature|key|digest"):
        signers(package, SigningKey.generate().sign(package))


def test_every_practice_has_a_key_of_its_own() -> None:
    one, two = SigningKey.generate(), SigningKey.generate()
    assert one.fingerprint != two.fingerprint
    assert "PRIVATE" not in one.public_key()
    assert "Onboard practice" in USER_ID
