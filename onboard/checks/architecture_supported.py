"""There is an agent for this server's processor: x86_64, or ARM64 where AWS lists it.

Source: AWS user guide, "Supported operating systems and machine types" (2026): 32-bit systems are no longer on it.
"""

import re

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import kernel, operating_system, package_manager
from onboard.facts.posix.operating_system import OperatingSystem
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text

NAME = "architecture_supported"
_INTEL, _ARM = ("x86_64", "amd64"), ("aarch64", "arm64")
_NO_AGENT = "Use a 64-bit server (x86_64 or ARM64): AWS offers no agent for this one"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(kernel.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "which processor this is", found)
    evidence = f"machine {found.machine}, programs of {found.bits or '?'} bits"
    if found.machine not in _INTEL + _ARM:
        return failed(
            NAME, Text("no agent for {machine} processors", machine=found.machine), remedy=_NO_AGENT, evidence=evidence
        )
    manager = facts.get(package_manager.FACT)
    packages = "" if isinstance(manager, Unknown) else manager.architecture
    if found.bits == 32 or (packages and packages not in _INTEL + _ARM):
        return failed(
            NAME,
            "a 32-bit system on a 64-bit processor",
            remedy="Install the 64-bit edition of the system: AWS no longer offers a 32-bit agent",
            evidence=f"{evidence}, packages for {packages or '?'}",
        )
    system = facts.get(operating_system.FACT)
    if found.machine in _ARM and not isinstance(system, Unknown) and _intel_only(system):
        return failed(
            NAME,
            Text("AWS supports this version of {system} on x86_64 only", system=system.id),
            remedy="Move to RHEL 7.6 or later, or to another system that AWS lists for ARM64",
            evidence=f"{system.name} on {found.machine}",
        )
    return passed(NAME, f"{found.machine} is supported", evidence)


def _intel_only(system: OperatingSystem) -> bool:
    if system.id == "ol":
        return True
    return system.id == "rhel" and re.fullmatch(r"7(\.[0-5])?", system.version) is not None


CHECK = Check(
    NAME,
    (kernel.FACT, operating_system.FACT, package_manager.FACT),
    judge,
    short=Text("Processor"),
    why=Text("AWS offers the agent only for x86_64 and ARM64."),
)
