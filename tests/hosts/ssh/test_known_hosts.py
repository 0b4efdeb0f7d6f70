"""known_hosts files, judged beside OpenSSH's own ssh-keygen; and harvesting from a real server."""

import base64
import errno
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from openssh import make_key, needs, openssh

from onboard.hosts.ssh.certificates import check_certificate
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import KnownHosts, Trust, entry_name
from onboard.hosts.ssh.trust import accept_listed, accept_new, harvest
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostUnreachable, OnboardError
from onboard.model.place import Place
from onboard.model.profile import Host

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIjH9V8LEeWsW4ZLCh4tgyXJIJZHgWk4jo7TKlxMGzUo"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGkJt3rcgNVMbqLXUR4zuxm3CV3Q9dDYbW1dTtzRDyXW"
ECDSA = "ecdsa-sha2-nistp256 " + base64.b64encode(
    b"\0\0\0\x13ecdsa-sha2-nistp256" + b"\0\0\0\x08nistp256" + b"\0\0\0\x41\x04" + bytes(64)
).decode()  # fmt: skip


def key(line: str) -> HostKey:
    return HostKey(base64.b64decode(line.split()[1]))


def known(tmp_path: Path, *lines: str) -> KnownHosts:
    path = tmp_path / "hosts"
    path.write_text("".join(f"{line}\n" for line in lines))
    return KnownHosts(None, [path])


def trust(hosts: KnownHosts, address: str, port: int = 22, line: str = ED25519) -> Trust:
    return hosts.expect(Place(address, port)).judge(key(line)).trust


@pytest.mark.parametrize(
    ("names", "address", "port", "expected"),
    [
        ("web1", "web1", 22, Trust.TRUSTED),
        ("web1", "WEB1", 22, Trust.TRUSTED),
        ("Web1", "web1", 22, Trust.TRUSTED),
        ("web1", "web10", 22, Trust.NEW),
        ("web1,10.0.0.1", "10.0.0.1", 22, Trust.TRUSTED),
        ("[web1]:2222", "web1", 2222, Trust.TRUSTED),
        ("[web1]:2222", "web1", 22, Trust.NEW),
        ("[web1]:2222", "web1", 2223, Trust.NEW),
        ("web1", "web1", 2222, Trust.TRUSTED),  # as OpenSSH: "checking without port identifier"
        ("fd00::1", "fd00::1", 22, Trust.TRUSTED),
        ("[fd00::1]:2222", "fd00::1", 2222, Trust.TRUSTED),
        ("*.corp.example", "web1.corp.example", 22, Trust.TRUSTED),
        ("*.corp.example", "corp.example", 22, Trust.NEW),
        ("web?", "web1", 22, Trust.TRUSTED),
        ("web?", "web12", 22, Trust.NEW),
        ("*,!web1", "web1", 22, Trust.NEW),
        ("!web1,*", "web1", 22, Trust.NEW),
        ("*,!web1", "web2", 22, Trust.TRUSTED),
        ("[*]:2222", "web1", 2222, Trust.TRUSTED),
    ],
)
def test_names(tmp_path: Path, names: str, address: str, port: int, expected: Trust) -> None:
    assert trust(known(tmp_path, f"{names} {ED25519}"), address, port) is expected


def test_another_key_is_a_change_and_says_where(tmp_path: Path) -> None:
    hosts = known(tmp_path, "# a comment", "", f"web1 {OTHER} comment")
    verdict = hosts.expect(Place("web1", 22)).judge(key(ED25519))
    assert verdict.trust is Trust.CHANGED
    assert verdict.source == f"{tmp_path}/hosts:3"
    assert key(OTHER).fingerprint in verdict.reason


def test_another_key_for_the_bare_name_says_nothing_about_another_port(tmp_path: Path) -> None:
    assert trust(known(tmp_path, f"web1 {OTHER}"), "web1", 2222) is Trust.NEW


def test_one_of_several_keys_is_enough(tmp_path: Path) -> None:
    assert trust(known(tmp_path, f"web1 {OTHER}", f"web1 {ED25519}"), "web1") is Trust.TRUSTED


def test_a_key_of_a_type_that_is_not_the_known_one_is_a_change(tmp_path: Path) -> None:
    assert trust(known(tmp_path, f"web1 {ED25519}"), "web1", line=ECDSA) is Trust.CHANGED


@pytest.mark.parametrize("names", ["*", "web1", "web*", "[web1]:2222,web1"])
def test_revoked_beats_everything(tmp_path: Path, names: str) -> None:
    hosts = known(tmp_path, f"web1 {ED25519}", f"@revoked {names} {ED25519}", f"web1 {ED25519}")
    verdict = hosts.expect(Place("web1", 22)).judge(key(ED25519))
    assert (verdict.trust, verdict.source) == (Trust.REVOKED, f"{tmp_path}/hosts:2")


