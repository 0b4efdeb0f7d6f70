"""Whole runs against a server whose every answer is altered after the key exchange: what it can and cannot do.

All cases: pytest -m whole tests/engine/test_hostile_server.py
"""

import asyncio
import random
import resource
from collections.abc import Callable
from typing import Any

import asyncssh
import pytest
from engine.conftest import Bench
from whole import Tally, sizes

from onboard.engine.proof import Patience
from onboard.model.harmless import harmless
from onboard.model.state import State
from onboard.model.status import HostStatus

SEED = 20261129
SHORT = Patience(online=3, answer=2, poll=0.05)
GROWTH = 200  # MiB that this process may need more at the end than before the first case
TOO_MUCH = b"0123456789abcdef" * (1 << 18)  # 4 MiB

ENDS = 0.2  # seconds
WRITE = asyncssh.SSHWriter.write

Mutation = Callable[[bytes], bytes]


class Altered:
    """Alters what one practice server writes to its channels, some of the time.

    The channel ends soon afterwards, or a server whose end mark was altered would be waited for until its time limit.
    """

    def __init__(self, port: int, draw: random.Random, victim: str, share: float) -> None:
        self.port, self.draw, self.share = port, draw, share
        self.mutations = mutations(draw, victim)

    def write(self, writer: Any, data: bytes) -> None:
        channel = writer.channel
        if channel.get_extra_info("sockname")[1] == self.port and self.draw.random() < self.share:
            data = self.draw.choice(self.mutations)(data)
            asyncio.get_running_loop().call_later(ENDS, channel.close)
        WRITE(writer, data)


def mutations(draw: random.Random, victim: str) -> list[Mutation]:
    lines = [
        f"instance_id={victim}\nundo.node={victim}\n".encode(),
        b"\x1b]0;owned\x07\x1b[2J\x1b[32mAll servers online\x1b[0m\n",
        "\u202eenilno\u202c\n".encode(),
        b"machine_id=\nos_name=$(reboot)\n/usr;curl http://127.0.0.1|sh;#\n",
        b"\x00" * 64,
        b"\xff\xfe\xfa" * 20,
        b"status=done\nok\n0\n",
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


@sizes(small=8, whole=2000)
def test_a_server_whose_answers_are_altered(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, cases: int, tally: Tally
) -> None:
    draw = tally.draw(SEED)
    work = bench(2)
    work.patience = SHORT
    both = work.profile
    good, evil = both.hosts
    work.profile = both.model_copy(update={"hosts": (good,)})
    victim = work.apply().hosts[good.name].instance_id
    assert victim is not None
    work.profile = both.model_copy(update={"hosts": (evil.model_copy(update={"tags": {"team": "evil"}}),)})
    server = next(server for server in work.practice.servers if server.name == evil.name)
    needed = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = ""
    for _ in range(cases):
        with tally.case():
            before = work.practice.cloud.calls.count
            altered = Altered(server.port, draw, victim, share=draw.choice((0.05, 0.2, 0.5)))
            with monkeypatch.context() as lies:
                lies.setattr(asyncssh.SSHWriter, "write", lambda writer, data, by=altered: by.write(writer, data))
                told = one_command(work, run, draw)
            run = told.run if told.command == "apply" else run
            assert_harmless(told)
            assert_true(told, evil.name, work, before, victim)
            if draw.random() < 0.3 and run:
                work.undo(run)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - needed) / 1024
    assert grown < GROWTH, f"{grown:.0f} MiB more than before"
    assert not tally.failures, "\n".join(tally.failures[:10])


def one_command(work: Bench, run: str, draw: random.Random) -> State:
    """Most often apply; `run` is undone, where there is one."""
    command = draw.choice(("apply", "apply", "check", "undo"))
    if command == "undo" and run:
        return work.undo(run)
    return work.check() if command == "check" else work.apply()


def assert_harmless(told: State) -> None:
    """Nothing that a terminal would obey, and no defect of ours."""
    for host in told.hosts.values():
        for text in (host.reason, host.remedy, host.evidence):
            assert text == harmless(text)
            assert "defect in Onboard" not in text, text
    assert told.failure is None or "defect" not in told.failure.what.lower(), told.failure


def assert_true(told: State, name: str, work: Bench, before: int, victim: str) -> None:
    """The other server's node is untouched; and what is reported as online answered in this very run."""
    calls = work.practice.cloud.calls
    touched = [call.operation for call in calls.mutating(before) if call.instance_id == victim]
    assert not touched, touched
    host = told.hosts.get(name)
    if host is not None and host.status is HostStatus.ONLINE:
        assert host.instance_id != victim
        assert calls.of("SendCommand", before), f"{host.instance_id} is online without having been asked"
