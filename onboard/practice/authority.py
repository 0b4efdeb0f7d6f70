"""The certificate authority of one practice, for the part of it that agents reach only over TLS.

Its key exists only while its one certificate is signed. It may vouch for the practice's own address and for nothing
else, so that a server that trusts it is not open to anybody who might have that key.
"""

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onboard.files import write_private
from onboard.practice.agent import PRACTICE_AUTHORITY

BEFORE, AFTER = timedelta(days=1), timedelta(days=365)
"""How long its certificates are valid, seen from now: servers' clocks may be slow."""


@dataclass(frozen=True, slots=True)
class Authority:
    """`certificate`: the root certificate as PEM, for those that shall trust it. `context`: for its server."""

    certificate: str
    context: ssl.SSLContext


def new_authority(address: str) -> Authority:
    """A new authority, with a server at this IP address. Raises ValueError if it is not one, OSError."""
    ip = ipaddress.ip_address(address)
    root_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PRACTICE_AUTHORITY)])
    only_here = x509.IPAddress(ipaddress.ip_network(ip))
    root = (
        _unsigned(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints([only_here], None), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    server = (
        _unsigned(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)]), root_name, server_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return Authority(_pem(root), _server_context(server, server_key))


def _unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _server_context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory(prefix="onboard-practice-") as folder:  # ssl reads keys from files only
        path = Path(folder) / "server.pem"
        write_private(path, secret.decode() + _pem(certificate))
        context.load_cert_chain(path)
    return context


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
