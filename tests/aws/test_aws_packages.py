"""Agent packages: from the practice cloud's bucket, a mirror, a folder; whose signatures count where."""

import dataclasses
import hashlib
import os
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws.conftest import REGION
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from openpgp_maker import Maker, private_key

from onboard.aws import packages
from onboard.aws.openpgp import Pin, SigningKey, aws_keys, pinned_keys
from onboard.aws.packages import Fetched, fetch_package
from onboard.aws.session import Aws
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import OnboardError
from onboard.model.profile import AgentSection, Profile

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud

NEWEST, OLDER = "3.3.4851.0", "3.3.4793.0"
MAKER = Maker()
LASTING = Pin(date(2100, 1, 1), None, None)
Fetch = Callable[..., Fetched]


@pytest.fixture
def fetch(aws: Aws, tmp_path: Path) -> Fetch:
    def fetch(source: str = "aws", kind: str = "deb", arch: str = "amd64", **agent: Any) -> Fetched:
        profile = Profile(agent=AgentSection(source=source, **agent))
        return fetch_package(
            aws,
            profile,
            kind=kind,
            arch=arch,
            cache=tmp_path / "cache",
            cancel=CancelToken(),
            wait=lambda seconds: False,
        )

    return fetch


def package_of(version: str, kind: str = "deb", arch: str = "amd64") -> bytes:
    from onboard.practice.packages import build_deb, build_rpm

    return (build_deb if kind == "deb" else build_rpm)(version, arch)


