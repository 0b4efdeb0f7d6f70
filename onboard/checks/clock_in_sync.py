"""The clock is right to within 60 seconds. AWS rejects requests signed five minutes off (Signature Version 4).

The reference is the HTTP Date of the endpoints, as the server saw it; this computer's clock only if no endpoint was
reached.
"""

from statistics import median

from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import clock, endpoint_reach, operating_system
from onboard.facts.posix.clock import Clock
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, joined, phrase, sh

NAME = "clock_in_sync"
NOTABLE, REFUSED = 60.0, 300.0  # seconds
_SLOW, _FAST = phrase("clock {amount} slow"), phrase("clock {amount} fast")


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(clock.FACT)
    offsets = _by_endpoints(facts)
    if offsets:
        offset, by = median(offsets), ""
    elif isinstance(found, Unknown):
        return not_known(NAME, "whether the clock is right", found)
    elif found.here is None:
        return not_known(NAME, "whether the clock is right", "there was nothing to compare it with")
    else:
        offset, by = found.server - found.here, "by this computer's clock"
    evidence = f"{offset:+.0f} s against {'this computer' if by else 'the endpoints'}"
    if abs(offset) <= NOTABLE:
        return passed(NAME, "the clock is right", evidence)
    summary = joined(Text(_SLOW if offset < 0 else _FAST, amount=_amount(abs(offset))), by, ", ")
    remedy = _remedy(found, facts)
    if abs(offset) < REFUSED:
        return warned(NAME, summary, remedy=remedy, evidence=evidence)
    return failed(NAME, summary, remedy=remedy, evidence=evidence)


def _by_endpoints(facts: Facts) -> list[float]:
    """How far the server was ahead of each endpoint's clock, in seconds."""
    reach = facts.get(endpoint_reach.FACT)
    if isinstance(reach, Unknown):
        return []
    return [found.at - found.date for found in reach.endpoints if found.at is not None and found.date is not None]


def _amount(seconds: float) -> str:
    """In whole units, so that equal causes read equal: `7 minutes`, `2 hours`, `3 days`."""
    for unit, size in (("day", 86400), ("hour", 3600)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' if minutes > 1 else ''}"


_ENABLE = sh("sudo", "systemctl", "enable", "--now", "chronyd")
_KEEPERS = {
    "chronyd": (_ENABLE, sh("sudo", "chronyc", "makestep")),
    "systemd-timesyncd": (
        sh("sudo", "timedatectl", "set-ntp", "true"),
        sh("sudo", "systemctl", "restart", "systemd-timesyncd"),
    ),
    "ntpd": (
        sh("sudo", "service", "ntpd", "stop"),
        sh("sudo", "ntpd", "-gq"),
        sh("sudo", "service", "ntpd", "start"),
    ),
}
_INSTALL = {
    "debian": (sh("sudo", "apt-get", "install", "chrony"),),
    "rhel": (sh("sudo", "yum", "install", "chrony"), _ENABLE),
    "sles": (sh("sudo", "zypper", "install", "chrony"), _ENABLE),
}


def _remedy(found: Clock | Unknown, facts: Facts) -> str:
    keepers = () if isinstance(found, Unknown) else found.keepers
    for keeper, commands in _KEEPERS.items():
        if keeper in keepers:
            return Remedy("Set the clock and keep it correct", *commands)
    system = facts.get(operating_system.FACT)
    family = "" if isinstance(system, Unknown) else system.family
    if family in _INSTALL:
        return Remedy("No time service was found. Install one", *_INSTALL[family])
    return "No time service was found: install chrony or another NTP client"


CHECK = Check(
    NAME,
    (clock.FACT, endpoint_reach.FACT, operating_system.FACT),
    judge,
    short=Text("Clock"),
    why=Text("AWS rejects requests signed by a clock that is more than 5 minutes off."),
)
