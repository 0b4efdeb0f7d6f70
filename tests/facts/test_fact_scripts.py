"""The scripts themselves, on real files and processes. Those that look at the system's own folders are given others."""

import base64
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import certifi
import pytest
from posix_shells import SHELLS, script_of, shell, tools

from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.facts.base import Answer, Fact
from onboard.facts.catalog import facts_of
from onboard.facts.posix import (
    agent,
    changes_pending,
    disk_space,
    inotify,
    name_resolution,
    package_manager,
    privilege,
    proxy_in_force,
    registration,
    root_credentials,
    sudo_logging,
)
from onboard.facts.posix import root_certificates as roots
from onboard.facts.posix.root_credentials import KeyKind
from onboard.model.family import Family

FACTS = facts_of(Family.POSIX)

T = TypeVar("T")
MARKS = " ".join(root.mark for root in AMAZON_ROOTS)
LOOK_ALIKE = "2ce1cb0bf9d2f9e102993fbe215152c3b2dd0cabde1c68e5319b839154dbb7f5"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Stands for the folder / of a server."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def put(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def output(fact: Fact[Any], root: Path | None = None, shell_name: str = "dash", **variables: str) -> str:
    script = script_of(fact.name)
    if root is not None:
        script = re.sub(r"(?<![\w}/.$])/(etc|usr|var|snap|run|lib|root)/", rf"{root}/\1/", script)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", **variables}
    done = subprocess.run(
        shell(shell_name), input=script, capture_output=True, text=True, env=environment, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def learned(fact: Fact[T], root: Path | None = None, shell_name: str = "dash", **variables: str) -> T:
    return fact.parse(Answer(output(fact, root, shell_name, **variables)))


def test_shellcheck_has_nothing_to_say() -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("needs shellcheck")
    folder = Path(__file__).parent.parent.parent / "resources/scripts/posix"
    scripts = sorted(str(path) for path in (folder / "facts").glob("*.sh"))
    subprocess.run([program, "--shell=sh", *scripts, str(folder / "facts_bundle.sh")], check=True)


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
def test_every_script_runs_by_hand_under_every_shell_and_without_tools(shell_name: str, tmp_path: Path) -> None:
    path = tools(
        tmp_path / "bin", "curl", "openssl", "python", "timeout", "setsid", "sha256sum", "getconf", "systemctl"
    )
    for fact in FACTS:
        variables = {"PATH": path, "ONBOARD_ENDPOINTS": "ssm http://127.0.0.1:9"}
        told = learned(fact, None, shell_name, **variables)
        if fact.name not in (
            "agent",
            "clock",
            "disk_space",
            "endpoint_reach",
            "inotify",
            "package_manager",
        ):  # the world moves on
            assert told == learned(fact, **variables)


# root_certificates


def pem(names: str = "", width: int = 64, end: str = "\n", kind: str = "CERTIFICATE") -> str:
    """A bundle of others' roots and of Amazon's whose files' names hold one of `names`."""
    wanted = [root for root in AMAZON_ROOTS if any(name in root.file for name in names.split())]
    ders = [ssl.PEM_cert_to_DER_cert(root.pem) for root in wanted]
    text = ""
    for der in ders:
        body = base64.b64encode(der).decode()
        lines = [body[at : at + width] for at in range(0, len(body), width)]
        text += end.join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])
    return text


def mozilla() -> dict[str, str]:
    """SHA-256 of DER → PEM of all roots that certifi ships."""
    blocks = re.findall(
        r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", Path(certifi.where()).read_text(), re.DOTALL
    )
    return {hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest(): block for block in blocks}


def found_roots(root: Path, shell_name: str = "dash", **variables: str) -> set[str]:
    told = learned(roots.FACT, root, shell_name, **{"ONBOARD_ROOTS": MARKS, **variables})
    return {found.file.removesuffix(".pem") for found in told.amazon}


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
@pytest.mark.parametrize(("width", "end"), [(64, "\n"), (76, "\r\n"), (4096, "\n")])
def test_roots_are_found_in_bundles_of_any_make(root: Path, shell_name: str, width: int, end: str) -> None:
    put(root / "etc/pki/tls/certs/ca-bundle.crt", "# comment\n" + pem("CA1 CA3 G2", width, end))
    assert found_roots(root, shell_name) == {"AmazonRootCA1", "AmazonRootCA3", "SFSRootCAG2"}


