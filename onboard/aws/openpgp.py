"""Detached OpenPGP signatures of agent packages (RFC 4880, RFC 9580), as far as AWS uses them: RSA, version 4.

Keys are trusted by their fingerprints, written below. Their self-signatures are ignored: they are SHA-1, which strict
OpenPGP libraries rightly refuse, and say nothing that the fingerprints do not. The signature over a package must be
SHA-256 or better.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from onboard import resources
from onboard.aws.endpoints import version_numbers
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.words import Text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KEY_FILE = "signing-keys/amazon-ssm-agent-signing-keys.asc"

_SIGNATURE, _PUBLIC_KEY = 2, 6  # packet tags
_OF_BINARY = 0  # signature type: of a document's bytes as they are
_RSA = (1, 3)  # algorithms: RSA, and RSA for signatures only
_HASHES = {8: "sha256", 9: "sha384", 10: "sha512"}
_WEAK_HASHES = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160", 11: "SHA-224"}
_CREATED, _EXPIRES, _ISSUER, _ISSUER_FINGERPRINT = 2, 3, 16, 33  # subpackets
_HARMLESS = frozenset({_CREATED, _EXPIRES, _ISSUER, _ISSUER_FINGERPRINT, 20, 28, 35})  # 20 notation, 28 signer's id
_SMALLEST_KEY, _LARGEST_KEY = 2048, 8192  # bits
_LARGEST_FILE = 64 * 1024  # bytes, of a signature or key file


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that may sign agent packages.

    expires     its last valid day; None if it does not expire
    after       signs versions above this; None: no lower bound
    before      signs versions below this; None: no upper bound
    practice    made for one practice cloud
    """

    fingerprint: str
    created: datetime
    public: "RSAPublicKey"
    expires: date | None = None
    after: str | None = None
    before: str | None = None
    practice: bool = False

    def signs(self, version: str) -> bool:
        """Whether AWS signs this agent version with this key."""
        numbers = version_numbers(version)
        above = self.after is None or numbers > version_numbers(self.after)
        return above and (self.before is None or numbers < version_numbers(self.before))


@dataclass(frozen=True, slots=True)
class Verified:
    """A valid signature: its key and time; `warnings` for the plan; `sha256` of the verified file, in hex."""

    key: SigningKey
    signed: datetime
    sha256: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """What is known about a key besides its fingerprint; the version bounds are exclusive."""

    expires: date
    after: str | None
    before: str | None


# AWS's keys for the agent: fingerprint → the key's expiry, and the bounds (both exclusive) of the versions it signs.
# Source: AWS's user guide, "Verifying the signature of SSM Agent", and its older editions.
_PINS = {
    "1C5B395CBE5E74E2F1CA21592784DBF388D19D46": Pin(date(2027, 11, 25), "3.3.4793.0", None),
    "4855A9E6833216D6A77D8FE451A8E050D0052E5D": Pin(date(2026, 7, 15), "3.3.1611.0", "3.3.4851.0"),
    "DE92C7DA3E56E92331D62A36BC1F495C97DD04ED": Pin(date(2025, 2, 17), None, "3.3.1802.0"),
    "2BC7C7C267BBD505EAA491E6DD81A61756BAA549": Pin(date(2023, 9, 5), None, "3.3.1802.0"),
    "8108A07A9EBE248E3F1C63F254F4F56E693ECA21": Pin(date(2022, 3, 29), None, "3.3.1802.0"),
}


def aws_keys() -> tuple[SigningKey, ...]:
    """AWS's signing keys, from the file that Onboard ships. Raises OnboardError if the file contains any other key."""
    return pinned_keys(resources.text(KEY_FILE).encode(), _PINS)


def pinned_keys(armored: bytes, pins: Mapping[str, Pin]) -> tuple[SigningKey, ...]:
    """The keys of a file. Every key must be pinned, and every pinned key must be present."""
    found = {key.fingerprint: key for key in read_keys(armored)}
    if found.keys() != pins.keys():
        strange = ", ".join(sorted(found.keys() ^ pins.keys()))
        raise OnboardError(
            "the signing keys are not those that Onboard pins",
            where=KEY_FILE,
            why=Text("Too many or missing: {keys}", keys=strange),
            remedy="Install Onboard again",
        )
    return tuple(
        SigningKey(
            fingerprint=fingerprint,
            created=found[fingerprint].created,
            public=found[fingerprint].public,
            expires=pin.expires,
            after=pin.after,
            before=pin.before,
        )
        for fingerprint, pin in pins.items()
    )


def practice_keys(armored: bytes) -> tuple[SigningKey, ...]:
    """Keys that a practice cloud made for itself. The caller decides whether to trust them. Raises OnboardError."""
    return tuple(
        SigningKey(fingerprint=key.fingerprint, created=key.created, public=key.public, practice=True)
        for key in read_keys(armored)
    )


def check_signature(
    package: Path, signature: bytes, keys: Sequence[SigningKey], *, now: datetime, cancel: CancelToken | None = None
) -> Verified:
    """Check the detached `signature` (armored or not) over the file `package`.

    Raises OnboardError when it is not good or not by one of `keys`, Cancelled on stop_now().
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    parsed = _read_signature(signature)
    key = _signer(parsed, keys)
    _check_times(parsed, key, now)
    digest, sha256 = _digests(package, parsed, cancel)
    # The signature contains the digest's first two bytes as a quick test; the real check follows in any case.
    algorithm = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[parsed.hash_name]
    size = (key.public.key_size + 7) // 8
    if len(parsed.value) > size:
        raise _bad("the signature is longer than the key that should have made it")
    try:
        key.public.verify(parsed.value.rjust(size, b"\0"), digest, padding.PKCS1v15(), Prehashed(algorithm))
    except InvalidSignature:
        raise OnboardError(
            "the package's signature is wrong",
            where=package.name,
            why="The package or its signature was changed after it was signed, or only partly downloaded",
            remedy="Do not use it. Fetch it again from AWS's bucket; if that fails, report it to the source's owner",
        ) from None
    return Verified(key=key, signed=parsed.created, sha256=sha256, warnings=_warnings(key, now))


# ----------------------------------------------------------------------------------------------------------- packets


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key as found in its packet, not necessarily trusted."""

    fingerprint: str
    created: datetime
    public: "RSAPublicKey"


@dataclass(frozen=True, slots=True)
class _Signature:
    hash_name: str
    hashed: bytes  # the signature packet's part that is signed along with the document
    created: datetime
    lasts: timedelta | None
    issuer: str  # fingerprint, or its last 16 hex digits
    value: bytes


class _Reader:
    """Bytes read from the front; reading past the end is a malformed packet."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    @property
    def at(self) -> int:
        return self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise _bad("it ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def mpi(self) -> bytes:
        """A multi-precision integer (RFC 9580, 3.2)."""
        bits = self.number(2)
        value = self.take((bits + 7) // 8)
        if int.from_bytes(value, "big").bit_length() != bits:
            raise _bad("a number's length is wrong")
        return value


def read_keys(data: bytes) -> tuple[PublicKey, ...]:
    """The RSA primary keys of a key file, armored (also several blocks) or not. Raises OnboardError."""
    keys = [
        _key(body) for block in _blocks(data, "PUBLIC KEY BLOCK") for tag, body in _packets(block) if tag == _PUBLIC_KEY
    ]
    if not keys:
        raise _bad("it holds no public key")
    return tuple(keys)


def _key(body: bytes) -> PublicKey:
    """A version 4 RSA public key (RFC 9580, 5.5.2.2); its fingerprint as in 5.5.4."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    reader = _Reader(body)
    if reader.number(1) != 4:
        raise _bad("a key is not of version 4")
    created = datetime.fromtimestamp(reader.number(4), UTC)
    if reader.number(1) not in _RSA:
        raise _bad("a key is not for RSA signatures")
    modulus, exponent = (int.from_bytes(reader.mpi(), "big") for _ in range(2))
    if reader.left or len(body) > 0xFFFF:
        raise _bad("a key is followed by something else")
    if modulus.bit_length() < _SMALLEST_KEY:
        raise _bad(f"a key is shorter than {_SMALLEST_KEY} bits")
    if modulus.bit_length() > _LARGEST_KEY:
        raise _bad(f"a key is longer than {_LARGEST_KEY} bits")
    try:
        public = RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise _bad("a key's numbers are no RSA key") from None
    # Version 4 fingerprints are SHA-1; forging one needs a second pre-image, which is infeasible.
    named = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False)
    return PublicKey(fingerprint=named.hexdigest().upper(), created=created, public=public)


