"""OpenSSH host certificates (OpenSSH's PROTOCOL.certkeys): is one good for a server, and who signed it?"""

import base64
import re
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

SUFFIX = "-cert-v01@openssh.com"


@dataclass(frozen=True, slots=True)
class Checked:
    """`authority` and `key` are keys in wire format, None when unreadable; `problem` is None if there is none."""

    authority: bytes | None
    key: bytes | None
    problem: str | None


def is_certificate(key_type: str) -> bool:
    return key_type.endswith(SUFFIX)


def check_certificate(blob: bytes, address: str, now: float | None = None) -> Checked:
    """Signature, kind, principals and time of a host certificate. Does not check whether its authority is trusted."""
    length = int.from_bytes(blob[:4], "big")
    try:
        line = blob[4 : 4 + length] + b" " + base64.b64encode(blob)
        certificate = load_ssh_public_identity(line)
        if not isinstance(certificate, SSHCertificate):
            return Checked(None, None, "it is not a certificate")
        authority = _wire(certificate.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
        key = _wire(certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    except (ValueError, UnsupportedAlgorithm) as error:
        return Checked(None, None, f"it cannot be read ({error})")
    return Checked(authority, key, _problem(certificate, blob, address, time.time() if now is None else now))


def _problem(certificate: SSHCertificate, blob: bytes, address: str, now: float) -> str | None:
    if _signature_algorithm(blob) == "ssh-rsa":
        return "it is signed with SHA-1"
    try:
        certificate.verify_cert_signature()
    except (InvalidSignature, UnsupportedAlgorithm):
        return "its signature is wrong"
    if certificate.type is not SSHCertificateType.HOST:
        return "it is not for hosts"
    if certificate.critical_options:
        return "it has critical options, which are not defined for hosts"
    if not certificate.valid_after <= now < certificate.valid_before:
        return "it is not valid at this time"
    if not any(_principal_matches(principal.decode("utf-8", "replace"), address)
               for principal in certificate.valid_principals):  # fmt: skip
        return f"it does not name {address}"
    return None


def _principal_matches(pattern: str, address: str) -> bool:
    wildcards = {"*": ".*", "?": "."}
    compiled = "".join(wildcards.get(character, re.escape(character)) for character in pattern.lower())
    return re.fullmatch(compiled, address.lower()) is not None


def _signature_algorithm(blob: bytes) -> str:
    """The first string inside the certificate's last string, its signature."""
    type_length = int.from_bytes(blob[:4], "big")
    key_type = blob[4 : 4 + type_length].decode("ascii", "replace")
    # nonce, and the key's own fields; then serial and type; id, principals; two times; options, extensions, reserved
    key_fields = 1 if key_type.startswith(("ssh-ed25519", "sk-")) else 2
    at = 4 + type_length
    for step in [None] * (1 + key_fields) + [8 + 4] + [None] * 2 + [8 + 8] + [None] * 4:
        at += step if step is not None else 4 + int.from_bytes(blob[at : at + 4], "big")
    signature = blob[at + 4 :]
    length = int.from_bytes(signature[:4], "big")
    return signature[4 : 4 + length].decode("ascii", "replace")


def _wire(openssh_line: bytes) -> bytes:
    return base64.b64decode(openssh_line.split(b" ")[1])
