"""Whole runs against servers whose every answer is altered after the key exchange: what they can and cannot do.

Each case is one server, which alters what it sends in its own way, through the whole of a command: apply; trust (the
key exchange is altered too) and then apply; undo of an apply that succeeded; apply with endpoints that are tried
through tunnels. Many servers are worked on in one command, and each is judged on its own. The engine is the wizard's
child process, so that its memory is its own.

All cases: pytest -n0 -m whole tests/engine/test_hostile_server.py
"""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import asyncssh
import boto3
import pytest
from engine.conftest import Bench
from whole import Tally, sizes

from onboard.cli.text import People
from onboard.home import home
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import OWN_FILE
from onboard.model import orders
from onboard.model.event_json import event_from_json
from onboard.model.events import RunFinished
from onboard.model.harmless import harmless
from onboard.model.profile import Profile
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.practice.calls import CallLog
from onboard.practice.image import FactAnswer, Image, image
from onboard.practice.server import PracticeServer

SEED = 20261129
MODES = ("apply", "trust", "undo", "tunnel")
TOGETHER = 25  # servers in one command, at most
MEMORY = 400  # MB that the engine may need at its peak
TOO_MUCH = b"0123456789abcdef" * (1 << 18)  # 4 MiB
TRIES = 3  # of an apply that is to succeed: on a busy machine, an agent may be late

ENDS = 0.2  # seconds from the first altered bytes to the end of a channel, or of the whole connection
LATEST = 40  # of what a server sends in a command, the first altered is one of so many
SINCE_LOG_IN = 80  # number of the first SSH message that belongs to the connection protocol (RFC 4250 §4.1.2)
OF_KEY_EXCHANGE = range(20, 50)

# The engine as the wizard starts it; but it does not wait for minutes until nodes come online that never will.
ENGINE = """\
import sys
from functools import partial
from onboard.cli import engine
from onboard.cli.main import main
from onboard.engine.proof import Patience
engine.workbench = partial(engine.workbench, patience=Patience(online=8, answer=4, poll=0.2))
sys.exit(main(["engine"]))
"""

ASKS = ("SendCommand", "CancelCommand")  # they change nothing: the proof's script reads the nonce
# Nothing for people: marks of a request, names of Python's exceptions, and what they say.
OURS = re.compile(r"onboard-(facts )?[0-9a-f]{16}|[a-z](Error|Exception)\b|codec can't|defect in Onboard|Traceback")

Mutation = Callable[[bytes], bytes]


class Altered:
    """Alters what one practice server sends: bytes of its channels, or SSH's own messages (`packets`), of which those
    of the key exchange if `is_trust`. One that `only_claims` to be another node tells the truth otherwise.

    The channel or connection ends soon afterwards, or a server whose end mark was altered would be waited for until
    its time limit.
    """

    def __init__(self, draw: random.Random, claims: Sequence[str], *, is_trust: bool = False) -> None:
        self.draw, self.is_trust = draw, is_trust
        self.only_claims = not is_trust and draw.random() < 0.2
        self.packets = is_trust or (not self.only_claims and draw.random() < 0.3)
        self.share = 1.0 if self.only_claims else draw.choice((0.1, 0.3, 0.6))
        self.first = draw.randrange(3) if is_trust else draw.choice((0, draw.randrange(LATEST)))
        self.mutations = [claiming(draw.choice(claims))] if self.only_claims else mutations(draw, claims)
        self.sent = 0
        self.count = 0

    def data(self, channel: Any, data: bytes) -> bytes:
        if self.packets or not self._is_next():
            return data
        if not self.only_claims:
            asyncio.get_running_loop().call_later(ENDS, channel.close)
        return self._altered(data)

    def packet(self, connection: Any, kind: int, payload: bytes) -> bytes:
        concerned = kind in OF_KEY_EXCHANGE if self.is_trust else kind >= SINCE_LOG_IN
        if not self.packets or not concerned or not self._is_next():
            return payload
        asyncio.get_running_loop().call_later(ENDS, connection.abort)
        return self._altered(payload)

    def _is_next(self) -> bool:
        self.sent += 1
        return self.sent > self.first and (self.count == 0 or self.draw.random() < self.share)

    def _altered(self, data: bytes) -> bytes:
        altered = self.draw.choice(self.mutations)(data)
        self.count += altered != data
        return altered