def put(folder: Path, path: str, content: bytes, *, maker: Maker | None = MAKER) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    if maker is not None:
        file.with_name(file.name + ".sig").write_bytes(maker.sign(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in the bucket's layout, signed with the key that stands for AWS's."""
    folder = tmp_path / "folder"
    put(folder, "latest/debian_amd64/amazon-ssm-agent.deb", package_of(NEWEST))
    put(folder, f"{OLDER}/debian_amd64/amazon-ssm-agent.deb", package_of(OLDER))
    return folder


@pytest.fixture
def instead_of_awss(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes the test's key for AWS's."""

    def take(pin: Pin = LASTING) -> None:
        keys: tuple[SigningKey, ...] = pinned_keys(MAKER.key, {MAKER.fingerprint: pin})
        monkeypatch.setattr(packages, "aws_keys", lambda: keys)

    return take


# ------------------------------------------------------------------------------------------- the practice's bucket


@pytest.mark.parametrize("kind", ["deb", "rpm"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_from_the_bucket(fetch: Fetch, kind: str, arch: str) -> None:
    fetched = fetch(kind=kind, arch=arch)
    package = fetched.package
    assert (package.kind, package.arch, package.version) == (kind, arch, NEWEST)
    assert package.path.read_bytes() == package_of(NEWEST, kind, arch)
    assert package.sha256 == hashlib.sha256(package.path.read_bytes()).hexdigest()
    assert fetched.warnings == ()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX's modes of files")
def test_packages_are_private_whatever_the_umask(fetch: Fetch, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        fetch()
    finally:
        os.umask(before)
    made = [tmp_path / "cache", *(tmp_path / "cache").rglob("*")]
    assert {path.suffix for path in made} > {".deb", ".sig", ".lock"}
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_a_version_by_number(fetch: Fetch) -> None:
    assert fetch(version=OLDER).package.version == OLDER


def test_a_version_that_is_not_there(fetch: Fetch) -> None:
    with pytest.raises(OnboardError, match=r"3\.2\.1\.0 .*is not available"):
        fetch(version="3.2.1.0")


def test_a_second_time_comes_from_the_cache(fetch: Fetch, cloud: "Cloud") -> None:
    first = fetch()
    count = cloud.calls.count
    assert fetch() == first
    asked = [call.operation for call in cloud.calls.after(count)]
    assert [name for name in asked if name.endswith((".deb", ".sig"))] == []


def test_a_damaged_cache_is_fetched_again(fetch: Fetch) -> None:
    first = fetch()
    first.package.path.write_bytes(b"damaged")
    assert fetch() == first
    assert first.package.path.read_bytes() == package_of(NEWEST)


def test_a_break_is_taken_up_again(fetch: Fetch, cloud: "Cloud") -> None:
    cloud.settings.break_download_after = 9000
    assert fetch().package.path.read_bytes() == package_of(NEWEST)
    assert cloud.settings.break_download_after is None
    got = [call.status for call in cloud.calls.after() if call.operation.endswith("amazon-ssm-agent.deb")]
    assert got == [200, 206]


def test_no_rest_of_a_download_stays(fetch: Fetch, tmp_path: Path) -> None:
    fetch()
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left <= {"amazon-ssm-agent.deb", "amazon-ssm-agent.deb.sig", "debian_amd64.lock"}


def test_stopping_now(aws: Aws, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.stop_now()
    with pytest.raises(Cancelled):
        fetch_package(aws, Profile(), kind="deb", arch="amd64", cache=tmp_path, cancel=cancel)


# ----------------------------------------------------------------------------- the practice key is trusted nowhere else


def practice_signed(cloud: "Cloud", target: Path) -> None:
    """What the practice bucket has, copied elsewhere."""
    import requests

    base = f"{cloud.endpoint_url}/amazon-ssm-{REGION}/latest"
    for name in ("VERSION", "debian_amd64/amazon-ssm-agent.deb", "debian_amd64/amazon-ssm-agent.deb.sig"):
        answer = requests.get(f"{base}/{name}", timeout=10)
        assert answer.status_code == 200
        file = target / "latest" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(answer.content)


def test_a_folder_signed_by_a_practice_is_refused(fetch: Fetch, cloud: "Cloud", tmp_path: Path) -> None:
    practice_signed(cloud, tmp_path / "copy")
    with pytest.raises(OnboardError, match="not trusted"):
        fetch(source=str(tmp_path / "copy"))


def test_a_mirror_signed_by_a_practice_is_refused(fetch: Fetch, cloud: "Cloud", tmp_path: Path, mirror: str) -> None:
    practice_signed(cloud, tmp_path / "mirror")
    with pytest.raises(OnboardError, match="not trusted"):
        fetch(source=mirror)


def test_a_practice_key_counts_only_where_ssm_and_s3_are_one(
    fetch: Fetch, cloud: "Cloud", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", cloud.endpoint_url.replace("127.0.0.1", "localhost"))
    with pytest.raises(OnboardError, match="not trusted"):
        fetch()


def test_a_practice_key_counts_only_on_this_computer(
    fetch: Fetch, cloud: "Cloud", monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch()
    monkeypatch.setattr(packages, "is_loopback", lambda url: False)
    with pytest.raises(OnboardError, match="not trusted"):
        fetch(version=OLDER)


def test_another_practices_package_is_refused(fetch: Fetch, cloud: "Cloud", monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = pinned_keys(MAKER.key, {MAKER.fingerprint: LASTING})
    monkeypatch.setattr(
        packages, "practice_keys", lambda armored: tuple(dataclasses.replace(key, practice=True) for key in strangers)
    )
    with pytest.raises(OnboardError, match="not trusted"):
        fetch()


# ------------------------------------------------------------------------------------------------- folders and mirrors


def test_from_a_folder(fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]) -> None:
    instead_of_awss()
    latest = fetch(source=str(folder))
    assert (latest.package.version, latest.warnings) == (NEWEST, ())
    assert folder not in latest.package.path.parents, "what is used is the copy that was verified"
    assert fetch(source=str(folder), version=OLDER).package.version == OLDER


def test_from_a_folder_of_loose_packages(fetch: Fetch, tmp_path: Path, instead_of_awss: Callable[..., None]) -> None:
    instead_of_awss()
    loose = tmp_path / "loose"
    put(loose, "a.deb", package_of(NEWEST))
    put(loose, "b.deb", package_of(OLDER))
    put(loose, "c.deb", package_of(NEWEST, arch="arm64"))
    put(loose, "d.rpm", package_of(OLDER, kind="rpm"))
    assert fetch(source=str(loose)).package.version == NEWEST
    assert fetch(source=str(loose), version=OLDER).package.version == OLDER
    assert fetch(source=str(loose), arch="arm64").package.arch == "arm64"
    with pytest.raises(OnboardError, match=r"d\.rpm is amazon-ssm-agent 3\.3\.4793\.0 \(rpm, amd64\)"):
        fetch(source=str(loose), kind="rpm", version=NEWEST)


def test_a_mirror(fetch: Fetch, tmp_path: Path, mirror: str, instead_of_awss: Callable[..., None]) -> None:
    instead_of_awss()
    put(tmp_path / "mirror", f"{NEWEST}/linux_arm64/amazon-ssm-agent.rpm", package_of(NEWEST, "rpm", "arm64"))
    (tmp_path / "mirror" / "latest").mkdir(parents=True)
    (tmp_path / "mirror" / "latest" / "VERSION").write_text(NEWEST + "\n")
    assert fetch(source=mirror, kind="rpm", arch="arm64").package.version == NEWEST


def test_a_mirror_on_this_computer_needs_no_tls(
    fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]
) -> None:
    instead_of_awss()
    with served(folder) as port:
        assert fetch(source=f"http://127.0.0.1:{port}", version=OLDER).package.version == OLDER


def test_a_mirror_that_is_not_trusted(fetch: Fetch, mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(OnboardError, match="certificate is not trusted"):
        fetch(source=mirror)


def test_the_bundle_for_aws_counts_for_mirrors(
    fetch: Fetch, tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "mirror.pem"))
    with pytest.raises(OnboardError, match="is not available"):
        fetch(source=mirror)


def test_a_package_signed_by_nobody_known(fetch: Fetch, folder: Path) -> None:
    with pytest.raises(OnboardError, match="not trusted"):
        fetch(source=str(folder))


def test_a_tampered_package(fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]) -> None:
    instead_of_awss()
    file = folder / "latest/debian_amd64/amazon-ssm-agent.deb"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(OnboardError, match="signature is wrong"):
        fetch(source=str(folder))


def test_a_package_without_signature(fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]) -> None:
    instead_of_awss()
    (folder / "latest/debian_amd64/amazon-ssm-agent.deb.sig").unlink()
    with pytest.raises(OnboardError, match="has no signature"):
        fetch(source=str(folder))


def test_a_package_under_a_wrong_name(fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]) -> None:
    """The version is the one inside: an old package with a good signature cannot pass for a new one."""
    instead_of_awss()
    put(folder, "9.9.9.9/debian_amd64/amazon-ssm-agent.deb", package_of(OLDER))
    with pytest.raises(OnboardError, match=OLDER):
        fetch(source=str(folder), version="9.9.9.9")
    put(folder, "latest/debian_amd64/amazon-ssm-agent.deb", package_of(NEWEST, arch="arm64"))
    with pytest.raises(OnboardError, match="arm64"):
        fetch(source=str(folder))
    put(folder, "latest/debian_amd64/amazon-ssm-agent.deb", package_of(NEWEST, kind="rpm"))
    with pytest.raises(OnboardError, match="rpm"):
        fetch(source=str(folder))


def test_a_latest_that_is_not_the_newest_is_told(
    fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]
) -> None:
    instead_of_awss()
    put(folder, "latest/debian_amd64/amazon-ssm-agent.deb", package_of("3.3.4624.0"))
    (folder / "latest/VERSION").write_text("3.3.4999.0")
    warnings = fetch(source=str(folder)).warnings
    assert "says that latest is 3.3.4999.0, but serves 3.3.4624.0" in warnings[0]
    assert f"{NEWEST} has been released" in warnings[1]


FLAWED = "3.3.4793.0"


@pytest.mark.parametrize("wanted", ["latest", "stable"])
def test_a_mirror_whose_newest_agent_has_a_known_flaw_is_refused(
    fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None], wanted: str
) -> None:
    instead_of_awss()
    put(folder, f"{wanted}/debian_amd64/amazon-ssm-agent.deb", package_of(FLAWED))
    with served(folder) as port:
        mirror = f"http://127.0.0.1:{port}"
        with pytest.raises(OnboardError, match="known flaw and is not installed") as refused:
            fetch(source=mirror, version=wanted)
        assert "CVE-2026-89049" in refused.value.why
        fetched = fetch(source=mirror, version=FLAWED)
    assert fetched.package.version == FLAWED
    assert fetched.warnings[-1].startswith(f"AGENT {FLAWED} HAS A KNOWN FLAW: CVE-2026-89049")


def test_a_folder_with_an_agent_that_has_a_known_flaw_is_used_and_told(
    fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]
) -> None:
    instead_of_awss()
    put(folder, "latest/debian_amd64/amazon-ssm-agent.deb", package_of(FLAWED))
    fetched = fetch(source=str(folder))
    assert fetched.package.version == FLAWED
    assert "HAS A KNOWN FLAW" in fetched.warnings[-1]


def test_a_practices_older_agent_is_not_awss(fetch: Fetch) -> None:
    assert fetch(version=FLAWED).warnings == ()


def test_a_key_of_other_versions(fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]) -> None:
    instead_of_awss(Pin(date(2100, 1, 1), None, NEWEST))
    with pytest.raises(OnboardError, match="key for other versions"):
        fetch(source=str(folder))
    assert fetch(source=str(folder), version=OLDER).package.version == OLDER


