"""Practice servers on the wire: log-in, privilege, facts, uploads; nothing else is done there."""

import hashlib
from collections.abc import Iterator

import paramiko
import pytest
from practice_client import FACTS, converse, facts_of, logged_in, run, wanted
from practice_images import CHECKED_IMAGES

from onboard.checks import catalog as checks
from onboard.checks.base import Context
from onboard.facts import bundle
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import clock, endpoint_reach, machine_identity, privilege, registration, root_certificates
from onboard.facts.posix.endpoint_reach import Outcome
from onboard.hosts.ssh.dialogue import Request, UploadAnswer
from onboard.model.endpoints import Endpoints
from onboard.model.finding import Verdict
from onboard.model.status import HostStatus
from onboard.practice.image import image, images
from onboard.practice.machine import ACCOUNT
from onboard.practice.serve import Practice, running_practice
from onboard.practice.server import ADDRESS
from onboard.scripts.posix import POSIX

ANSWERING = (*CHECKED_IMAGES, image("busy-packages"))  # all that let us in and show everything


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with running_practice(only=ANSWERING) as running:
        yield running


@pytest.fixture(scope="module")
def facts(practice: Practice) -> dict[str, Facts]:
    return {server.name: facts_of(practice, server) for server in practice.servers}


@pytest.mark.parametrize("server", [found.name for found in ANSWERING])
def test_every_fact_is_known(facts: dict[str, Facts], server: str) -> None:
    assert facts[server].unknown() == {}
    assert set(facts[server].known()) == {fact.name for fact in FACTS}


def test_each_faulty_server_shows_its_fault_and_no_other(facts: dict[str, Facts]) -> None:
    for name, answers in facts.items():
        reach, time = answers.get(endpoint_reach.FACT), answers.get(clock.FACT)
        roots, node = answers.get(root_certificates.FACT), answers.get(registration.FACT)
        assert not isinstance(reach, Unknown)
        assert not isinstance(time, Unknown)
        assert not isinstance(roots, Unknown)
        assert not isinstance(node, Unknown)
        assert time.here is not None
        shown = {
            "no-route": {endpoint.outcome for endpoint in reach.endpoints} != {Outcome.REACHED},
            "slow-clock": abs(time.here - time.server) > 60,
            "no-amazon-roots": not roots.amazon,
            "other-account": node.instance_id != "",
        }
        assert [fault for fault, is_there in shown.items() if is_there] == [name for fault in shown if fault == name]


def test_the_checks_find_the_one_thing_that_is_wrong_and_nothing_else(
    practice: Practice, facts: dict[str, Facts]
) -> None:
    profile = practice.profile()
    url = practice.endpoint_url
    context = Context(profile, practice.region, "123456789012", Endpoints(url, url, url, url), frozenset())
    fleet = checks.judge_fleet(profile.hosts, facts, context)
    for host, server in zip(profile.hosts, practice.servers, strict=True):
        findings = (*checks.judge(host, facts[host.name], context), *fleet[host.name])
        wrong = [finding for finding in findings if finding.status is not Verdict.PASS]
        expected = [server.machine.image.check] if server.machine.image.check else []
        assert [finding.check for finding in wrong] == expected, (host.name, wrong)
        assert all(finding.remedy for finding in wrong)
        image = server.machine.image
        as_seen = HostStatus.READY if image.is_healthy else HostStatus.WARNED
        wanted_status = as_seen if image.ends is HostStatus.ONLINE else image.ends
        assert checks.host_status(findings) is wanted_status, host.name


def test_every_image_names_a_check_that_there_is() -> None:
    known = {check.name for check in checks.CHECKS} | {check.name for check in checks.FLEET_CHECKS}
    assert {found.check for found in images()} - {""} <= known


def test_clones_share_machine_id_and_host_key_and_nobody_else_does(practice: Practice, facts: dict[str, Facts]) -> None:
    seen: dict[tuple[str, str], list[str]] = {}
    for server in practice.servers:
        identity = facts[server.name].get(machine_identity.FACT)
        assert not isinstance(identity, Unknown)
        with logged_in(practice, server) as transport:
            key = transport.get_remote_server_key().get_base64()
        seen.setdefault((identity.machine_id, key), []).append(server.name)
    assert [names for names in seen.values() if len(names) > 1] == [["clone", "clone-2"]]


