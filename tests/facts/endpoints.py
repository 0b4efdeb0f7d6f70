"""Endpoints on loopback of every kind a server may meet."""

import datetime as dt
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DATE = "Tue, 24 Nov 2026 05:43:29 GMT"
ANSWER = f"HTTP/1.1 404 Not Found\r\nDate: {DATE}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def certificate(folder: Path, organisation: str, common_name: str) -> ssl.SSLContext:
    """A TLS server's context: a certificate for localhost, issued by a CA of this name, and the CA's own."""
    now = dt.datetime.now(dt.UTC)
    issuer = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def signed(subject: x509.Name, public: ec.EllipticCurvePublicKey, ca: bool) -> bytes:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        builder = builder.not_valid_after(now + dt.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    chain = folder / "chain.pem"
    chain.write_bytes(signed(subject, key.public_key(), ca=False) + signed(issuer, ca_key.public_key(), ca=True))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return context


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port that hands each connection to `serve`, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with closing(connection):
            connection.settimeout(20)
            try:
                serve(connection)
            except OSError:
                return  # the other side gave up, as some tests want it to

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=one, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join()


def head(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(4096)
        if not more:
            break
        received += more
    return received.decode("latin-1")


def plain(connection: socket.socket) -> None:
    if head(connection):
        connection.sendall(ANSWER)


def over_tls(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            plain(secure)

    return serve


def silent(connection: socket.socket) -> None:
    """Takes whatever comes and says nothing until the other side gives up."""
    while connection.recv(4096):
        pass


def hanging_up(connection: socket.socket) -> None:
    connection.recv(1)


def proxy(seen: list[str], refuse: bool = False) -> Callable[[socket.socket], None]:
    """An HTTP proxy (CONNECT, and GET of a whole URL); `seen` gets each request's head."""

    def serve(connection: socket.socket) -> None:
        request = head(connection)
        if not request:
            return
        seen.append(request)
        if refuse:
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        method, target, _ = request.split("\r\n")[0].split(" ")
        if method != "CONNECT":
            connection.sendall(ANSWER)
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as beyond:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pair = {connection: beyond, beyond: connection}
            while True:
                for ready in select.select(list(pair), [], [], 20)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pair[ready].sendall(data)

    return serve


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def dropping() -> Iterator[int]:
    """A port where connections are neither taken nor refused: its queue is full, the kernel drops what comes."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
