"""Whatever looks at a server reaches it through the workbench's dialler, so that a jump host serves all commands."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine.conftest import Bench
from relay import Relay

from onboard.engine.check import check
from onboard.engine.probe import probe
from onboard.engine.trust import trust
from onboard.engine.workbench import Tools, workbench
from onboard.hosts.ssh.known_hosts import KnownHosts, entry_name
from onboard.model.cancel import CancelToken
from onboard.model.events import Event
from onboard.model.profile import Host, Profile
from onboard.model.state import fold
from onboard.model.status import HostStatus

COMMANDS: dict[str, Callable[[Profile, Tools], Iterator[Event]]] = {
    "trust": lambda profile, tools: trust(profile, tools, CancelToken()),
    "probe": lambda profile, tools: probe(profile, profile.hosts[0], tools, CancelToken()),
    "check": lambda profile, tools: check(profile, tools, CancelToken(), only=["architecture_supported"]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_behind_a_jump_host_is_reached(bench: Callable[..., Bench], tmp_path: Path, command: str) -> None:
    work = bench(1)
    (near,) = work.profile.hosts
    far = Host(name="far", address="far.invalid", jump="bastion", credential=near.credential)
    _, key = work.known_hosts_text().strip().split(" ", 1)
    listed = tmp_path / "far"
    listed.write_text(f"{entry_name(far.place)} {key}\n")
    relay = Relay(near.place.port)
    profile = work.profile.model_copy(update={"hosts": (far,)})
    known = KnownHosts.from_file(listed)
    with workbench(work.folder, profile.credentials, known_hosts=known, dialler=relay) as tools:
        state = fold(COMMANDS[command](profile, tools))
    host = state.hosts["far"]
    assert host.status is HostStatus.READY, host.reason
    assert relay.asked == [far]
    assert {stage.outcome for stage in state.connection.get("far", ())} <= {"passed"}