def test_all_of_a_real_bundle_are_counted_and_only_the_wanted_printed(root: Path) -> None:
    put(root / "etc/ssl/certs/ca-certificates.crt", Path(certifi.where()).read_text())
    told = learned(roots.FACT, root, ONBOARD_ROOTS=MARKS)
    assert told.count == len(mozilla())
    assert set(told.sha256) == {known.sha256 for known in AMAZON_ROOTS}
    assert told.bundle == f"{root}/etc/ssl/certs/ca-certificates.crt"
    assert set(learned(roots.FACT, root).sha256) == set(mozilla())


def test_the_look_alike_and_trusted_blocks_are_not_amazons(root: Path) -> None:
    put(root / "etc/ssl/certs/ca-certificates.crt", mozilla()[LOOK_ALIKE] + pem("CA1", kind="TRUSTED CERTIFICATE"))
    assert found_roots(root) == set()
    assert set(learned(roots.FACT, root).sha256) == {LOOK_ALIKE}


def test_a_forged_certificate_with_a_roots_stretch_is_not_that_root(root: Path) -> None:
    forged = pem("CA1").replace("MIIDQTCC", "MIIDQTCD")
    put(root / "etc/ssl/certs/ca-certificates.crt", forged)
    told = learned(roots.FACT, root, ONBOARD_ROOTS=MARKS)
    assert len(told.sha256) == 1
    assert told.amazon == ()


def test_the_first_bundle_and_every_folder_are_read_as_go_does(root: Path) -> None:
    put(root / "etc/ssl/certs/ca-certificates.crt", pem("CA1"))
    put(root / "etc/ssl/ca-bundle.pem", pem("CA4"))  # second in Go's list: not read
    put(root / "etc/pki/tls/certs/own ca.crt", pem("CA2"))
    assert found_roots(root) == {"AmazonRootCA1", "AmazonRootCA2"}
    told = learned(roots.FACT, root, ONBOARD_ROOTS=MARKS)
    assert told.count == 1


def test_a_server_without_any_bundle_says_so(root: Path) -> None:
    assert learned(roots.FACT, root, ONBOARD_ROOTS=MARKS) == roots.RootCertificates("", 0, ())


def test_the_agents_own_settings_of_bundle_and_folder_are_followed(root: Path) -> None:
    put(root / "etc/ssl/certs/ca-certificates.crt", pem("CA1"))
    put(root / "opt/private.pem", pem("CA2"))
    put(root / "opt/more/one.pem", pem("CA3"))
    drop_in = f'[Service]\nEnvironment="SSL_CERT_FILE={root}/opt/private.pem" SSL_CERT_DIR={root}/opt/more\n'
    put(root / "etc/systemd/system/amazon-ssm-agent.service.d/ca.conf", drop_in)
    assert found_roots(root) == {"AmazonRootCA2", "AmazonRootCA3"}


# proxy_in_force


def test_proxies_are_found_in_every_place_without_their_passwords(root: Path) -> None:
    put(
        root / "etc/environment",
        'PATH="/bin"\nHTTPS_PROXY="http://bob:t0psecret@10.0.0.1:1"\n#http_proxy=http://no:1\n',
    )
    put(root / "etc/systemd/system.conf", '[Manager]\n#DefaultEnvironment="https_proxy=http://no:1"\n')
    put(root / "etc/systemd/system.conf.d/p.conf", '[Manager]\nDefaultEnvironment="https_proxy=http://10.0.0.2:2"\n')
    content = (
        '[Service]\nEnvironment="http_proxy=http://al:t0psecret@10.0.0.3:3" "https_proxy=http://10.0.0.3:3"\n'
        'Environment="no_proxy=10.0.0.9,169.254.169.254"'
    )
    conf = put(root / "etc/systemd/system/amazon-ssm-agent.service.d/override.conf", content)
    printed = output(proxy_in_force.FACT, root, https_proxy="http://eve:t0psecret@10.0.0.4:4", no_proxy="localhost")
    assert "t0psecret" not in printed
    told = proxy_in_force.FACT.parse(Answer(printed))
    assert told.login == {"https_proxy": "http://10.0.0.4:4", "no_proxy": "localhost"}
    assert told.machine == {"https_proxy": "http://10.0.0.1:1"}
    assert told.services == {"https_proxy": "http://10.0.0.2:2"}
    assert told.agent == {
        "http_proxy": "http://10.0.0.3:3",
        "https_proxy": "http://10.0.0.3:3",
        "no_proxy": "10.0.0.9,169.254.169.254",
    }
    assert told.of_agent == "http://10.0.0.3:3"
    assert told.of_people == "http://10.0.0.4:4"
    assert [(found.path, found.sha256) for found in told.drop_ins] == [
        (str(conf), hashlib.sha256(content.encode()).hexdigest())
    ]
    assert told.drop_ins[0].content == content.replace("al:t0psecret@", "")


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://bob:t0p@secret@10.0.0.1:1", "http://10.0.0.1:1"),
        ("http://bob:t0p/secret@10.0.0.1:1", "http://10.0.0.1:1"),
        ("bob:t0psecret@10.0.0.1:1", "10.0.0.1:1"),
        ("10.0.0.1:1", "10.0.0.1:1"),
    ],
)
def test_a_password_is_left_out_however_it_is_written(root: Path, given: str, shown: str, shell_name: str) -> None:
    put(root / "etc/environment", f"https_proxy='{given}'\n")
    lines = f'[Service]\nEnvironment="https_proxy={given}" http_proxy={given} no_proxy=10.0.0.9\n'
    put(root / "etc/systemd/system/amazon-ssm-agent.service.d/override.conf", lines)
    printed = output(proxy_in_force.FACT, root, shell_name, HTTPS_PROXY=given)
    assert "secret" not in printed
    told = proxy_in_force.FACT.parse(Answer(printed))
    assert told.login == told.machine == {"https_proxy": shown}
    assert told.agent == {"https_proxy": shown, "http_proxy": shown, "no_proxy": "10.0.0.9"}
    assert told.drop_ins[0].content == lines.replace(given, shown).rstrip()