class Liars:
    """The servers that alter what they send, by their ports; none outside `lying`.

    lied  how many did
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._by_port: Mapping[int, Altered] = {}
        self.lied = 0
        self._tunnels: list[tuple[asyncio.AbstractEventLoop, Any]] = []
        for channel in (asyncssh.SSHServerChannel, asyncssh.SSHTCPChannel):
            monkeypatch.setattr(channel, "write", self._writes(channel.write))
        monkeypatch.setattr(asyncssh.SSHServerConnection, "send_packet", self._sends(asyncssh.SSHServerConnection))
        monkeypatch.setattr(asyncssh.SSHServer, "connection_requested", lambda *_: True)  # tunnels
        monkeypatch.setattr(asyncssh.SSHServerConnection, "forward_connection", self._forwards())

    @contextmanager
    def lying(self, by_port: Mapping[int, Altered]) -> Iterator[None]:
        self._by_port = by_port
        try:
            yield
        finally:
            self._by_port = {}
            self.lied += sum(altered.count > 0 for altered in by_port.values())
            self.close_tunnels()

    def close_tunnels(self) -> None:
        """asyncssh leaves those open whose SSH connection ended while they were being opened."""
        for loop, tunnel in self._tunnels:
            loop.call_soon_threadsafe(tunnel.close)
        self._tunnels.clear()

    def _forwards(self) -> Any:
        forward = asyncssh.SSHServerConnection.forward_connection

        async def kept(connection: Any, host: str, port: int) -> Any:
            tunnel = await forward(connection, host, port)
            self._tunnels.append((asyncio.get_running_loop(), tunnel))
            return tunnel

        return kept

    def _of(self, connection_or_channel: Any) -> Altered | None:
        name = connection_or_channel.get_extra_info("sockname")
        return self._by_port.get(name[1]) if name else None

    def _writes(self, write: Any) -> Any:
        def lie(channel: Any, data: bytes, datatype: int | None = None) -> None:
            liar = self._of(channel)
            write(channel, liar.data(channel, data) if liar else data, datatype)

        return lie

    def _sends(self, connection: Any) -> Any:
        send = connection.send_packet

        def lie(self_: Any, kind: int, *parts: bytes, handler: Any = None) -> None:
            liar = self._of(self_)
            payload = (liar.packet(self_, kind, b"".join(parts)),) if liar else parts
            send(self_, kind, *payload, handler=handler)

        return lie


def claiming(claimed: str) -> Mutation:
    return lambda data: re.sub(rb"mi-[0-9a-f]{17}", claimed.encode(), data)


def mutations(draw: random.Random, claims: Sequence[str]) -> list[Mutation]:
    claimed = draw.choice(claims)

    lines = [
        f"instance_id={claimed}\nundo.node={claimed}\n".encode(),
        f"registration {json.dumps({'ManagedInstanceID': claimed, 'Region': 'eu-central-1'})}\nkey present\n".encode(),
        b"\x1b]0;owned\x07\x1b[2J\x1b[32mAll servers online\x1b[0m\n",
        "\u202eenilno\u202c\n".encode(),
        b"machine_id=\nos_name=$(reboot)\n/usr;curl http://127.0.0.1|sh;#\n",
        b"\x00" * 64,
        b"\xff\xfe\xfa" * 20,
        b"status=done\nok\n0\n",
        b"changed=yes\ndetail=done\n",
    ]

    def at(data: bytes) -> int:
        return draw.randrange(len(data) + 1)

    def flip(data: bytes) -> bytes:
        altered = bytearray(data)
        for _ in range(draw.randrange(1, 8) if altered else 0):
            altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
        return bytes(altered)

    def insert(data: bytes) -> bytes:
        place = at(data)
        return data[:place] + draw.choice(lines) + data[place:]

    def insert_line(data: bytes) -> bytes:
        parts = data.splitlines(keepends=True)
        parts.insert(draw.randrange(len(parts) + 1), draw.choice(lines))
        return b"".join(parts)

    def repeat(data: bytes) -> bytes:
        first, last = sorted((at(data), at(data)))
        return data[:last] + data[first:last] * draw.randrange(1, 4) + data[last:]

    def cut_out(data: bytes) -> bytes:
        first, last = sorted((at(data), at(data)))
        return data[:first] + data[last:]

    def shuffle(data: bytes) -> bytes:
        parts = data.splitlines(keepends=True)
        draw.shuffle(parts)
        return b"".join(parts)

    return [
        claiming(claimed),
        flip,
        insert,
        insert_line,
        insert_line,
        repeat,
        cut_out,
        shuffle,
        lambda data: data[: at(data)],
        lambda data: draw.randbytes(draw.randrange(400)),
        lambda data: data + TOO_MUCH if draw.random() < 0.1 else data + draw.choice(lines),
    ]


class Engine:
    """The wizard's engine process."""

    def __init__(self, folder: Path) -> None:
        self._numbers = count(1)
        self._errors = folder / "engine-errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", ENGINE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
            )

    def run(self, profile: Profile, order: orders.Order) -> tuple[State, dict[str, list[str]]]:
        """What it told about a command; and what of it is not for people or would be obeyed by a terminal, by server.

        "" stands for no server.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        number = next(self._numbers)
        self._process.stdin.write(orders.Ordered(number=number, order=order, profile=profile).to_json() + "\n")
        self._process.stdin.flush()
        state, shown = State(), StringIO()
        amiss: dict[str, list[str]] = {}
        with redirect_stdout(shown), redirect_stderr(shown):
            people = People()
            for line in self._process.stdout:
                told = json.loads(line)
                if bad := [text for text in texts(told) if text != harmless(text) or OURS.search(text)]:
                    amiss.setdefault(told.get("host", ""), []).extend(f"{told['event']}: {text!a}" for text in bad)
                event = event_from_json(told)
                assert event is not None, line
                state.fold(event)
                people.event(event, state)
                if isinstance(event, RunFinished):
                    break
            people.end(state)
        assert state.finished, self.errors()
        amiss.setdefault("", []).extend(ascii(line) for line in shown.getvalue().splitlines() if line != harmless(line))
        return state, amiss

    def peak(self) -> float:
        """The most memory that it ever held, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1000

    def errors(self) -> str:
        return self._errors.read_text(errors="replace")

    def close(self) -> None:
        self._process.communicate()


