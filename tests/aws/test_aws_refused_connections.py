"""A proxy or TLS that refuses the connection to AWS: what it said is told."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onboard.aws.identity import identify
from onboard.aws.session import open_aws
from onboard.model.errors import AwsError
from onboard.model.profile import Profile

AWS = "https://sts.eu-central-1.amazonaws.com"  # never connected to: the proxy refuses


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setattr("onboard.aws.answers.RETRIES", 0)


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where `answer` is called with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        answer(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def refused(url: str) -> AwsError:
    profile = Profile.model_validate({"region": {"name": "eu-central-1"}, "aws": {"endpoint_url": url}})
    with pytest.raises(AwsError) as caught:
        identify(open_aws(profile))
    return caught.value


@pytest.mark.parametrize(
    ("status", "what", "remedy"),
    [
        ("407 Proxy Authentication Required", "wants a user name", "USER:PASSWORD"),
        ("403 Blocked by policy", "refuses to connect", "allowed on the proxy"),
    ],
)
def test_what_a_proxy_says_is_told(status: str, what: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    with answering(refuse) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        error = refused(AWS)
    assert what in error.what
    assert status in error.why
    assert remedy in error.remedy


def certificate(folder: Path, *, name: str, days: int) -> Path:
    """A certificate with its key, signed by itself, that ends so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    try:
        other: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        other = x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([other]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("name", "days", "trusted", "said", "remedy"),
    [
        ("127.0.0.1", 1, False, "self-signed certificate", "AWS_CA_BUNDLE"),
        ("127.0.0.1", -1, True, "certificate has expired", "clock"),
        ("elsewhere.example", 1, True, "doesn't match 'elsewhere.example'", "endpoint URL"),
        ("", 0, False, "wrong version number", "scheme"),
    ],
)
def test_what_openssl_says_is_told(
    name: str, days: int, trusted: bool, said: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    answer = plain
    if name:
        path = certificate(tmp_path, name=name, days=days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if trusted:
            monkeypatch.setenv("AWS_CA_BUNDLE", str(path))

        def over_tls(connection: socket.socket) -> None:
            context.wrap_socket(connection, server_side=True).close()

        answer = over_tls
    with answering(answer) as port:
        error = refused(f"https://127.0.0.1:{port}")
    assert "not trusted" in error.what
    assert said in error.why
    assert remedy in error.remedy
