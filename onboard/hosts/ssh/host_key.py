"""A server's public key, its types, and the algorithms that sign with each."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Key type in known_hosts → signature algorithms, best first (RFC 8332: an ssh-rsa key signs with SHA-2).
ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
KEY_TYPES = tuple(ALGORITHMS)
SHORTEST_RSA = 2048  # bits; NIST SP 800-131A allows nothing shorter


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key in SSH's wire format (RFC 4253 §6.6); a host certificate is one too."""

    blob: bytes

    @property
    def key_type(self) -> str:
        """Such as ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa."""
        length = int.from_bytes(self.blob[:4], "big")
        return self.blob[4 : 4 + length].decode("ascii", "replace")

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: SHA256: and unpadded base64."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def weakness(self) -> str:
        """Why this key is too weak to identify a server; "" if it is strong enough."""
        try:
            key = self.without_certificate()
        except ValueError:  # never trusted either
            return ""
        if key.key_type != "ssh-rsa":
            return ""
        _, _, modulus = _strings(key.blob)
        bits = int.from_bytes(modulus, "big").bit_length()
        return f"Its RSA host key has {bits} bits, fewer than {SHORTEST_RSA}" if bits < SHORTEST_RSA else ""

    def without_certificate(self) -> "HostKey":
        """The key that a certificate is about; a plain key itself. ValueError when it cannot be read."""
        # Takes long to import, and fingerprints, which is what facts want of a key, need none of it.
        from onboard.hosts.ssh.certificates import check_certificate, is_certificate

        if not is_certificate(self.key_type):
            return self
        key = check_certificate(self.blob, "").key
        if key is None:
            raise ValueError("the host certificate cannot be read")
        return HostKey(key)


def _strings(blob: bytes) -> tuple[bytes, bytes, bytes]:
    """The three fields of an RSA key: its type, e and n (RFC 4253 §6.6)."""
    fields = []
    for _ in range(3):
        end = 4 + int.from_bytes(blob[:4], "big")
        fields.append(blob[4:end])
        blob = blob[end:]
    return fields[0], fields[1], fields[2]


def algorithms_of(key_types: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for key_type in key_types for name in ALGORITHMS[key_type])