def test_revoked_for_the_bare_name_holds_on_every_port(tmp_path: Path) -> None:
    assert trust(known(tmp_path, f"@revoked web1 {ED25519}"), "web1", 2222) is Trust.REVOKED


@pytest.mark.parametrize("port", [22, 2222])
def test_hashed_names_as_openssh_writes_them(tmp_path: Path, port: int) -> None:
    needs("ssh-keygen")
    path = tmp_path / "hosts"
    path.write_text(f"{entry_name(Place('web1', port))} {ED25519}\n{entry_name(Place('web2', port))} {OTHER}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    assert "web1" not in path.read_text()
    hosts = KnownHosts(None, [path])
    assert trust(hosts, "web1", port) is Trust.TRUSTED
    assert trust(hosts, "web2", port) is Trust.CHANGED
    assert trust(hosts, "web3", port) is Trust.NEW
    assert hosts.expect(Place("web1", port)).key_types == ("ssh-ed25519",)


@pytest.mark.parametrize(
    "line",
    [
        "web1",
        "web1 ssh-ed25519",
        "web1 ssh-ed25519 ***",
        f"web1 ssh-rsa {ED25519.split()[1]}",
        f"@unknown web1 {ED25519}",
        "web1 ssh-ed25519 schlüssel",
        f"|1|bad|hash {ED25519}",
        f"|1|AAAA|prüfsumme {ED25519}",
        f"|2|AAAA|AAAA {ED25519}",
        f", {ED25519}",
        "@revoked",
        "\udcff\udcfe",
    ],
)
def test_lines_that_say_nothing_are_passed_over(tmp_path: Path, line: str) -> None:
    path = tmp_path / "hosts"
    path.write_text(f"{line}\nweb2 {ED25519}\n", errors="surrogateescape")
    hosts = KnownHosts(None, [path])
    assert trust(hosts, "web1") is Trust.NEW
    assert trust(hosts, "web2") is Trust.TRUSTED


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_files_of_windows_editors_are_read_from_their_first_line_on(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(f"web1 {ED25519}\r\nweb2 {OTHER}\r\n".encode(encoding))
    hosts = KnownHosts.from_file(path)
    assert (trust(hosts, "web1"), trust(hosts, "web2", line=OTHER)) == (Trust.TRUSTED, Trust.TRUSTED)
    own = KnownHosts(path)
    own.add([(Place("web3", 22), key(ED25519))])
    assert [trust(KnownHosts(path), name) for name in ("web1", "web3")] == [Trust.TRUSTED] * 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"# nothing\n\n", "comments only"),
        (bytes(range(1, 256)), "0 of its"),
        (b"\x7fELF\0\0\0\0web1", "0 of its 1 lines were understood"),
        (b"web1\nweb2 ssh-ed25519\n", "0 of its 2 lines were understood"),
    ],
)
def test_a_supplied_file_that_lists_no_key_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(content)
    with pytest.raises(OnboardError, match="No host key") as caught:
        KnownHosts.from_file(path)
    assert caught.value.where == str(path)
    assert why in caught.value.why
    assert caught.value.remedy


def test_a_users_file_of_which_no_line_is_understood_is_named(tmp_path: Path) -> None:
    hosts = known(tmp_path, "web1", "web2")
    assert hosts.not_understood == ((tmp_path / "hosts", "0 of its 2 lines were understood"),)
    assert known(tmp_path, f"web1 {ED25519}", "web2").not_understood == ()


def test_the_users_files_and_the_applications_own_are_read(tmp_path: Path) -> None:
    ssh = Path.home() / ".ssh"
    ssh.mkdir()
    (ssh / "known_hosts").write_text(f"web1 {ED25519}\n")
    (ssh / "known_hosts2").write_text(f"web2 {ED25519}\n")
    (tmp_path / "known_hosts").write_text(f"web3 {ED25519}\n")
    hosts = KnownHosts.of_this_user(tmp_path)
    assert [trust(hosts, name) for name in ("web1", "web2", "web3")] == [Trust.TRUSTED] * 3
    hosts.add([(Place("web4", 22), key(ED25519))])
    assert "web4" in (tmp_path / "known_hosts").read_text()
    assert "web4" not in (ssh / "known_hosts").read_text()


