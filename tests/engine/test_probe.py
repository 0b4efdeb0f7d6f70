"""Testing one server: what each failure says of the stages before it, and a resolver that does not answer."""

import socket
import threading
from collections.abc import Callable, Iterator

import asyncssh
import pytest
from engine.conftest import Bench

from onboard.engine.probe import probe
from onboard.model.cancel import CancelToken
from onboard.model.events import CONNECTION_STAGES
from onboard.model.profile import CredentialKind, Host
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.practice.loop_thread import running

NAMELESS = Host(name="a", address="no-such-name.invalid")


@pytest.fixture
def work(bench: Callable[..., Bench]) -> Bench:
    return bench(1)


@pytest.fixture
def probed(work: Bench) -> Callable[..., State]:
    def run(host: Host | None = None, cancel: CancelToken | None = None) -> State:
        with work.tools() as tools:
            return fold(probe(work.profile, host or work.profile.hosts[0], tools, cancel or CancelToken()))

    return run


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that nothing listens on, and that nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def use(work: Bench, **credential: object) -> None:
    """Let the server be logged in to with another credential."""
    (name,) = work.profile.credentials
    changed = work.profile.credentials[name].model_copy(update=credential)
    work.profile = work.profile.model_copy(update={"credentials": {name: changed}})


def outcomes(state: State) -> dict[str, str]:
    ((_, told),) = state.connection.items()
    assert [stage.stage for stage in told] == list(CONNECTION_STAGES)
    return {stage.stage: stage.outcome for stage in told}


def failed(state: State) -> tuple[str, str, str]:
    """Stage, detail and remedy of the one that failed."""
    ((_, told),) = state.connection.items()
    (stage,) = (stage for stage in told if stage.outcome == "failed")
    return stage.stage, stage.detail, stage.remedy


def test_every_stage_passes(probed: Callable[..., State]) -> None:
    state = probed()
    ((name, host),) = state.hosts.items()
    assert host.status is HostStatus.READY
    assert [stage.outcome for stage in state.connection[name]] == ["passed"] * 5


def test_an_unknown_name_ends_with_reason_and_remedy(probed: Callable[..., State]) -> None:
    state = probed(NAMELESS)
    host, stages = state.hosts["a"], state.connection["a"]
    assert host.status is HostStatus.UNREACHABLE
    assert (host.reason, bool(host.remedy)) == ("The server's name cannot be resolved", True)
    assert [stage.outcome for stage in stages] == ["failed", *["skipped"] * 4]
    assert "no-such-name.invalid cannot be resolved" in stages[0].detail


def test_a_resolver_that_does_not_answer_can_be_stopped(
    probed: Callable[..., State], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, let_go, cancel = threading.Event(), threading.Event(), CancelToken()
    answered: list[bool] = []

    def silent(*_: object, **__: object) -> list[object]:
        asked.set()
        answered.append(let_go.wait(10))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    stopper = threading.Thread(target=lambda: asked.wait(10) and cancel.stop_now())
    stopper.start()
    try:
        assert probed(NAMELESS, cancel).hosts["a"].status is HostStatus.SKIPPED
        assert not answered
    finally:
        let_go.set()
        stopper.join()


# What was not tried is never told as passed

NOT_CONTACTED = {
    "name": "passed", "port": "skipped", "identity": "skipped", "log-in": "failed", "privilege": "skipped",
}  # fmt: skip


def test_a_key_file_that_cannot_be_read_says_nothing_of_the_port(
    work: Bench, probed: Callable[..., State], closed_port: int
) -> None:
    use(work, key_file="/no/such/key")
    (host,) = work.profile.hosts
    state = probed(host.model_copy(update={"port": closed_port}))
    assert outcomes(state) == NOT_CONTACTED
    stage, detail, remedy = failed(state)
    assert (stage, "/no/such/key" in detail, bool(remedy)) == ("log-in", True, True)


@pytest.mark.parametrize("case", ["no credential", "no password", "secret_command fails"])
def test_a_credential_that_cannot_be_had_says_nothing_of_the_server(
    work: Bench, probed: Callable[..., State], case: str
) -> None:
    (host,) = work.profile.hosts
    match case:
        case "no credential":
            host = host.model_copy(update={"credential": "of-nobody"})
        case "no password":
            use(work, kind=CredentialKind.SSH_PASSWORD)
        case _:
            use(work, kind=CredentialKind.SSH_PASSWORD, secret_command=("false",))
    state = probed(host)
    assert outcomes(state) == NOT_CONTACTED
    assert all(failed(state))


def test_a_closed_port(work: Bench, probed: Callable[..., State], closed_port: int) -> None:
    (host,) = work.profile.hosts
    state = probed(host.model_copy(update={"port": closed_port}))
    assert list(outcomes(state).values()) == ["passed", "failed", "skipped", "skipped", "skipped"]
    assert "Nothing listens there" in failed(state)[1]


def test_a_key_that_nobody_approved(work: Bench, probed: Callable[..., State], monkeypatch: pytest.MonkeyPatch) -> None:
    another = "web1.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    monkeypatch.setattr(work, "known_hosts_text", lambda: another)
    state = probed()
    assert list(outcomes(state).values()) == ["passed", "passed", "failed", "skipped", "skipped"]
    assert state.counts() == {"untrusted": 1}


def test_a_log_in_that_the_server_refuses(work: Bench, probed: Callable[..., State]) -> None:
    use(work, username="somebody-else")
    state = probed()
    assert list(outcomes(state).values()) == ["passed", "passed", "passed", "failed", "skipped"]
    assert "refused the key for somebody-else" in failed(state)[1]


def test_a_connection_that_breaks_during_the_log_in(
    work: Bench, probed: Callable[..., State], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(Hasty.start, "hasty") as server:
        monkeypatch.setattr(work, "known_hosts_text", server.known_hosts)
        (host,) = work.profile.hosts
        state = probed(host.model_copy(update={"port": server.port}))
    assert list(outcomes(state).values()) == ["passed", "passed", "passed", "failed", "skipped"]
    assert "broke during the log-in" in failed(state)[1]
    assert state.counts() == {"unreachable": 1}


class Hasty:
    """An SSH server that shows its key, and hangs up as soon as somebody wants to log in."""

    def __init__(self, key: asyncssh.SSHKey, listener: asyncssh.SSHAcceptor) -> None:
        self._key = key
        self._listener = listener
        self.port = listener.get_port()

    @classmethod
    async def start(cls) -> "Hasty":
        key = asyncssh.generate_private_key("ssh-ed25519")
        return cls(key, await asyncssh.listen("127.0.0.1", 0, server_factory=_HangsUp, server_host_keys=[key]))

    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self._key.export_public_key().decode()}"

    async def stop(self) -> None:
        self._listener.close()
        await self._listener.wait_closed()


class _HangsUp(asyncssh.SSHServer):
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        self._connection.abort()
        return True
