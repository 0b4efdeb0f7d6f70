"""Reading host keys: each is told as soon as it is read, so that nobody waits for the slowest."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from onboard.engine.trust import trust
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.events import HostFinished
from onboard.model.profile import Host
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
