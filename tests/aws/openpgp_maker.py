"""Makes OpenPGP keys and signatures, also wrong ones, independently of the code that checks them (RFC 9580)."""

import hashlib
import time
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

HASHES = {
    2: ("sha1", hashes.SHA1()),  # noqa: S303 - to see it refused
    8: ("sha256", hashes.SHA256()),
    9: ("sha384", hashes.SHA384()),
    10: ("sha512", hashes.SHA512()),
}


@cache
def private_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key for each number, made once: making them is slow."""
    return rsa.generate_private_key(65537, bits)


def mpi(number: int) -> bytes:
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def subpacket(kind: int, content: bytes, *, critical: bool = False) -> bytes:
    return bytes([len(content) + 1, kind | (0x80 if critical else 0)]) + content


@dataclass(frozen=True)
class Maker:
    """A key that signs. `created` in seconds since the epoch."""

    number: int = 0
    created: int = 1_700_000_000

    @property
    def body(self) -> bytes:
        numbers = private_key(self.number).public_key().public_numbers()
        return b"\x04" + self.created.to_bytes(4, "big") + b"\x01" + mpi(numbers.n) + mpi(numbers.e)

    @property
    def key(self) -> bytes:
        return packet(6, self.body)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha1(b"\x99" + len(self.body).to_bytes(2, "big") + self.body).hexdigest().upper()  # noqa: S324

    def sign(
        self,
        data: bytes,
        *,
        algorithm: int = 8,
        kind: int = 0,
        version: int = 4,
        made: int | None = None,
        more: bytes = b"",
        unhashed: bytes = b"",
    ) -> bytes:
        name, hash_ = HASHES[algorithm]
        when = int(time.time()) if made is None else made
        hashed = subpacket(2, when.to_bytes(4, "big")) + subpacket(33, b"\x04" + bytes.fromhex(self.fingerprint)) + more
        head = bytes([version, kind, 1, algorithm]) + len(hashed).to_bytes(2, "big") + hashed
        digest = hashlib.new(name, data + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
        value = private_key(self.number).sign(digest, padding.PKCS1v15(), Prehashed(hash_))
        rest = len(unhashed).to_bytes(2, "big") + unhashed + digest[:2] + mpi(int.from_bytes(value, "big"))
        return packet(2, head + rest)