def _read_signature(data: bytes) -> _Signature:
    """The one version 4 signature packet of a `.sig` file (RFC 9580, 5.2.3)."""
    packets = [packet for block in _blocks(data, "SIGNATURE") for packet in _packets(block)]
    if len(packets) != 1 or packets[0][0] != _SIGNATURE:
        raise _bad("it is not exactly one signature")
    body = packets[0][1]
    reader = _Reader(body)
    if reader.number(1) != 4:
        raise _bad("the signature is not of version 4")
    if reader.number(1) != _OF_BINARY:
        raise _bad("the signature is not one of a file's bytes")
    if reader.number(1) not in _RSA:
        raise _bad("the signature is not made with RSA")
    algorithm = reader.number(1)
    if algorithm not in _HASHES:
        name = _WEAK_HASHES.get(algorithm, f"hash algorithm {algorithm}")
        raise OnboardError(
            Text("the package's signature is made with {algorithm}", algorithm=name),
            why="Only SHA-256, SHA-384 and SHA-512 are safe against forgery",
            remedy="Choose a newer agent.version",
        )
    hashed_area = _Reader(reader.take(reader.number(2)))
    hashed = body[: reader.at]
    unhashed_area = _Reader(reader.take(reader.number(2)))
    reader.take(2)
    value = reader.mpi()
    if reader.left:
        raise _bad("the signature is followed by something else")
    signed = dict(_subpackets(hashed_area, signed=True))
    hints = dict(_subpackets(unhashed_area, signed=False))
    if len(signed.get(_CREATED, b"")) != 4:
        raise _bad("the signature does not say when it was made")
    lasts = int.from_bytes(signed.get(_EXPIRES, b""), "big")
    return _Signature(
        hash_name=_HASHES[algorithm],
        hashed=hashed,
        created=datetime.fromtimestamp(int.from_bytes(signed[_CREATED], "big"), UTC),
        lasts=timedelta(seconds=lasts) if 0 < lasts < 2**32 else None,
        issuer=_issuer(hints | signed),
        value=value,
    )


def _issuer(subpackets: dict[int, bytes]) -> str:
    """The key that the signature names. Only a hint: the check with that key decides."""
    fingerprint = subpackets.get(_ISSUER_FINGERPRINT, b"")
    if len(fingerprint) == 21 and fingerprint[0] == 4:
        return fingerprint[1:].hex().upper()
    issuer = subpackets.get(_ISSUER, b"")
    if len(issuer) == 8:
        return issuer.hex().upper()
    raise _bad("the signature does not say which key made it")


