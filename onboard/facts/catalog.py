"""Every question that is asked of a Linux server. A file of a fact that is not listed here is refused by a test.

Below the list: what others than checks and steps want to know of a server's facts, which they do not know one by one.
"""

from collections.abc import Mapping
from typing import Any

from onboard.facts import (
    agent,
    base,
    clock,
    disk_space,
    endpoint_reach,
    init_system,
    kernel,
    machine_identity,
    name_resolution,
    operating_system,
    package_manager,
    privilege,
    proxy_in_force,
    registration,
    root_certificates,
    trust_anchors,
)
from onboard.facts.base import Fact, Facts, Unknown

FACTS: tuple[Fact[Any], ...] = (
    operating_system.FACT,
    kernel.FACT,
    machine_identity.FACT,
    init_system.FACT,
    privilege.FACT,
    clock.FACT,
    disk_space.FACT,
    root_certificates.FACT,
    trust_anchors.FACT,
    name_resolution.FACT,
    endpoint_reach.FACT,
    proxy_in_force.FACT,
    agent.FACT,
    registration.FACT,
    package_manager.FACT,
)

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}  # uname's → AWS's


def to_json(facts: Facts) -> Mapping[str, Any]:
    """name → value in JSON's plain types, of all that is known."""
    return {name: base.to_json(value) for name, value in facts.known().items()}


def instance_id(facts: Facts) -> str:
    """The node (mi-…) that the server is registered as, or ""."""
    found = facts.get(registration.FACT)
    return "" if isinstance(found, Unknown) else found.instance_id


def package_wanted(facts: Facts) -> tuple[str, str] | None:
    """(kind, architecture) of the agent's package that fits: deb or rpm, amd64 or arm64.

    None where none does: an agent that came as a snap is kept as it is, and there may be no package manager.
    """
    kernel_found, manager = facts.get(kernel.FACT), facts.get(package_manager.FACT)
    agent_found, system = facts.get(agent.FACT), facts.get(operating_system.FACT)
    if isinstance(kernel_found, Unknown) or isinstance(manager, Unknown) or isinstance(agent_found, Unknown):
        return None
    arch = _ARCHITECTURES.get(kernel_found.machine)
    kinds = [kind for kind in manager.formats if kind in ("deb", "rpm")]
    installed = [package.kind for package in agent_found.packages]
    if arch is None or not kinds or "snap" in installed:
        return None
    family = "" if isinstance(system, Unknown) else system.family
    usual = {"debian": "deb", "rhel": "rpm", "sles": "rpm"}.get(family, kinds[0])
    return next((kind for kind in (*installed, usual) if kind in kinds), kinds[0]), arch