def test_a_password_that_a_script_left_in_is_left_out() -> None:
    for given in ("http://bob:t0p@secret@10.0.0.1:1", "http://bob:t0p/secret@10.0.0.1:1"):
        lines = (
            f"login HTTPS_PROXY {given}",
            "drop_in /x -",
            f'| Environment="https_proxy={given}"',
            f"| # not {given}",
        )
        assert "secret" not in str(proxy_in_force.FACT.parse(Answer("\n".join((*lines, "asked all")))))
    lines = ("agent https_proxy bob:t0psecret@10.0.0.1:1", "drop_in /x -", "| https_proxy='bob:t0psecret@10.0.0.1:1'")
    assert "secret" not in str(proxy_in_force.FACT.parse(Answer("\n".join((*lines, "asked all")))))


# agent, registration


def fake(folder: Path, programs: Mapping[str, str]) -> str:
    """A PATH that begins with these programs."""
    for name, body in programs.items():
        put(folder / name, f"#!/bin/sh\n{body}\n").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_an_installed_agent_is_told_with_its_service_and_settings(root: Path) -> None:
    put(root / "usr/bin/amazon-ssm-agent")
    put(root / "etc/amazon/ssm/amazon-ssm-agent.json.template", "{}")
    put(root / "etc/amazon/ssm/amazon-ssm-agent.json", '{\n "Agent": {"Region": ""}\n}\n')
    put(root / "snap/amazon-ssm-agent/current/meta/snap.yaml", "name: amazon-ssm-agent\nversion: 3.3.987.0\n")
    (root / "run/systemd/system").mkdir(parents=True)
    path = fake(
        root / "fake",
        {
            "dpkg-query": "echo 'package deb 3.3.4851.0-1 install ok installed'",
            "rpm": "echo 'package amazon-ssm-agent is not installed'; exit 1",
            "systemctl": "case $2 in snap*) exit 4 ;; esac\n"
            "case $1 in is-active) echo failed; exit 3 ;; *) echo enabled ;; esac",
        },
    )
    told = learned(agent.FACT, root, PATH=path)
    assert told.packages == (agent.AgentPackage("deb", "3.3.4851.0"), agent.AgentPackage("snap", "3.3.987.0"))
    assert told.binaries == (f"{root}/usr/bin/amazon-ssm-agent",)
    assert told.services == (agent.AgentService("amazon-ssm-agent", "failed", "enabled"),)
    assert told.config == '{\n "Agent": {"Region": ""}\n}\n'.rstrip("\n")
    assert told.template == f"{root}/etc/amazon/ssm/amazon-ssm-agent.json.template"


def test_a_running_agent_is_counted(tmp_path: Path) -> None:
    program = tmp_path / "amazon-ssm-agent"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "300"]) as process:
        try:
            told = learned(agent.FACT)
        finally:
            process.kill()
    assert agent.AgentProcess(process.pid, str(program)) in told.processes


