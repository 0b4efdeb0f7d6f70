"""OpenPGP signatures: checked against GnuPG's, against hand-made wrong ones, and against noise."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpgp_maker import Maker, packet, subpacket

from onboard import resources
from onboard.aws.openpgp import (
    KEY_FILE,
    Pin,
    SigningKey,
    aws_keys,
    check_signature,
    pinned_keys,
    practice_keys,
    read_keys,
)
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import OnboardError

NOW = datetime.now(UTC)
DATA = b"agent package\r\n" * 1000
LASTING = Pin(date(2100, 1, 1), None, None)
MAKER = Maker()

AWS_FINGERPRINTS = [
    "1C5B395CBE5E74E2F1CA21592784DBF388D19D46",
    "4855A9E6833216D6A77D8FE451A8E050D0052E5D",
    "DE92C7DA3E56E92331D62A36BC1F495C97DD04ED",
    "2BC7C7C267BBD505EAA491E6DD81A61756BAA549",
    "8108A07A9EBE248E3F1C63F254F4F56E693ECA21",
]


def trusted(maker: Maker = MAKER, pin: Pin = LASTING) -> tuple[SigningKey, ...]:
    return pinned_keys(maker.key, {maker.fingerprint: pin})


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "amazon-ssm-agent.deb"
    path.write_bytes(DATA)
    return path


# ------------------------------------------------------------------------------------------------------- AWS's keys


def test_awss_keys_are_those_pinned() -> None:
    keys = aws_keys()
    assert [key.fingerprint for key in keys] == AWS_FINGERPRINTS
    assert [key.public.key_size for key in keys] == [4096, 4096, 2048, 2048, 2048]
    assert [f"{key.created:%Y-%m-%d}" for key in keys] == [
        "2026-06-04",
        "2025-01-22",
        "2023-08-28",
        "2022-03-15",
        "2020-10-06",
    ]


@pytest.mark.parametrize(
    ("version", "signers"),
    [
        ("3.3.4851.0", [True, False, False, False, False]),
        ("4.0.0.0", [True, False, False, False, False]),
        ("3.3.4793.0", [False, True, False, False, False]),
        ("3.3.1802.0", [False, True, False, False, False]),
        ("3.3.1611.0", [False, False, True, True, True]),
        ("3.0.1479.0", [False, False, True, True, True]),
    ],
)
def test_which_key_signs_which_version(version: str, signers: list[bool]) -> None:
    assert [key.signs(version) for key in aws_keys()] == signers


def test_a_key_file_with_another_key_is_refused() -> None:
    text = resources.text(KEY_FILE).encode()
    pins = {key.fingerprint: LASTING for key in read_keys(text)}
    pinned_keys(text, pins)
    with pytest.raises(OnboardError, match=Maker(number=1).fingerprint):
        pinned_keys(text, {**pins, Maker(number=1).fingerprint: LASTING})
    pins.pop(AWS_FINGERPRINTS[0])
    with pytest.raises(OnboardError, match=AWS_FINGERPRINTS[0]):
        pinned_keys(text, pins)


# ------------------------------------------------------------------------------------------------------------ GnuPG


class Gpg:
    """GnuPG with a key ring of its own."""

    def __init__(self, home: str) -> None:
        self._home = home

    def __call__(self, *arguments: str, data: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", self._home, "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback"]
        done = subprocess.run(
            [*command, "--passphrase", "", *arguments], input=data, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    if shutil.which("gpg") is None or shutil.which("gpgconf") is None:
        pytest.skip("needs gnupg: gpg")
    with tempfile.TemporaryDirectory(dir="/tmp") as home:  # the agent's socket needs a short path
        Path(home).chmod(0o700)
        run = Gpg(home)
        run("--quick-generate-key", "Test <test@example.com>", "rsa2048", "sign", "never")
        try:
            yield run
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True, timeout=30)


@pytest.fixture(scope="module")
def gpg_keys(gpg: Gpg) -> tuple[SigningKey, ...]:
    keys = practice_keys(gpg("--export"))
    colons = gpg("--list-keys", "--with-colons").decode()
    assert f"fpr:::::::::{keys[0].fingerprint}:" in colons
    return keys


@pytest.mark.parametrize("digest", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("armor", ["--armor", "--no-armor"])
def test_what_gnupg_signed_is_good(
    gpg: Gpg, gpg_keys: tuple[SigningKey, ...], package: Path, digest: str, armor: str
) -> None:
    signature = gpg("--detach-sign", "--digest-algo", digest, armor, "--output", "-", data=DATA)
    verified = check_signature(package, signature, gpg_keys, now=NOW)
    assert verified.key == gpg_keys[0]
    assert verified.sha256 == hashlib.sha256(DATA).hexdigest()
    assert abs(verified.signed - NOW) < timedelta(minutes=10)
    assert verified.warnings == ()


def test_gnupgs_armored_keys_are_read(gpg: Gpg, gpg_keys: tuple[SigningKey, ...]) -> None:
    assert [key.fingerprint for key in practice_keys(gpg("--export", "--armor"))] == [gpg_keys[0].fingerprint]


def test_what_gnupg_signed_as_text_is_refused(gpg: Gpg, gpg_keys: tuple[SigningKey, ...], package: Path) -> None:
    signature = gpg("--detach-sign", "--textmode", "--output", "-", data=DATA)
    with pytest.raises(OnboardError, match="not one of a file's bytes"):
        check_signature(package, signature, gpg_keys, now=NOW)


def test_sha1_of_gnupg_is_refused(gpg: Gpg, gpg_keys: tuple[SigningKey, ...], package: Path) -> None:
    signature = gpg("--detach-sign", "--digest-algo", "SHA1", "--output", "-", data=DATA)
    with pytest.raises(OnboardError, match="SHA-1"):
        check_signature(package, signature, gpg_keys, now=NOW)


def test_gnupg_agrees_with_the_hand_made_signatures(gpg: Gpg, package: Path, tmp_path: Path) -> None:
    """The maker that the tests below use makes what GnuPG takes for a signature of that very key."""
    (tmp_path / "sig").write_bytes(MAKER.sign(DATA))
    listed = gpg("--list-packets", str(tmp_path / "sig")).decode()
    assert f"keyid {MAKER.fingerprint[-16:]}" in listed or f"issuer fpr v4 {MAKER.fingerprint}" in listed
    assert "sigclass 0x00" in listed


# ------------------------------------------------------------------------------------------------------- signatures


def test_a_good_signature(package: Path) -> None:
    verified = check_signature(package, MAKER.sign(DATA), trusted(), now=NOW)
    assert verified.key.fingerprint == MAKER.fingerprint


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"B" + data[1:], lambda data: data + b"\0"])
def test_a_tampered_package_is_refused(package: Path, change: "st.Callable[[bytes], bytes]") -> None:
    package.write_bytes(change(DATA))
    with pytest.raises(OnboardError, match="signature is wrong"):
        check_signature(package, MAKER.sign(DATA), trusted(), now=NOW)


def test_every_changed_byte_of_what_is_signed_is_refused(package: Path) -> None:
    package.write_bytes(b"small")
    signature = MAKER.sign(b"small")
    # Two bytes of the digest, before the RSA number at the end, are a hint that nothing depends on. One number in 256
    # begins with a zero byte, which is not written.
    number = next(size for size in range(256, 0, -1) if (int.from_bytes(signature[-size - 2 :][:2]) + 7) // 8 == size)
    hint = len(signature) - number - 4
    for at in range(3, len(signature)):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        if at in (hint, hint + 1):
            continue
        with pytest.raises(OnboardError):
            check_signature(package, changed, trusted(), now=NOW)


def test_an_unknown_key_is_refused(package: Path) -> None:
    with pytest.raises(OnboardError, match="not trusted"):
        check_signature(package, Maker(number=1).sign(DATA), trusted(), now=NOW)


def test_a_signature_by_another_key_that_names_a_trusted_one_is_refused(package: Path) -> None:
    named = subpacket(33, b"\x04" + bytes.fromhex(MAKER.fingerprint))
    with pytest.raises(OnboardError, match="signature is wrong"):
        check_signature(package, Maker(number=1).sign(DATA, more=named), trusted(), now=NOW)


def test_sha1_is_refused(package: Path) -> None:
    with pytest.raises(OnboardError, match="SHA-1"):
        check_signature(package, MAKER.sign(DATA, algorithm=2), trusted(), now=NOW)


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        (b"", "exactly one"),
        (MAKER.sign(DATA) * 2, "exactly one"),
        (MAKER.key, "exactly one"),
        (b"<html>", "form"),
        (MAKER.sign(DATA)[:-1], "ends too early"),
        (MAKER.sign(DATA, kind=1), "file's bytes"),
        (MAKER.sign(DATA, version=3), "version 4"),
        (MAKER.sign(DATA, more=subpacket(99, b"x", critical=True)), "not understood"),
        (b"\x8b" + MAKER.sign(DATA)[3:], "no length"),
        (b"\xc2\xe1" + MAKER.sign(DATA)[3:], "in parts"),
        (b"-----BEGIN PGP SIGNATURE-----\n\n!!\n-----END PGP SIGNATURE-----\n", "damaged"),
        (b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n", "exactly one"),
        (b"x" * 70_000, "too long"),
    ],
)
def test_what_is_no_usable_signature(package: Path, signature: bytes, why: str) -> None:
    with pytest.raises(OnboardError, match=why):
        check_signature(package, signature, trusted(), now=NOW)


def test_an_unknown_subpacket_that_is_not_critical_is_fine(package: Path) -> None:
    check_signature(package, MAKER.sign(DATA, more=subpacket(99, b"x")), trusted(), now=NOW)


def test_the_time_stands_in_the_signed_part(package: Path) -> None:
    """A time of signing in the part that is not signed changes nothing."""
    old = int((NOW - timedelta(days=900)).timestamp()).to_bytes(4, "big")
    verified = check_signature(package, MAKER.sign(DATA, unhashed=subpacket(2, old)), trusted(), now=NOW)
    assert NOW - verified.signed < timedelta(minutes=10)


def test_an_ended_key_with_a_signature_of_its_time_is_a_warning(package: Path) -> None:
    made = datetime(2024, 5, 1, tzinfo=UTC)
    keys = trusted(pin=Pin(date(2024, 6, 1), None, None))
    signature = MAKER.sign(DATA, made=int(made.timestamp()))
    verified = check_signature(package, signature, keys, now=NOW)
    assert "expired on 2024-06-01" in verified.warnings[0]
    assert check_signature(package, signature, keys, now=made).warnings == ()


@pytest.mark.parametrize("made", [datetime(2024, 6, 2, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)])
def test_a_signature_outside_its_keys_life_is_refused(package: Path, made: datetime) -> None:
    keys = trusted(pin=Pin(date(2024, 6, 1), None, None))
    with pytest.raises(OnboardError, match="outside its key's validity"):
        check_signature(package, MAKER.sign(DATA, made=int(made.timestamp())), keys, now=NOW)


def test_a_signature_that_ends_ends(package: Path) -> None:
    signature = MAKER.sign(DATA, more=subpacket(3, (3600).to_bytes(4, "big"), critical=True))
    check_signature(package, signature, trusted(), now=NOW)
    with pytest.raises(OnboardError, match="has expired"):
        check_signature(package, signature, trusted(), now=NOW + timedelta(hours=2))


def test_stopping_now(package: Path) -> None:
    cancel = CancelToken()
    cancel.stop_now()
    with pytest.raises(Cancelled):
        check_signature(package, MAKER.sign(DATA), trusted(), now=NOW, cancel=cancel)


# -------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no public key"),
        (packet(6, b"\x03" + MAKER.body[1:]), "version 4"),
        (packet(6, MAKER.body[:5] + b"\x11" + MAKER.body[6:]), "RSA"),
        (packet(6, MAKER.body + b"x"), "followed"),
        (packet(6, b"\x04\0\0\0\0\x01" + b"\x04\0" + b"\xff" * 128 + b"\0\x02\x03"), "shorter than 2048"),
        (packet(6, b"\x04\0\0\0\0\x01" + b"\x08\0" + b"\xff" * 256 + b"\0\x02\x02"), "no RSA key"),
        (packet(6, b"\x04\0\0\0\0\x01" + b"\x07\xff" + b"\xff" * 256), "length is wrong"),
    ],
)
def test_what_is_no_usable_key(data: bytes, why: str) -> None:
    with pytest.raises(OnboardError, match=why):
        read_keys(data)


# ------------------------------------------------------------------------------------------------------------- noise

GOOD = MAKER.sign(DATA)
NOISE = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@NOISE
@given(st.binary(max_size=600))
@example(b"\xc2\xff\xff\xff\xff\xff")
@example(b"-----BEGIN PGP SIGNATURE-----\n\n\n-----END PGP SIGNATURE-----")
def test_noise_is_refused(package: Path, noise: bytes) -> None:
    with pytest.raises(OnboardError):
        check_signature(package, noise, trusted(), now=NOW)
    with pytest.raises(OnboardError):
        read_keys(noise)


@NOISE
@given(st.binary(max_size=300))
def test_noise_in_a_packet_is_refused(package: Path, noise: bytes) -> None:
    with pytest.raises(OnboardError):
        check_signature(package, packet(2, noise), trusted(), now=NOW)
    with pytest.raises(OnboardError):
        check_signature(package, packet(2, b"\x04\0\x01\x08" + noise), trusted(), now=NOW)
    with pytest.raises(OnboardError):
        read_keys(packet(6, b"\x04" + noise))


@NOISE
@given(st.integers(0, len(GOOD) - 1), st.integers(0, len(GOOD)), st.binary(max_size=8))
def test_a_damaged_signature_never_makes_anything_but_a_refusal(
    package: Path, start: int, end: int, new: bytes
) -> None:
    damaged = GOOD[:start] + new + GOOD[max(start, end) :]
    try:
        verified = check_signature(package, damaged, trusted(), now=NOW)
    except OnboardError:
        return
    # What is left may still be good: the hint of two digest bytes was hit, or nothing was changed.
    assert verified.key.fingerprint == MAKER.fingerprint
    package.write_bytes(DATA + b"x")
    try:
        with pytest.raises(OnboardError):
            check_signature(package, damaged, trusted(), now=NOW)
    finally:
        package.write_bytes(DATA)