@dataclass
class Stage:
    """The practice, its engine, and what is true of it, whatever a server says.

    victim      a server that is online and is never worked on; its node's id
    known       ids of nodes that a server may claim as its own
    registered  id of a node → the servers of which one registered it; up to the call `seen`
    fresh       server → its files before anything was done there
    run         the last apply that succeeded
    """

    work: Bench
    engine: Engine
    liars: Liars
    draw: random.Random
    victim: str = ""
    known: list[str] = field(default_factory=list)
    registered: dict[str, frozenset[str]] = field(default_factory=dict)
    seen: int = 0
    fresh: dict[str, dict[str, bytes]] = field(default_factory=dict)
    run: str = ""

    def profile(self, servers: Sequence[PracticeServer]) -> Profile:
        profile = self.work.practice.profile()
        names = {server.name for server in servers}
        hosts = [host.model_copy(update={"tags": {"team": host.name}}) for host in profile.hosts if host.name in names]
        run = profile.run.model_copy(update={"canary": 0, "concurrency": TOGETHER, "max_agent_starts": 25})
        return profile.model_copy(update={"hosts": tuple(hosts), "run": run})

    def trusts(self, servers: Sequence[PracticeServer]) -> None:
        """The user knows the keys of these servers, and of no other."""
        (home() / OWN_FILE).unlink(missing_ok=True)
        ssh = Path(os.environ["HOME"]) / ".ssh"
        ssh.mkdir(exist_ok=True)
        (ssh / "known_hosts").write_text("".join(f"{server.known_hosts_line()}\n" for server in servers))

    def nodes(self) -> dict[str, str]:
        """id → the server that its agent runs on, as AWS lists them."""
        pages = boto3.client("ssm").get_paginator("describe_instance_information").paginate()
        return {
            node["InstanceId"]: node.get("ComputerName", "")
            for page in pages
            for node in page["InstanceInformationList"]
        }

    def altered(self, servers: Sequence[PracticeServer], *, is_trust: bool = False) -> dict[int, Altered]:
        claims = [self.victim, *self.known[-200:]]
        return {
            server.port: Altered(random.Random(self.draw.getrandbits(64)), claims, is_trust=is_trust)  # noqa: S311
            for server in servers
        }

    def begin(self) -> None:
        """Bring the victim online."""
        servers = self.work.practice.servers
        self.fresh = {server.name: dict(server.machine.files) for server in servers}
        self.trusts(servers)
        self.victim = self.brought_online(servers[:1])[servers[0].name]
        self.seen = self.calls.count

    def brought_online(self, servers: Sequence[PracticeServer]) -> dict[str, str]:
        """An apply that succeeds; the servers' nodes."""
        self.run = ""
        for _ in range(TRIES):
            told, amiss = self.engine.run(self.profile(servers), orders.Apply(resume=self.run))
            assert not any(amiss.values()), amiss
            self.run = told.run
            if all(host.status is HostStatus.ONLINE for host in told.hosts.values()):
                break
        assert told.failure is None, told.failure
        bad = {name: (host.status, host.reason) for name, host in told.hosts.items() if not host.instance_id}
        assert not bad
        return {name: host.instance_id or "" for name, host in told.hosts.items()}

    def play(self, mode: str) -> dict[str, list[str]]:
        """One command on as many servers; what is wrong with what came of each."""
        practice = self.work.practice
        tooled, toolless = practice.servers[1:], []
        half = len(tooled) // 2
        tooled, toolless = tooled[:half], tooled[half:]
        servers = toolless if mode == "tunnel" else tooled
        complaints: dict[str, list[str]] = {server.name: [] for server in servers}
        if mode == "undo" or self.draw.random() < 0.7:
            self.set_up_anew(servers)
        if mode == "trust":
            self.trusts(practice.servers[:1])
            self.play_trust(servers, complaints)
        self.trusts(practice.servers)
        if mode == "undo":
            self.play_undo(servers, complaints)
        else:
            self.play_apply(servers, complaints)
        return complaints

    def play_trust(self, servers: Sequence[PracticeServer], complaints: Mapping[str, list[str]]) -> None:
        """No key is trusted but the server's own, even where a person approves whatever is shown."""
        right = {server.name: fingerprint(server) for server in servers}
        with self.liars.lying(self.altered(servers, is_trust=True)):
            told, amiss = self.engine.run(self.profile(servers), orders.Trust(approve=right))
        add(amiss, complaints)
        for name, host in told.hosts.items():
            shown = {key.fingerprint for key in host.keys}
            if not shown <= {right[name]} or (host.status is HostStatus.READY and not shown):
                complaints[name].append(f"{host.status} with the keys {shown}")
        own = home() / OWN_FILE
        lines = own.read_text().splitlines() if own.exists() else []
        for server in servers:
            kept = [line for line in lines if f":{server.port} " in line]
            if any(line != server.known_hosts_line() for line in kept):
                complaints[server.name].append(f"trusted now: {kept}")
            if told.hosts[server.name].status is HostStatus.READY and not kept:
                complaints[server.name].append("ready, and its key is not trusted")

    def play_apply(self, servers: Sequence[PracticeServer], complaints: Mapping[str, list[str]]) -> None:
        """Only what is online is online, and only nodes of these servers were changed."""
        before = self.calls.count
        liars = self.altered(servers)
        with self.liars.lying(liars):
            told, amiss = self.engine.run(self.profile(servers), orders.Apply())
        add(amiss, complaints)
        nodes = self.nodes()
        self.complain(told, servers, before, nodes, complaints)
        for name, host in told.hosts.items():
            node = host.instance_id or ""
            if host.status is HostStatus.ONLINE and nodes.get(node) != name:
                complaints[name].append(f"online as {node}, which is {nodes.get(node)}")
            if host.status is HostStatus.ONLINE and not self.calls.of("SendCommand", before):
                complaints[name].append("online, and nothing was asked of its node")
        self.known += sorted({*nodes} - {*self.known})
        if self.draw.random() < 0.5:
            before = self.calls.count
            with self.liars.lying(self.altered(servers) if self.draw.random() < 0.5 else {}):
                undone, amiss = self.engine.run(self.profile(servers), orders.Undo(run=told.run))
            add(amiss, complaints)
            self.complain(undone, [], before, nodes, complaints)

    def play_undo(self, servers: Sequence[PracticeServer], complaints: Mapping[str, list[str]]) -> None:
        """What is restored is as it was before."""
        was = {server.name: server.digest() for server in servers}
        made = self.brought_online(servers)
        nodes = self.nodes()
        before = self.calls.count
        with self.liars.lying(self.altered(servers)):
            told, amiss = self.engine.run(self.profile(servers), orders.Undo(run=self.run))
        add(amiss, complaints)
        self.complain(told, servers, before, nodes, complaints)
        left = self.nodes()
        for server in servers:
            if told.hosts[server.name].status is HostStatus.READY:
                if server.digest() != was[server.name]:
                    complaints[server.name].append("restored, and it is not as it was before")
                if made[server.name] in left:
                    complaints[server.name].append("restored, and its node is still registered")

    def complain(
        self,
        told: State,
        servers: Sequence[PracticeServer],
        before: int,
        nodes: Mapping[str, str],
        complaints: Mapping[str, list[str]],
    ) -> None:
        """About changes to the role, to other nodes than these servers', and about tags of another server."""
        first = next(iter(complaints.values()))
        if told.failure is not None:
            first.append(f"the run failed: {told.failure}")
        for call in self.calls.of("RegisterManagedInstance", self.seen):
            self.registered[call.instance_id] = frozenset(complaints)
        self.seen = self.calls.count
        changed = self.calls.mutating(before)
        first += [f"the role was changed: {call.operation}" for call in changed if call.service == "iam"]
        for call in changed:
            if not call.instance_id or call.operation in ("RegisterManagedInstance", *ASKS):
                continue
            owner = nodes.get(call.instance_id, "")
            among = {owner} if owner else self.registered.get(call.instance_id, {"unknown"})
            if not complaints.keys() >= among:
                first.append(f"{call.operation} of {call.instance_id}, which is {owner or 'unknown'}")
            elif call.operation == "AddTagsToResource" and self.team(call.instance_id) != owner:
                first.append(f"the node of {owner or 'unknown'} has the tags of {self.team(call.instance_id)}")
        for server in servers:
            host = told.hosts.get(server.name)
            if host is None or host.ended is None:
                complaints[server.name].append("it has no end")

    def team(self, node: str) -> str:
        found = boto3.client("ssm").list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node)
        return next((tag["Value"] for tag in found["TagList"] if tag["Key"] == "team"), "")

    @property
    def calls(self) -> CallLog:
        return self.work.practice.cloud.calls

    def set_up_anew(self, servers: Sequence[PracticeServer]) -> None:
        """As if each were installed again: its nodes stay in AWS, and nothing of them on the server."""
        for server in servers:
            server.agent.kill()
        for server in servers:
            machine = server.machine
            while machine.running:
                time.sleep(0.01)
            machine.files, machine.package, machine.enabled = dict(self.fresh[server.name]), None, False