def test_added_keys_are_trusted_at_once_and_by_the_next_run(tmp_path: Path) -> None:
    own = tmp_path / "known_hosts"
    own.write_text(f"web0 {ED25519}")  # no newline at its end
    hosts = KnownHosts(own)
    hosts.add([(Place("web1", 22), key(ED25519)), (Place("Web2", 2222), key(OTHER))])
    hosts.add([])
    assert own.read_text() == f"web0 {ED25519}\nweb1 {ED25519}\n[web2]:2222 {OTHER}\n"
    assert own.stat().st_mode & 0o077 == 0
    for judged in (hosts, KnownHosts(own)):
        assert trust(judged, "web1") is Trust.TRUSTED
        assert judged.expect(Place("web2", 2222)).judge(key(OTHER)).source == f"{own}:3"


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "known_hosts"
    own.write_bytes(b"# \xff no UTF-8\n")
    hosts = KnownHosts(own)
    hosts.add([(Place("web1", 22), key(ED25519))])
    before = own.read_bytes()
    assert before.startswith(b"# \xff no UTF-8\nweb1 ")

    def full(self: Path, _: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OnboardError, match="No space left") as caught:
        hosts.add([(Place("web2", 22), key(ED25519))])
    assert caught.value.where == str(own)
    assert own.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"known_hosts", "known_hosts.lock"}


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    own = tmp_path / "known_hosts"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: KnownHosts(own).add([(Place(f"web{number}", 22), key(ED25519))]), range(40)))
    assert len(own.read_text().splitlines()) == 40


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX: ssh-keygen")
@pytest.mark.parametrize("key_type", ["ed25519", "ecdsa", "rsa"])
def test_fingerprints_are_ssh_keygens(tmp_path: Path, key_type: str) -> None:
    needs("ssh-keygen")
    public = make_key(tmp_path / "key", key_type).with_suffix(".pub")
    printed = subprocess.run(["ssh-keygen", "-lf", public], check=True, capture_output=True, text=True).stdout
    assert key(public.read_text()).fingerprint == printed.split()[1]
    assert key(public.read_text()).key_type == public.read_text().split()[0]


class TestCertificates:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Path:
        needs("ssh-keygen")
        return make_key(tmp_path / "authority")

    def certificate(self, authority: Path, key_type: str = "ed25519", *options: str) -> HostKey:
        path = make_key(authority.parent / f"host{len(list(authority.parent.iterdir()))}", key_type)
        command = [
            "ssh-keygen",
            "-q",
            "-s",
            str(authority),
            "-I",
            "id",
            *(options or ("-h", "-n", "web1")),
            f"{path}.pub",
        ]
        subprocess.run(command, check=True)
        return key(path.with_name(path.name + "-cert.pub").read_text())

    def judge(self, tmp_path: Path, authority: Path, certificate: HostKey, *lines: str) -> tuple[Trust, str]:
        line = f"@cert-authority *web* {authority.with_suffix('.pub').read_text().strip()}"
        verdict = known(tmp_path, line, *lines).expect(Place("web1", 22)).judge(certificate)
        return verdict.trust, verdict.reason

    @pytest.mark.parametrize("key_type", ["ed25519", "ecdsa", "rsa"])
    def test_a_good_one_is_trusted(self, tmp_path: Path, authority: Path, key_type: str) -> None:
        assert self.judge(tmp_path, authority, self.certificate(authority, key_type)) == (Trust.TRUSTED, "")

    @pytest.mark.parametrize("key_type", ["ecdsa", "rsa"])
    def test_authorities_of_every_type(self, tmp_path: Path, key_type: str) -> None:
        authority = make_key(tmp_path / "authority", key_type)
        assert self.judge(tmp_path, authority, self.certificate(authority)) == (Trust.TRUSTED, "")

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (("-h", "-n", "web2"), "does not name web1"),
            (("-h",), "does not name web1"),
            (("-n", "web1"), "not for hosts"),
            (("-h", "-n", "web1", "-V", "20200101:20200102"), "not valid at this time"),
            (("-h", "-n", "web1", "-V", "+1d:+2d"), "not valid at this time"),
            (("-h", "-n", "web1", "-O", "critical:x=y"), "critical options"),
        ],
    )
    def test_a_bad_one_is_not(self, tmp_path: Path, authority: Path, options: tuple[str, ...], reason: str) -> None:
        trust, told = self.judge(tmp_path, authority, self.certificate(authority, "ed25519", *options))
        assert trust is Trust.NEW
        assert reason in told

    def test_wildcard_principals(self, tmp_path: Path, authority: Path) -> None:
        certificate = self.certificate(authority, "ed25519", "-h", "-n", "db1,WEB?")
        assert self.judge(tmp_path, authority, certificate)[0] is Trust.TRUSTED

    def test_a_sha1_signature_is_not_trusted(self, tmp_path: Path) -> None:
        authority = make_key(tmp_path / "authority", "rsa")
        certificate = self.certificate(authority, "ed25519", "-h", "-n", "web1", "-t", "ssh-rsa")
        assert "SHA-1" in self.judge(tmp_path, authority, certificate)[1]

    def test_a_forged_one_is_not(self, tmp_path: Path, authority: Path) -> None:
        good = self.certificate(authority)
        forged = HostKey(good.blob.replace(b"web1", b"web2"))
        assert check_certificate(forged.blob, "web2").problem == "its signature is wrong"

    def test_another_authority_is_not(self, tmp_path: Path, authority: Path) -> None:
        certificate = self.certificate(authority)
        other = make_key(tmp_path / "other")
        trust, told = self.judge(tmp_path, other, certificate)
        assert (trust, "not trusted for this server" in told) == (Trust.NEW, True)

    def test_a_revoked_authority_or_key_is_refused(self, tmp_path: Path, authority: Path) -> None:
        certificate = self.certificate(authority)
        for line in (authority.with_suffix(".pub").read_text(), openssh_line(certificate.without_certificate())):
            assert self.judge(tmp_path, authority, certificate, f"@revoked * {line}")[0] is Trust.REVOKED

    def test_the_plain_key_may_be_known_instead(self, tmp_path: Path, authority: Path) -> None:
        certificate = self.certificate(authority, "ed25519", "-h", "-n", "elsewhere")
        plain = certificate.without_certificate()
        assert self.judge(tmp_path, authority, certificate, f"web1 {openssh_line(plain)}")[0] is Trust.TRUSTED
        assert self.judge(tmp_path, authority, certificate, f"web1 {OTHER}")[0] is Trust.CHANGED

    @pytest.mark.parametrize("cut", [20, 40, 60, 100, 200])
    def test_garbage_is_not_trusted(self, tmp_path: Path, authority: Path, cut: int) -> None:
        broken = self.certificate(authority).blob[:cut]
        assert check_certificate(broken, "web1").problem is not None


