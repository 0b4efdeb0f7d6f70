"""AWS supports this system and version as a hybrid node.

Source: AWS user guide, "Supported operating systems and machine types" (2026), and for what was documented once, its
edition of 2018. A system that is not on these lists is not supported.
"""

import re

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import operating_system
from onboard.facts.posix.operating_system import OperatingSystem
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text, joined, phrase

_ANY = 10**6

# os-release's ID → (first, last) versions, both included; (9,) to (9, _ANY) is all of 9.
TODAY: dict[str, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    "almalinux": (((8, 3), (8, 10)), ((9,), (9, _ANY))),
    "amzn": (((2,), (2, _ANY)), ((2023,), (2023, _ANY))),
    "bottlerocket": (((1,), (_ANY,)),),
    "centos": (((9,), (9, _ANY)),),
    "debian": (((11,), (12, _ANY)),),
    "ol": (((7, 5), (7, 8)), ((8,), (9, _ANY))),
    "rhel": (((7,), (10, _ANY)),),
    "rocky": (((8,), (10, _ANY)),),
    "sles": (((15, 3), (15, _ANY)),),
    "sles_sap": (((15, 3), (15, _ANY)),),
    "ubuntu": tuple(((year, 4), (year, 4)) for year in (18, 20, 22, 24, 25)),
}
IN_2018: dict[str, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    "amzn": (((2014, 3), (2018, 3)),),
    "centos": (((6, 3), (6, _ANY)), ((7,), (7, _ANY))),
    "raspbian": (((8,), (9, _ANY)),),
    "rhel": (((6,), (6, _ANY)),),
    "sles": (((12,), (12, _ANY)),),
    "ubuntu": (((12, 4), (12, 4)), ((14, 4), (14, 4)), ((16, 4), (16, 4))),
}
SOON = {"debian": (13,), "ubuntu": (26, 4)}
_UNSUPPORTED = phrase("{system} is not supported")
_ROLLING = phrase("{system} without a version (testing or rolling) is not supported")
_MOVE = (
    "Move it to a supported system: Debian 11 or 12, Ubuntu 20.04, 22.04 or 24.04, RHEL 7 to 10, Rocky 8 to 10, "
    "AlmaLinux 8 or 9, Oracle Linux 8 or 9, SLES 15.3 or later, Amazon Linux 2 or 2023"
)


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    system = facts.get(operating_system.FACT)
    if isinstance(system, Unknown):
        return not_known(NAME, "which system this is", system)
    version = _numbers(system.version)
    if _within(version, TODAY.get(system.id, ())):
        return passed(NAME, f"{_short(system)} is supported", system.name)
    if _within(version, IN_2018.get(system.id, ())):
        return failed(
            NAME,
            Text("{system}: documented in 2018, no longer supported", system=_short(system)),
            remedy=joined(_MOVE, Text("The last agents for it get no updates or support from AWS"), ". "),
            evidence=system.name,
        )
    if system.id in SOON and version[:1] >= SOON[system.id][:1]:
        return failed(
            NAME,
            Text("{system} is not supported yet", system=_short(system)),
            remedy=joined(Text("Wait until AWS lists it"), _MOVE, ". "),
            evidence=system.name,
        )
    sentence = _UNSUPPORTED if version else _ROLLING
    return failed(NAME, Text(sentence, system=_short(system)), remedy=_MOVE, evidence=system.name)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]{1,6}", version))


def _within(version: tuple[int, ...], ranges: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]) -> bool:
    return any(bool(version) and first <= version[:2] <= last for first, last in ranges)


def _short(system: OperatingSystem) -> str:
    return f"{_NAMES.get(system.id, system.id)} {system.version}".strip()


_NAMES = {
    "almalinux": "AlmaLinux",
    "amzn": "Amazon Linux",
    "bottlerocket": "Bottlerocket",
    "centos": "CentOS",
    "debian": "Debian",
    "ol": "Oracle Linux",
    "raspbian": "Raspberry Pi OS",
    "rhel": "RHEL",
    "rocky": "Rocky Linux",
    "sles": "SLES",
    "sles_sap": "SLES for SAP",
    "ubuntu": "Ubuntu",
}
NAME = "os_supported"
CHECK = Check(
    NAME,
    (operating_system.FACT,),
    judge,
    short=Text("Supported"),
    why=Text("AWS supports hybrid nodes only on the systems and versions that it lists."),
)