@sizes(small=8, whole=2000)
def test_a_server_whose_answers_are_altered(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cases: int, tally: Tally
) -> None:
    together = min(TOGETHER, cases // len(MODES))
    work = bench(1 + 2 * together, only=(*[image("healthy-debian")] * (1 + together), *[without_tools()] * together))
    engine = Engine(tmp_path)
    stage = Stage(work, engine, Liars(monkeypatch), tally.draw(SEED))
    try:
        stage.begin()
        for number in range(cases // together):
            mode = MODES[number % len(MODES)]
            complaints = stage.play(mode)
            for server, complaint in complaints.items():
                with tally.case():
                    assert not complaint, f"{mode} {server}: {complaint}"
        peak = engine.peak()
    finally:
        stage.liars.close_tunnels()
        engine.close()
    print(f"{stage.liars.lied} times a server altered something; the engine needed {peak:.0f} MB")
    assert stage.liars.lied >= 0.7 * cases
    assert peak < MEMORY
    assert not engine.errors(), engine.errors()
    assert not (home() / "defects.log").exists(), (home() / "defects.log").read_text()
    assert not tally.failures, "\n".join(tally.failures[:10])


def texts(told: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        for key, value in told.items():
            yield key
            yield from texts(value)
    elif isinstance(told, list):
        for value in told:
            yield from texts(value)


def add(amiss: Mapping[str, list[str]], complaints: Mapping[str, list[str]]) -> None:
    """What concerns none of these servers goes to the first."""
    first = next(iter(complaints))
    for name, more in amiss.items():
        complaints[name if name in complaints else first].extend(more)


def fingerprint(server: PracticeServer) -> str:
    return HostKey(server.host_key.public_data).fingerprint


def without_tools() -> Image:
    """A server with nothing to try endpoints with: that is done through tunnels."""
    debian = image("healthy-debian")
    untried = FactAnswer(each_endpoint="{service} url {url}\n{service} via {via}\n")
    facts = {**debian.facts, "endpoint_reach": untried}
    return debian.model_copy(update={"name": "without-tools", "facts": facts})