def test_a_registration_is_read_and_its_key_is_not(root: Path) -> None:
    state = root / "var/lib/amazon/ssm"
    put(state / "registration", '{"ManagedInstanceID":"mi-0123456789abcdef0",\n"Region":"eu-central-1"}\n')
    put(state / "Vault/Store/RegistrationKey", "t0psecret")
    printed = output(registration.FACT, root)
    assert "t0psecret" not in printed
    assert registration.FACT.parse(Answer(printed)) == registration.AgentRegistration(
        "mi-0123456789abcdef0", "eu-central-1", has_key=True
    )


# As AWS's agent 3.3.1142.0 leaves its vault.
CLEARED = (
    '{"instanceID":"","region":"","instanceType":"","availabilityZone":"","privateKey":"","publicKey":"",'
    '"privateKeyType":"","privateKeyCreatedDate":"2026-11-29 23:13:35.832203545 +0000 UTC"}'
)
REFUSED = CLEARED.replace('"privateKey":""', '"privateKey":"t0psecret"')


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
@pytest.mark.parametrize("vault", [None, "", CLEARED, REFUSED, CLEARED.replace(":", " :\n ")])
def test_a_registration_that_was_cleared_or_refused_is_none(root: Path, shell_name: str, vault: str | None) -> None:
    state = root / "var/lib/amazon/ssm"
    put(state / "registration", '{"ManagedInstanceID":"mi-0123456789abcdef0","Region":"eu-central-1"}')
    if vault is not None:
        put(state / "Vault/Store/RegistrationKey", vault)
    printed = output(registration.FACT, root, shell_name)
    assert "t0psecret" not in printed
    told = registration.FACT.parse(Answer(printed))
    assert told == registration.AgentRegistration(left_over="mi-0123456789abcdef0")


def test_a_registration_that_only_root_may_read_is_unknown(root: Path) -> None:
    put(root / "var/lib/amazon/ssm/registration", "{}")
    denied(root, "registration", root / "var/lib/amazon/ssm")