def test_a_key_that_ended(fetch: Fetch, folder: Path, instead_of_awss: Callable[..., None]) -> None:
    instead_of_awss(Pin(date(2024, 6, 1), None, None))
    file = folder / "latest/debian_amd64/amazon-ssm-agent.deb"
    signed = int(datetime(2024, 5, 1, tzinfo=UTC).timestamp())
    file.with_name(file.name + ".sig").write_bytes(MAKER.sign(file.read_bytes(), made=signed))
    assert "expired on 2024-06-01" in fetch(source=str(folder)).warnings[0]


def test_without_signature_check_it_shouts(fetch: Fetch, folder: Path) -> None:
    for signature in folder.rglob("*.sig"):
        signature.unlink()
    fetched = fetch(source=str(folder), verify_signature=False)
    assert "SIGNATURE IS NOT CHECKED" in fetched.warnings[0]
    again = fetch(source=str(folder), verify_signature=False, version=NEWEST)
    assert "SIGNATURE IS NOT CHECKED" in again.warnings[0], "also from the cache"
    with pytest.raises(OnboardError, match="no signature"):
        fetch(source=str(folder))


def test_without_signature_check_it_must_still_be_what_was_asked_for(fetch: Fetch, folder: Path) -> None:
    put(folder, "latest/debian_amd64/amazon-ssm-agent.deb", b"<html>")
    with pytest.raises(OnboardError, match="cannot be read"):
        fetch(source=str(folder), verify_signature=False)