def _subpackets(reader: _Reader, *, signed: bool) -> Iterator[tuple[int, bytes]]:
    """(type, content) of each subpacket (RFC 9580, 5.2.3.7). Refuses a critical one that is not understood."""
    while reader.left:
        length = reader.number(1)
        if length == 255:
            length = reader.number(4)
        elif length >= 192:
            length = ((length - 192) << 8) + reader.number(1) + 192
        if length == 0:
            raise _bad("a subpacket is empty")
        content = reader.take(length)
        kind = content[0] & 0x7F
        if signed and content[0] & 0x80 and kind not in _HARMLESS:
            raise _bad(f"the signature has a condition that is not understood (subpacket {kind})")
        yield kind, content[1:]


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, body) of each packet (RFC 9580, 4.2). Refuses partial bodies and unknown lengths."""
    reader = _Reader(data)
    while reader.left:
        head = reader.number(1)
        if not head & 0x80:
            raise _bad("it is not in OpenPGP's form")
        if head & 0x40:
            tag, length = head & 0x3F, reader.number(1)
            if length == 255:
                length = reader.number(4)
            elif length >= 224:
                raise _bad("a packet comes in parts")
            elif length >= 192:
                length = ((length - 192) << 8) + reader.number(1) + 192
        else:
            tag, size = (head >> 2) & 0x0F, head & 0x03
            if size == 3:
                raise _bad("a packet has no length")
            length = reader.number(1 << size)
        yield tag, reader.take(length)


def _blocks(data: bytes, kind: str) -> Iterator[bytes]:
    """The binary content of each armored block of this kind (RFC 9580, 6.2), or `data` itself if it is not armored."""
    if len(data) > _LARGEST_FILE:
        raise _bad("it is too long")
    if b"-----BEGIN" not in data:
        yield data
        return
    text = data.decode("ascii", errors="replace").replace("\r\n", "\n")
    pattern = rf"^-----BEGIN PGP {kind}-----[ \t]*\n(.*?)^-----END PGP {kind}-----"
    for block in re.findall(pattern, text, re.MULTILINE | re.DOTALL):
        headers, blank, content = block.partition("\n\n") if not block.startswith("\n") else ("", "\n", block[1:])
        if not blank:
            raise _bad(f"an armored block has no blank line after {headers[:40]!r}")
        lines = [line for line in content.split("\n") if line and not line.startswith("=")]  # the checksum adds nothing
        try:
            yield base64.b64decode("".join(line.strip() for line in lines), validate=True)
        except (binascii.Error, ValueError):
            raise _bad("an armored block is damaged") from None


# ------------------------------------------------------------------------------------------------------------- trust


def _signer(signature: _Signature, keys: Sequence[SigningKey]) -> SigningKey:
    for key in keys:
        if key.fingerprint.endswith(signature.issuer):
            return key
    raise OnboardError(
        "the package is signed by a key that is not trusted",
        why=Text("The key is {key}; AWS uses other keys for the agent", key=signature.issuer),
        remedy="Fetch the package from AWS's bucket. If AWS has a new key, update Onboard",
    )


def _check_times(signature: _Signature, key: SigningKey, now: datetime) -> None:
    if signature.created < key.created or (key.expires and signature.created.date() > key.expires):
        raise OnboardError(
            "the package's signature was made outside its key's validity",
            why=Text(
                "Signed on {signed}; the key is valid from {first} to {last}",
                signed=f"{signature.created:%Y-%m-%d}",
                first=f"{key.created:%Y-%m-%d}",
                last=key.expires,
            ),
            remedy="Do not use it. Fetch the package from AWS's bucket",
        )
    if signature.lasts and signature.created + signature.lasts < now:
        raise OnboardError(
            "the package's signature has expired",
            why=Text("It was valid until {last}", last=f"{signature.created + signature.lasts:%Y-%m-%d}"),
            remedy="Choose a newer agent.version",
        )


def _warnings(key: SigningKey, now: datetime) -> tuple[str, ...]:
    if key.expires is None or now.date() <= key.expires:
        return ()
    return (
        Text(
            "The agent package is signed with a key that expired on {expired} ({key}); the signature was made before "
            "that. Newer agents are signed with a current key.",
            expired=key.expires,
            key=key.fingerprint[-16:],
        ),
    )


def _digests(package: Path, signature: _Signature, cancel: CancelToken | None) -> tuple[bytes, str]:
    """(digest over the document, the hashed part and the trailer of RFC 9580, 5.2.4; SHA-256 of the file in hex)."""
    signed, plain = hashlib.new(signature.hash_name), hashlib.sha256()
    with package.open("rb") as file:
        while piece := file.read(1 << 20):
            if cancel is not None:
                cancel.check_now()
            signed.update(piece)
            plain.update(piece)
    signed.update(signature.hashed + b"\x04\xff" + len(signature.hashed).to_bytes(4, "big"))
    return signed.digest(), plain.hexdigest()


def _bad(why: str) -> OnboardError:
    return OnboardError(
        "the OpenPGP data cannot be used",
        why=why[:1].upper() + why[1:],
        remedy="Fetch the file again from AWS's bucket",
    )