def denied(root: Path, fact: str, folder: Path) -> None:
    """The fact's script says that only root may read `folder`."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o600)
    for above in (root, *root.parents):
        if str(above).startswith("/tmp/"):
            above.chmod(0o755)
    script = script_of(fact).replace("/var/lib/", f"{root}/var/lib/")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *shell("dash")]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "root only" in done.stderr


# changes_pending


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
def test_what_onboard_left_under_way_is_named(shell_name: str, root: Path) -> None:
    assert learned(changes_pending.FACT, root, shell_name) == changes_pending.ChangesPending()
    for name in ("configure_agent.undo", "lock", "nonce-1", "odd name.undo"):
        put(root / "var/lib/onboard" / name)
    found = learned(changes_pending.FACT, root, shell_name)
    assert found.files == ("configure_agent.undo", "lock", "nonce-1", "odd name.undo")
    assert found.steps == {"configure_agent"}


def test_records_that_only_root_may_read_are_unknown(root: Path) -> None:
    denied(root, "changes_pending", root / "var/lib/onboard")


# root_credentials


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, KeyKind.NONE),
        ("", KeyKind.NONE),
        ("[other]\naws_access_key_id = AKIAOTHEROTHEROTHERO\naws_secret_access_key = t0psecret\n", KeyKind.NONE),
        ("[other]\r\na = b\r\n[default]\r\naws_access_key_id=AKIAROOTSOWNROOTSOWN\r\nt0psecret", KeyKind.OWN),
        ("[default]\n  aws_access_key_id = ASIAt0psecret\n[other]\naws_access_key_id = AKIAx\n", KeyKind.TEMPORARY),
        ("[default]\n# aws_access_key_id = AKIAx\naws_access_key_id     = ASIAt0psecret", KeyKind.TEMPORARY),
        ("[default]\nsource_profile = x\n[t0psecret]\naws_access_key_id = ASIAx\n", KeyKind.NONE),
        ("\0\\x\n[default]\naws_access_key_id = $(touch /t0psecret)\n", KeyKind.OWN),
    ],
)
def test_the_kind_of_roots_key_is_told_and_the_key_is_not(
    root: Path, shell_name: str, text: str | None, kind: KeyKind
) -> None:
    (root / "root").mkdir()
    if text is not None:
        put(root / "root/.aws/credentials", text)
    printed = output(root_credentials.FACT, root, shell_name)
    assert root_credentials.FACT.parse(Answer(printed)).default is kind
    assert not re.search("t0psecret|AKIA|ASIA", printed)


# disk_space, package_manager, privilege, name_resolution


def disks_seen_from(place: Path, prepare: str, folders: str = "") -> str:
    """What disk_space prints of `place` and `folders`, in a mount namespace where `prepare` has mounted $PLACE."""
    place.mkdir()
    script = script_of("disk_space").replace("/var/lib/amazon /var/log", f'"$PLACE" {folders}')
    done = subprocess.run(
        ["unshare", "-m", *shell("dash")],
        input=f"{prepare} || exit 77\n{script}",
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PLACE": f"{place}"},
        check=False,
    )
    if done.returncode != 0 and not done.stdout:
        pytest.skip("needs to mount: root and unshare")
    return done.stdout


def test_mount_options_are_those_of_the_mount_a_folder_is_on(tmp_path: Path) -> None:
    place = tmp_path / "a disk"
    printed = disks_seen_from(place, 'mount -t tmpfs -o noexec,ro,size=64k none "$PLACE"')
    lines = [line.replace(str(place), "/place", 1) for line in printed.splitlines()]
    told = disk_space.FACT.parse(Answer("\n".join(lines))).at("/place")
    assert told is not None
    assert told.free_kib == 64
    assert {"ro", "noexec"} <= set(told.options)
    assert told.mounted_on == str(place)


def test_free_inodes_are_told(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    prepare = 'mount -t tmpfs -o nr_inodes=20 none "$PLACE" && touch "$PLACE"/1 "$PLACE"/2'
    printed = disks_seen_from(place, prepare, "/proc")
    told = disk_space.FACT.parse(Answer(printed))
    free = {seen.path: seen.free_inodes for seen in told.places}
    assert free[str(place)] == 17  # the folder itself is one
    assert free["/proc"] is None


RPM_DAMAGED = "rpm's database is a file of other content"


def damaged_rpm(root: Path) -> str:
    """A PATH whose rpm is the real one, with a database that is damaged."""
    rpm = shutil.which("rpm")
    if rpm is None:
        pytest.skip("needs rpm")
    put(root / "db/rpmdb.sqlite", RPM_DAMAGED)
    return fake(root / "fake", {"rpm": f'exec {rpm} --dbpath {root}/db "$@"'})


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
def test_a_damaged_rpm_database_does_not_say_that_no_agent_is_installed(root: Path, shell_name: str) -> None:
    path = damaged_rpm(root)
    told = learned(package_manager.FACT, root, "dash", PATH=path)
    assert "database" in told.damage
    environment = {"PATH": path, "LC_ALL": "C"}
    script = script_of("agent")
    done = subprocess.run(shell(shell_name), input=script, capture_output=True, text=True, env=environment, check=False)
    if shell_name != "busybox":  # which takes its own rpm
        assert done.returncode == 1
        assert done.stderr.startswith("rpm cannot say what is installed: error:")
    assert "asked all" not in done.stdout or shell_name == "busybox"


def test_a_damaged_dpkg_database_does_not_say_that_no_agent_is_installed(root: Path) -> None:
    program = shutil.which("dpkg-query")
    if program is None:
        pytest.skip("needs dpkg")
    put(root / "admin/status", "no status\n")
    path = fake(root / "fake", {"dpkg-query": f'exec {program} --admindir={root}/admin "$@"'})
    environment = {"PATH": path, "LC_ALL": "C"}
    script = script_of("agent")
    done = subprocess.run(shell("dash"), input=script, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("dpkg cannot say what is installed: dpkg-query: error: parsing file")


@pytest.mark.parametrize("shell_name", ["busybox", "dash"])
def test_applets_of_busybox_are_no_package_managers(root: Path, shell_name: str) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("needs busybox")
    path = fake(root / "fake", dict.fromkeys(("rpm", "dpkg"), f'exec {busybox} rpm "$@"'))
    assert learned(package_manager.FACT, root, shell_name, PATH=path).formats == ()
    assert learned(agent.FACT, root, shell_name, PATH=path).packages == ()


def test_a_held_lock_names_its_holder(root: Path) -> None:
    path = put(root / "var/lib/dpkg/lock-frontend")
    put(root / "var/lib/dpkg/updates/0001")
    with path.open("w") as file:
        assert learned(package_manager.FACT, root).locks == ()
        fcntl.lockf(file, fcntl.LOCK_EX)
        told = learned(package_manager.FACT, root)
    assert [(lock.file, lock.pid) for lock in told.locks] == [(str(path), str(os.getpid()))]
    assert told.locks[0].program
    assert told.interrupted


def test_a_dpkg_that_ends_meanwhile_was_not_interrupted(root: Path) -> None:
    file = put(root / "var/lib/dpkg/updates/0001")
    path = fake(root / "fake", {"dpkg": "echo amd64", "rpm": f'rm -f "{file}"; echo'})
    told = learned(package_manager.FACT, root, PATH=path)
    assert told.formats == ("deb", "rpm")
    assert not told.interrupted


def test_the_account_is_told() -> None:
    told = learned(privilege.FACT, SUDO_USER="deploy")
    assert told.uid == os.geteuid()
    assert told.sudo_user == "deploy"


@pytest.mark.parametrize("left_out", [(), ("getent",)])
def test_names_are_looked_up_with_what_is_there(tmp_path: Path, left_out: tuple[str, ...]) -> None:
    endpoints = "ssm https://localhost:443/path\ns3 https://127.0.0.1\nec2messages https://no-such-name.invalid:1"
    path = tools(tmp_path / "bin", *left_out)
    told = learned(name_resolution.FACT, PATH=path, ONBOARD_ENDPOINTS=endpoints)
    ssm, s3, ec2messages = told.of("ssm"), told.of("s3"), told.of("ec2messages")
    assert ssm is not None
    assert {"127.0.0.1", "::1"} & set(ssm.addresses)
    assert s3 is not None
    assert s3.addresses == ("127.0.0.1",)
    assert ec2messages is not None
    assert (ec2messages.addresses, ec2messages.error) == ((), "the name is not known here")


@pytest.mark.skipif(shutil.which("rpm") is None, reason="needs rpm")
def test_asking_for_the_agent_makes_no_rpm_database(tmp_path: Path) -> None:
    """Debian's rpm keeps one in each home, and makes it when it is asked anything."""
    script = script_of("agent")
    done = subprocess.run(["/bin/sh"], input=script.encode(), env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


# inotify, sudo_logging


def test_inotify_instances_are_counted_with_their_limit() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: sees all processes")
    before = learned(inotify.FACT)
    libc = ctypes.CDLL(None, use_errno=True)
    opened = [libc.inotify_init1(0) for _ in range(20)]
    try:
        assert min(opened) >= 0
        assert learned(inotify.FACT).used >= 20
    finally:
        for one in opened:
            os.close(one)
    assert before.limit == int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
@pytest.mark.parametrize(
    ("options", "rule", "expected"),
    [
        ("", "ALL=(ALL) ALL", ()),
        ("log_input", "ALL=(ALL) ALL", ("log_input",)),
        ("log_input,iolog_dir=/srv/sudo-io", "ALL=(ALL) ALL", ("log_input",)),
        ("log_output", "ALL=(ALL) ALL", ()),
        ("log_input, !log_input", "ALL=(ALL) ALL", ()),
        ("!log_input, log_input", "ALL=(ALL) ALL", ("log_input",)),
        ("", "ALL=(root) NOPASSWD: LOG_INPUT: ALL", ("LOG_INPUT",)),
        ("", "ALL=(root) NOLOG_INPUT: ALL", ()),
    ],
)
def test_sudos_records_of_input_are_told(
    tmp_path: Path, shell_name: str, options: str, rule: str, expected: tuple[str, ...]
) -> None:
    """Asked of the real sudo, by a sudoers file of the test's own, in a mount namespace."""
    sudo = shutil.which("sudo")
    if os.geteuid() != 0 or sudo is None or shutil.which("unshare") is None:
        pytest.skip("needs root, sudo and unshare")
    sudoers = tmp_path / "sudoers"
    defaults = f"Defaults:nobody {options}\n" if options else ""
    sudoers.write_text(f"root ALL=(ALL:ALL) ALL\n{defaults}nobody {rule}\n")
    sudoers.chmod(0o440)
    script = tmp_path / "script"
    script.write_text(script_of("sudo_logging"))
    command = f"mount --bind {sudoers} /etc/sudoers && exec {' '.join(shell(shell_name))} {script}"
    environment = {"PATH": os.environ["PATH"], "SUDO_USER": "nobody"}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command], capture_output=True, text=True, env=environment, check=False
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("needs to mount")
    assert (done.returncode, done.stderr) == (0, "")
    told = sudo_logging.FACT.parse(Answer(done.stdout))
    assert told.options == expected
    assert told.folder == ("/srv/sudo-io" if "iolog_dir" in options else "/var/log/sudo-io")