def openssh_line(host_key: HostKey) -> str:
    return f"{host_key.key_type} {base64.b64encode(host_key.blob).decode()}"


class TestHarvest:
    """Host keys of a real server."""

    def test_every_type_is_shown_without_logging_in(self, tmp_path: Path) -> None:
        with openssh(tmp_path, key_types=("ed25519", "ecdsa", "rsa")) as server:
            hosts = KnownHosts(tmp_path / "own")
            seen = harvest(server.host(), hosts, CancelToken(), every_type=True)
            assert {openssh_line(shown.key) for shown in seen} == {
                " ".join(line.split()[:2]) for line in server.host_keys.values()
            }
            assert {shown.verdict.trust for shown in seen} == {Trust.NEW}
            assert "userauth" not in server.log.read_text()

    def test_new_keys_are_accepted_and_then_trusted(self, tmp_path: Path) -> None:
        with openssh(tmp_path, key_types=("ed25519", "ecdsa")) as server:
            hosts = KnownHosts(tmp_path / "own")
            seen = harvest(server.host(), hosts, CancelToken())
            assert [shown.key.key_type for shown in seen] == ["ssh-ed25519"]
            assert accept_new(seen, hosts) == seen
            (again,) = harvest(server.host(), KnownHosts(tmp_path / "own"), CancelToken())
            assert again.verdict.trust is Trust.TRUSTED
            assert accept_new([again], hosts) == ()

    def test_a_changed_key_is_never_accepted(self, tmp_path: Path) -> None:
        with openssh(tmp_path) as server:
            own = tmp_path / "own"
            own.write_text(f"{entry_name(Place('127.0.0.1', server.port))} {OTHER}\n")
            hosts = KnownHosts(own)
            seen = harvest(server.host(), hosts, CancelToken())
            assert seen[0].verdict.trust is Trust.CHANGED
            assert accept_new(seen, hosts) == ()
            assert accept_listed(seen, hosts, KnownHosts.from_file(server.known_hosts)) == ()
            assert own.read_text().count("\n") == 1

    def test_a_supplied_file_decides_and_is_asked_for_its_type(self, tmp_path: Path) -> None:
        with openssh(tmp_path, key_types=("ed25519", "ecdsa", "rsa")) as server:
            supplied_file = tmp_path / "supplied"
            supplied_file.write_text(f"{entry_name(Place('127.0.0.1', server.port))} {server.host_keys['rsa']}\n")
            supplied = KnownHosts.from_file(supplied_file)
            hosts = KnownHosts(tmp_path / "own")
            seen = harvest(server.host(), hosts, CancelToken(), supplied=supplied)
            assert [shown.key.key_type for shown in seen] == ["ssh-rsa"]
            assert accept_listed(seen, hosts, supplied) == seen
            supplied_file.write_text(f"{entry_name(Place('127.0.0.1', server.port))} {OTHER}\n")
            others = KnownHosts(tmp_path / "others")
            unlisted = harvest(server.host(), others, CancelToken())
            assert accept_listed(unlisted, others, KnownHosts.from_file(supplied_file)) == ()

    def test_a_server_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(HostUnreachable):
            harvest(Host(name="a", address="127.0.0.1", port=1), KnownHosts(tmp_path / "own"), CancelToken())
