"""Private key files to log in with: OpenSSH and PEM formats, encrypted or not, with or without a certificate."""

import contextlib
import io
import os
import stat
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from onboard.hosts.credentials import Secrets
from onboard.model.cancel import CancelToken
from onboard.model.errors import LogInRefused
from onboard.model.profile import Credential
from onboard.model.secret import Secret
from onboard.model.words import Remedy, Text, foreign, joined, sh

NO_FILE = (OSError, ValueError, RuntimeError)  # the latter two: no file can have this name; nobody has this ~name


def load_key(name: str, credential: Credential, secrets: Secrets, cancel: CancelToken) -> paramiko.PKey:
    """Read the credential's private key. Raises LogInRefused, without `where`."""
    if not credential.key_file:
        raise LogInRefused(
            "There is no key to log in with",
            why=Text("Credential {credential} has no key_file", credential=name),
            remedy="Give it a key_file",
        )
    try:
        path = Path(credential.key_file).expanduser()
        mode = path.stat()
        if os.name == "posix" and mode.st_uid == os.getuid() and stat.S_IMODE(mode.st_mode) & 0o077:
            raise LogInRefused(
                "The key file was not used",
                why=Text(
                    "Other users of this computer can read {path} (mode {mode})",
                    path=path,
                    mode=f"{stat.S_IMODE(mode.st_mode):04o}",
                ),
                remedy=Remedy("Make it readable only by you", sh("chmod", "600", foreign(str(path)))),
            )
        content = path.read_bytes()
    except NO_FILE as error:
        raise LogInRefused(
            "The key file cannot be read",
            why=joined(credential.key_file, getattr(error, "strerror", None) or str(error)),
            remedy="Correct key_file, or the file's permissions",
        ) from None
    with contextlib.suppress(TypeError):  # raised for encrypted keys
        return _parse_key(path, content, None)
    passphrase = secrets.passphrase(name, cancel)
    if passphrase is None:
        raise LogInRefused(
            "The key file is encrypted",
            why=Text("There is no passphrase for {path}", path=path),
            remedy=Text("Provide the secret {credential}_PASSPHRASE, or use ssh-agent", credential=name),
        )
    return _parse_key(path, content, passphrase)


def _parse_key(path: Path, content: bytes, passphrase: Secret | None) -> paramiko.PKey:
    """TypeError when a passphrase is needed and none given.

    Parsed by cryptography: paramiko's own parser knows no PKCS #8 and refuses some ECDSA keys without a comment.
    """
    secret = passphrase.reveal().encode() if passphrase is not None else None
    try:
        if b"BEGIN OPENSSH PRIVATE KEY" in content:
            private: object = load_ssh_private_key(content, secret)
        else:
            private = load_pem_private_key(content, secret)
        key = _to_paramiko(private)
    except UnsupportedAlgorithm:
        key = None
    except ValueError:
        if passphrase is not None:
            raise LogInRefused(
                "The key file cannot be decrypted",
                why=Text("The passphrase for {path} is wrong", path=path),
                remedy="Correct the credential's passphrase",
            ) from None
        raise LogInRefused(
            "The key cannot be used",
            why=Text("{path} is not a private key in OpenSSH's or PEM format", path=path),
            remedy="Name the private key, not the .pub file; convert PuTTY's .ppk with puttygen",
        ) from None
    if key is None:
        raise LogInRefused(
            "The key cannot be used",
            why=Text("{path} holds a key of a type that is not supported", path=path),
            remedy="Use an Ed25519, ECDSA or RSA key, or ssh-agent",
        )
    certificate = path.with_name(path.name + "-cert.pub")
    try:
        if certificate.is_file():
            key.load_certificate(str(certificate))
    except (OSError, ValueError):
        raise LogInRefused(
            "The key's certificate cannot be used",
            why=Text("{path} cannot be read, is damaged, or is for a key of another type", path=certificate),
            remedy="Renew it, or move it elsewhere to log in with the key alone",
        ) from None
    return key


def _to_paramiko(private: object) -> paramiko.PKey | None:
    """None for a type that paramiko does not use."""
    if isinstance(private, RSAPrivateKey):
        return paramiko.RSAKey(key=private)
    if isinstance(private, EllipticCurvePrivateKey):
        return paramiko.ECDSAKey(vals=(private, private.public_key()))
    if isinstance(private, Ed25519PrivateKey):
        text = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        return paramiko.Ed25519Key(file_obj=io.StringIO(text.decode()))
    return None