@pytest.mark.parametrize("file", ["latest/VERSION", "latest/debian_amd64/amazon-ssm-agent.deb.sig"])
def test_a_file_of_a_folder_that_cannot_be_read_is_told(fetch: Fetch, folder: Path, file: str) -> None:
    (folder / file).unlink(missing_ok=True)
    (folder / file).mkdir()
    with pytest.raises(OnboardError, match="cannot be copied") as caught:
        fetch(source=str(folder))
    assert caught.value.where == str(folder / file)


def test_a_folder_that_is_not_there(fetch: Fetch, tmp_path: Path) -> None:
    with pytest.raises(OnboardError, match="nor a folder that exists"):
        fetch(source=str(tmp_path / "nowhere"))


def test_awss_own_keys_are_in_force() -> None:
    assert packages.aws_keys is aws_keys


# ----------------------------------------------------------------------------------------------------------- a mirror


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""


@contextmanager
def served(folder: Path, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a web server over `folder`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), lambda *all_: Quiet(*all_, directory=str(folder))) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An HTTPS server over the folder `mirror`, with a certificate of its own in REQUESTS_CA_BUNDLE."""
    key = private_key(9)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mirror")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    bundle = tmp_path / "mirror.pem"
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "mirror.key").write_bytes(key.private_bytes(*pem))
    folder = tmp_path / "mirror"
    folder.mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, tmp_path / "mirror.key")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with served(folder, context) as port:
        yield f"https://127.0.0.1:{port}"
    shutil.rmtree(folder)
