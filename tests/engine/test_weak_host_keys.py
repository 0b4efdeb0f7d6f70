"""A server with an RSA host key of 1,024 bits is used, and a person is warned of it by whatever meets the key."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from openssh import OpenSsh, account, make_key, openssh

from onboard.engine.check import check
from onboard.engine.trust import trust
from onboard.engine.workbench import workbench
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.profile import Profile, RegionSection
from onboard.model.state import State, fold
from onboard.model.status import HostStatus

WARNING = "server: Its RSA host key has 1024 bits, fewer than 2048. Replace it on the server"


@contextmanager
def server_with(folder: Path, bits: int) -> Iterator[OpenSsh]:
    key = make_key(folder / "weak", "rsa", options=["-b", str(bits)])
    with openssh(folder, key_types=(), options={"HostKey": str(key)}) as server:
        server.host_keys = {"rsa": key.with_suffix(".pub").read_text()}
        yield server


@pytest.mark.parametrize(("bits", "warned"), [(1024, True), (2048, False)])
def test_a_short_rsa_key_is_warned_of(tmp_path: Path, bits: int, *, warned: bool) -> None:
    with server_with(tmp_path, bits) as server, account(server) as user:
        profile = Profile(
            region=RegionSection(name="eu-central-1"),
            credentials={"default": user.credential()},
            hosts=(server.host(),),
        )
        known = KnownHosts.from_file(server.known_hosts)
        with workbench(tmp_path / "home", profile.credentials, known_hosts=known) as tools:
            states = (
                fold(trust(profile, tools, CancelToken())),
                fold(check(profile, tools, CancelToken(), only=["architecture_supported"])),
            )
    assert {state.hosts["server"].status for state in states} == {HostStatus.READY}
    assert [is_warned(state) for state in states] == [warned, warned]


def is_warned(state: State) -> bool:
    return any(note.level == "warning" and note.text.startswith(WARNING) for note in state.notes)


@pytest.mark.parametrize("blob", [b"", b"\0\0\0\x07ssh-rsa", b"\0\0\0\x1cssh-rsa-cert-v01@openssh.com", b"\xff" * 9])
def test_a_key_that_cannot_be_read_breaks_nothing(blob: bytes) -> None:
    HostKey(blob).weakness  # noqa: B018 - it is not trusted either, whatever is said of it
