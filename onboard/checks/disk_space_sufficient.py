"""There is space where the agent is installed. AWS gives no figure; these exceed what a 3.3 agent unpacks."""

from collections.abc import Mapping, Sequence

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent, disk_space
from onboard.facts.posix.disk_space import DiskSpace, Place
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Command, Remedy, Text, foreign, sh

NAME = "disk_space_sufficient"
MIB = 1024
NEEDED_KIB = {"/usr/bin": 200 * MIB, "/var/lib/amazon": 100 * MIB, "/var/log": 50 * MIB, "/etc": MIB}
NEEDED_INODES = 500  # the package has some 50 files; Run Command makes a few for each command
ONCE_INSTALLED_KIB = {"/usr/bin": 0, "/var/lib/amazon": 20 * MIB, "/var/log": 10 * MIB, "/etc": MIB}


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(disk_space.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "how much space is free", found)
    free: dict[str, int] = {}
    for path in NEEDED_KIB:
        place = found.at(path)
        if place is None or place.free_kib is None:
            return not_known(NAME, f"how much space is free at {path}", "df did not report it")
        free[place.mounted_on] = place.free_kib
    installed = facts.get(agent.FACT)
    has_agent = not isinstance(installed, Unknown) and installed.is_installed
    needed = _needed(found, ONCE_INSTALLED_KIB if has_agent else NEEDED_KIB)
    evidence = "; ".join(
        f"{mount}: {free[mount] // MIB:,} MiB free, {needed[mount] // MIB} MiB needed" for mount in sorted(needed)
    )
    short = sorted(mount for mount in needed if free[mount] < needed[mount])
    least = _needed(found, ONCE_INSTALLED_KIB)
    if short and isinstance(installed, Unknown) and all(free[mount] >= least[mount] for mount in short):
        return not_known(
            NAME,
            f"whether there is enough space on {', '.join(short)}: there is if the agent is already installed",
            f"{evidence}; {installed.reason}",
        )
    if short:
        return failed(
            NAME,
            Text("not enough space on {mounts}", mounts=", ".join(short)),
            remedy=Remedy("Free some space there. This shows what uses it", _usage(short)),
            evidence=evidence,
        )
    full = {place.mounted_on: place.free_inodes for path in NEEDED_KIB if (place := found.at(path)) and _is_full(place)}
    if full:
        return failed(
            NAME,
            Text("no more files can be created on {mounts}: too many exist", mounts=", ".join(sorted(full))),
            remedy=Remedy(
                "Delete files there that are not needed. This shows where most of them are", _files(sorted(full))
            ),
            evidence="; ".join(f"{mount}: {free} inodes free, {NEEDED_INODES} needed" for mount, free in full.items()),
        )
    return passed(NAME, "there is enough space for the agent", evidence)


def _usage(mounts: Sequence[str]) -> Command | None:
    used, largest = sh("sudo", "du", "-xh", *map(foreign, mounts)), sh("sort", "-h")
    return used and largest and used | (largest | sh("tail"))


def _is_full(place: Place) -> bool:
    return place.free_inodes is not None and place.free_inodes < NEEDED_INODES


def _files(mounts: Sequence[str]) -> Command | None:
    counted, largest = sh("sudo", "du", "-x", "--inodes", *map(foreign, mounts)), sh("sort", "-n")
    return counted and largest and counted | (largest | sh("tail"))


def _needed(found: DiskSpace, amounts: Mapping[str, int]) -> dict[str, int]:
    """Mount point → KiB that all folders on it need together."""
    needed: dict[str, int] = {}
    for path, amount in amounts.items():
        place = found.at(path)
        if place is not None:
            needed[place.mounted_on] = needed.get(place.mounted_on, 0) + amount
    return needed


CHECK = Check(
    NAME,
    (disk_space.FACT, agent.FACT),
    judge,
    short=Text("Disk"),
    why=Text("An installation that runs out of space leaves half a package behind."),
)
