"""The process that is a network: two TUN devices, and every packet between them delayed, jittered or lost by address.

It stands for `tc netem`, which many kernels are built without; TCP on both ends is the kernel's own. Started in the
network namespace of the client, with that of the endpoints' process: `regionnet_link.py PID`, and the paths as JSON on
standard input: {address: [round trip in ms, mean jitter of each way in ms, loss of a packet]}. Prints `ready`.

The noise is spread evenly over a few packets already, as the multiples of an irrational number are (a Kronecker
sequence). With independent noise two equal paths look different in one of a hundred measurements: so it is with 95 %
confidence, and a test of the whole program would fail as often.
"""

import contextlib
import fcntl
import heapq
import json
import math
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLIENT, ENDPOINTS = "198.19.0.1", "198.19.1.0/24"


class Leg:
    """A path in one direction."""

    def __init__(self, round_trip_ms: float, jitter_ms: float, loss: float, step: float) -> None:
        self._least_ms = round_trip_ms / 2
        self._jitter_ms = jitter_ms
        self._loss = loss
        self._for_delays = spread_evenly(step)
        self._for_losses = spread_evenly(math.sqrt(3))

    def loses(self) -> bool:
        """Whether the next packet is lost."""
        return next(self._for_losses) < self._loss

    def delay_ms(self) -> float:
        """That of the next packet: the noise is exponentially distributed."""
        return self._least_ms - self._jitter_ms * math.log(1 - next(self._for_delays))


def spread_evenly(step: float) -> Iterator[float]:
    """Numbers in [0, 1), from anywhere on; `step` is irrational."""
    number = random.random()  # noqa: S311 - noise, not a secret
    while True:
        yield number
        number = (number + step) % 1


def tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def ip(*words: str, inside: str = "") -> None:
    prefix = ["nsenter", "-t", inside, "-n"] if inside else []
    subprocess.run([*prefix, "ip", *words], check=True)


def main() -> None:
    far = sys.argv[1]
    paths = {bytes(map(int, address.split("."))): path for address, path in json.load(sys.stdin).items()}
    near_end, far_end = tun("near"), tun("far")
    ip("link", "set", "far", "netns", far)
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{CLIENT}/32", "dev", "near")
    ip("link", "set", "near", "up")
    ip("route", "add", ENDPOINTS, "dev", "near")
    ip("link", "set", "lo", "up", inside=far)
    ip("link", "set", "far", "up", inside=far)
    ip("route", "add", "local", ENDPOINTS, "dev", "lo", inside=far)
    ip("route", "add", f"{CLIENT}/32", "dev", "far", inside=far)
    with contextlib.suppress(OSError):  # its delays are to be those asked for, however busy the machine is
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    print("ready", flush=True)
    # A connect takes three or four packets there and two or three back, of which one each is measured: also every
    # third or fourth multiple of these is spread evenly.
    steps = {near_end: (1 + math.sqrt(5)) / 2, far_end: math.sqrt(2)}
    legs = {device: {to: Leg(*path, step) for to, path in paths.items()} for device, step in steps.items()}
    carry({near_end: far_end, far_end: near_end}, {near_end: 16, far_end: 12}, legs)


def carry(other_end: dict[int, int], address_at: dict[int, int], legs: dict[int, dict[bytes, Leg]]) -> None:
    """`address_at`: where the endpoint's address stands in an IPv4 packet that comes out of a device."""
    waiting: list[tuple[float, int, int, bytes]] = []
    number = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, device, packet = heapq.heappop(waiting)
            with contextlib.suppress(OSError):
                os.write(device, packet)
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for device in select.select(list(other_end), [], [], pause)[0]:
            packet = os.read(device, 2048)
            start = address_at[device]
            leg = legs[device].get(packet[start : start + 4]) if packet[0] >> 4 == 4 else None
            if leg is None or leg.loses():
                continue
            number += 1
            heapq.heappush(waiting, (time.monotonic() + leg.delay_ms() / 1000, number, other_end[device], packet))


main()
