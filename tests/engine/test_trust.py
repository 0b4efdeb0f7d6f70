"""Reading host keys: each is told as soon as it is read, so that nobody waits for the slowest."""

import base64
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openssh import openssh

from onboard.engine.survey import finish_with
from onboard.engine.trust import trust
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import KeyVerdict, KnownHosts, Trust, entry_name
from onboard.hosts.ssh.refusals import untrusted
from onboard.model.cancel import CancelToken
from onboard.model.events import HostFinished, Noted
from onboard.model.profile import Host, Profile
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.wizard.draft import with_hosts


def test_a_server_that_says_nothing_holds_up_nobody(bench: Callable[..., Any], tmp_path: Path) -> None:
    place = bench(2)
    state, ended = State(), []
    with place.tools() as tools, socket.create_server(("127.0.0.1", 0)) as silent:
        mute = Host(name="mute", address="127.0.0.1", port=silent.getsockname()[1])
        profile = with_hosts(place.profile, [mute, *place.profile.hosts])
        strange = replace(tools, known_hosts=KnownHosts(tmp_path / "known_hosts"))
        for event in trust(profile, strange, CancelToken()):
            state.fold(event)
            if isinstance(event, HostFinished):
                ended.append(event.host)
                if len(ended) == 2:
                    connection, _ = silent.accept()
                    connection.close()
    assert ended[2] == "mute"
    assert state.hosts["mute"].status is HostStatus.UNREACHABLE
    assert {key.trust for host in place.profile.hosts for key in state.hosts[host.name].keys} == {"new"}


def trusting(bench: Callable[..., Any], profile: Profile, known: KnownHosts, **settings: Any) -> State:
    state = State()
    with bench(1).tools() as tools:
        for event in trust(profile, replace(tools, known_hosts=known), CancelToken(), **settings):
            state.fold(event)
    return state


def test_a_server_whose_key_cannot_be_read_is_not_ready(bench: Callable[..., Any], tmp_path: Path) -> None:
    options = {"HostKeyAlgorithms": "ssh-rsa"}  # signed with SHA-1
    with openssh(tmp_path, key_types=("rsa",), options=options) as old:
        host = old.host("old")
        state = trusting(bench, Profile(hosts=(host,)), KnownHosts(tmp_path / "own"), accept=True)
    assert state.hosts["old"].status is HostStatus.UNREACHABLE
    assert "no SSH algorithm in common" in state.hosts["old"].reason
    assert "OpenSSH" in state.hosts["old"].remedy


OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGkJt3rcgNVMbqLXUR4zuxm3CV3Q9dDYbW1dTtzRDyXW"


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize("told", ["changed", "revoked"])
def test_a_supplied_file_that_contradicts_wins(
    bench: Callable[..., Any], tmp_path: Path, told: str, accept: bool, is_known: bool
) -> None:
    with openssh(tmp_path) as server:
        host, own = server.host("web"), tmp_path / "own"
        name = entry_name(host.place)
        shown = " ".join(server.host_keys["ed25519"].split()[:2])
        if is_known:
            own.write_text(f"{name} {shown}\n")
        before = own.read_text() if is_known else ""
        supplied = tmp_path / "supplied"
        supplied.write_text(f"{name} {OTHER}\n" if told == "changed" else f"{name} {shown}\n@revoked * {shown}\n")
        state = trusting(
            bench,
            Profile(hosts=(host,)),
            KnownHosts(own),
            supplied=KnownHosts.from_file(supplied),
            accept=accept,
            approve={"web": fingerprint(shown)},
        )
        assert (own.read_text() if own.exists() else "") == before
    assert state.hosts["web"].status is HostStatus.UNTRUSTED
    assert [key.trust for key in state.hosts["web"].keys] == [told]
    assert told in state.hosts["web"].reason
    assert "accept-new" not in state.hosts["web"].remedy
    assert str(supplied) in state.hosts["web"].remedy


def fingerprint(line: str) -> str:
    return HostKey(base64.b64decode(line.split()[1])).fingerprint


def test_a_known_hosts_file_that_is_not_understood_is_named(bench: Callable[..., Any], tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("no entry\n")
    with bench(1).tools() as tools:
        events = list(trust(Profile(), replace(tools, known_hosts=KnownHosts(own)), CancelToken()))
    assert [event.text for event in events if isinstance(event, Noted)] == [f"{own}: 0 of its 1 lines were understood"]


@pytest.mark.parametrize("trust_in_it", [Trust.NEW, Trust.CHANGED, Trust.REVOKED])
def test_accepting_is_suggested_for_new_keys_alone(trust_in_it: Trust) -> None:
    host = Host(name="web", address="10.0.0.1")
    verdict = KeyVerdict(trust_in_it, "known_hosts:1")
    ended = finish_with(host, untrusted(host, HostKey(base64.b64decode(OTHER.split()[1])), verdict))
    assert ended.status is HostStatus.UNTRUSTED
    assert ("accept-new" in str(ended.remedy)) is (trust_in_it is Trust.NEW)
