"""The practice's own OpenPGP key: new for each practice, trusted nowhere else.

Writes the few version 4 packets that a detached signature needs (RFC 4880 §4.2, §5.2, §5.5, §5.11). Like AWS's key it
is one RSA key that certifies itself and signs the packages.
"""

import base64
import hashlib
import struct
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

USER_ID = "Onboard practice <practice@onboard.invalid>"
KEY_BITS = 2048
SIGNATURE, PUBLIC_KEY, USER_ID_PACKET = 2, 6, 13
BINARY, POSITIVE_CERTIFICATION = 0x00, 0x13
RSA, SHA256 = 1, 8


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, kept in memory only, and its public half."""

    _private: rsa.RSAPrivateKey
    _created: int

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new RSA key, dated a minute ago, so that it is not in the future for a clock that is slightly behind."""
        return cls(rsa.generate_private_key(65537, KEY_BITS), int(time.time()) - 60)

    @property
    def fingerprint(self) -> str:
        """40 hexadecimal digits, upper case."""
        return self._fingerprint().hex().upper()

    def sign(self, data: bytes) -> bytes:
        """A detached binary signature over `data` (SHA-256)."""
        return self._signature(BINARY, data, b"", int(time.time()))

    def public_key(self) -> str:
        """The certificate (key, user id, self-signature) in ASCII armor."""
        body = self._key_body()
        name = USER_ID.encode()
        certified = _hashed_key(body) + b"\xb4" + struct.pack(">I", len(name)) + name
        usable_for_certifying_and_signing = _subpacket(27, b"\x03")
        # As old as the key: a self-signature that is younger than a package's signature would not vouch for it.
        signature = self._signature(POSITIVE_CERTIFICATION, certified, usable_for_certifying_and_signing, self._created)
        return _armored(_packet(PUBLIC_KEY, body) + _packet(USER_ID_PACKET, name) + signature)

    def _key_body(self) -> bytes:
        numbers = self._private.public_key().public_numbers()
        return struct.pack(">BIB", 4, self._created, RSA) + _mpi(numbers.n) + _mpi(numbers.e)

    def _fingerprint(self) -> bytes:
        return hashlib.sha1(_hashed_key(self._key_body()), usedforsecurity=False).digest()

    def _signature(self, kind: int, data: bytes, more_hashed: bytes, made: int) -> bytes:
        fingerprint = self._fingerprint()
        hashed = _subpacket(2, struct.pack(">I", made)) + _subpacket(33, b"\x04" + fingerprint) + more_hashed
        unhashed = _subpacket(16, fingerprint[-8:])
        head = struct.pack(">BBBBH", 4, kind, RSA, SHA256, len(hashed)) + hashed
        signed = data + head + b"\x04\xff" + struct.pack(">I", len(head))
        number = int.from_bytes(self._private.sign(signed, padding.PKCS1v15(), hashes.SHA256()), "big")
        start_of_hash = hashlib.sha256(signed).digest()[:2]
        body = head + struct.pack(">H", len(unhashed)) + unhashed + start_of_hash + _mpi(number)
        return _packet(SIGNATURE, body)


def _hashed_key(body: bytes) -> bytes:
    return b"\x99" + struct.pack(">H", len(body)) + body


def _mpi(number: int) -> bytes:
    return struct.pack(">H", number.bit_length()) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _subpacket(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


def _packet(tag: int, body: bytes) -> bytes:
    """A packet in the old format with a two-byte length, as GnuPG writes it."""
    return bytes([0x80 | tag << 2 | 1]) + struct.pack(">H", len(body)) + body


def _armored(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    checksum = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
    block = ["-----BEGIN PGP PUBLIC KEY BLOCK-----", "", *lines, f"={checksum}", "-----END PGP PUBLIC KEY BLOCK-----"]
    return "\n".join(block) + "\n"


def _crc24(data: bytes) -> int:
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc
