"""Logs in to practice servers with plain paramiko, for tests of what they say on the wire."""

from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from onboard.facts import bundle
from onboard.facts.base import Facts, Wanted
from onboard.facts.catalog import facts_of
from onboard.hosts.connection import ScriptResult
from onboard.hosts.ssh.dialogue import COMMAND, Dialogue, Request, Want
from onboard.model.endpoints import Endpoints
from onboard.model.family import Family
from onboard.practice.machine import ACCOUNT
from onboard.practice.serve import Practice
from onboard.practice.server import ADDRESS, PracticeServer
from onboard.scripts.posix import POSIX

FACTS = facts_of(Family.POSIX)


@contextmanager
def logged_in(practice: Practice, server: PracticeServer) -> Iterator[paramiko.Transport]:
    transport = paramiko.Transport((ADDRESS, server.port))
    try:
        transport.start_client(timeout=10)
        transport.auth_publickey(ACCOUNT, paramiko.Ed25519Key.from_private_key_file(str(practice.key_file)))
        yield transport
    finally:
        transport.close()
        transport.join(10)


def converse(channel: paramiko.Channel, request: Request, *, given: bytes = b"", password: bytes = b"") -> Dialogue:
    """Send the request and do what its dialogue wants."""
    channel.settimeout(10)
    channel.exec_command(COMMAND)
    dialogue = Dialogue(request)
    channel.sendall(request.text().encode())
    want = Want.MORE
    while want is not Want.NOTHING:
        out = err = b""
        if channel.recv_stderr_ready():
            err = channel.recv_stderr(65536)
        elif channel.recv_ready():
            out = channel.recv(65536)
        elif channel.closed or (channel.exit_status_ready() and channel.eof_received):
            dialogue.end_of_stream()
            break
        else:
            channel.status_event.wait(0.002)
        want = dialogue.feed(out, err)
        if want is Want.PASSWORD:
            channel.sendall(password + b"\n")
        if want is Want.INPUT:
            channel.sendall(given)
    return dialogue


def run(practice: Practice, server: PracticeServer, request: Request, **given: bytes) -> ScriptResult:
    with logged_in(practice, server) as transport, transport.open_session() as channel:
        return converse(channel, request, **given).result()


def wanted(practice: Practice) -> Wanted:
    url = practice.endpoint_url
    return Wanted(Endpoints(ssm=url, ssmmessages=url, ec2messages=url, s3=url))


def facts_of(practice: Practice, server: PracticeServer) -> Facts:
    """Ask all facts in one round trip, as root."""
    request = Request.new(bundle.compose(POSIX, FACTS, wanted(practice)), privileged=True)
    return bundle.parse(FACTS, run(practice, server, request))