def test_the_host_keys_on_the_wire_are_those_of_known_hosts(practice: Practice) -> None:
    lines = practice.known_hosts.splitlines()
    for server, line in zip(practice.servers, lines, strict=True):
        with logged_in(practice, server) as transport:
            key = transport.get_remote_server_key()
        assert line == f"[127.0.0.1]:{server.port} {key.get_name()} {key.get_base64()}"


def test_privilege_is_as_asked(practice: Practice) -> None:
    server = practice.server("healthy-debian")
    script = bundle.compose(POSIX, [privilege.FACT], wanted(practice))
    for privileged, uid in ((True, 0), (False, 1000)):
        answer = run(practice, server, Request.new(script, privileged=privileged))
        value = bundle.parse([privilege.FACT], answer).get(privilege.FACT)
        assert not isinstance(value, Unknown)
        assert value.uid == uid


def test_banner_and_noise_do_not_reach_the_answer(practice: Practice) -> None:
    server = practice.server("healthy-rhel")
    with logged_in(practice, server) as transport:
        assert b"private system" in (transport.get_banner() or b"")
        with transport.open_session() as channel:
            channel.exec_command("/bin/sh")
            channel.shutdown_write()
            assert b"Welcome" in channel.makefile().read()
    answers = facts_of(practice, server)
    assert answers.unknown() == {}


def test_an_upload_is_hashed_and_goes_with_the_connection(practice: Practice) -> None:
    server = practice.server("healthy-debian")
    before = dict(server.machine.files)
    content = bytes(range(256)) * 1000
    with logged_in(practice, server) as transport, transport.open_session() as channel:
        request = Request.upload("agent.deb", len(content))
        answer = UploadAnswer.parse(converse(channel, request, given=content).result().stdout)
        assert answer.sha256 == hashlib.sha256(content).hexdigest()
        assert server.machine.files[answer.path] == content
        channel.shutdown_write()
        channel.recv(1)  # the channel's end
    assert server.machine.files == before


def test_an_upload_that_breaks_off_leaves_nothing(practice: Practice) -> None:
    server = practice.server("healthy-debian")
    before = dict(server.machine.files)
    with logged_in(practice, server) as transport, transport.open_session() as channel:
        channel.exec_command("/bin/sh")
        channel.sendall(Request.upload("agent.deb", 100).text().encode())
        channel.sendall(b"too little")
    assert facts_of(practice, server).unknown() == {}
    assert server.machine.files == before


def test_nothing_is_executed(practice: Practice) -> None:
    server = practice.server("healthy-debian")
    result = run(practice, server, Request.new("touch /tmp/onboard-practice-was-here; id"))
    assert (result.exit_code, result.stdout) == (127, b"")
    with logged_in(practice, server) as transport, transport.open_session() as channel:
        channel.exec_command("id")
        assert channel.recv_exit_status() == 127


def test_tunnels_are_refused(practice: Practice) -> None:
    server = practice.server("healthy-debian")
    with logged_in(practice, server) as transport, pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", (ADDRESS, practice.server("clone").port), (ADDRESS, 1), timeout=10)


def test_a_wrong_key_a_wrong_name_and_a_password_are_refused(practice: Practice) -> None:
    server = practice.server("healthy-debian")
    right = paramiko.Ed25519Key.from_private_key_file(str(practice.key_file))
    for name, key in ((ACCOUNT, paramiko.ECDSAKey.generate()), ("root", right)):
        transport = paramiko.Transport((ADDRESS, server.port))
        try:
            transport.start_client(timeout=10)
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey(name, key)
        finally:
            transport.close()
            transport.join(10)
    transport = paramiko.Transport((ADDRESS, server.port))
    try:
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password(ACCOUNT, "guess")
    finally:
        transport.close()
        transport.join(10)
