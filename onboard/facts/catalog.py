"""Every question that is asked of a server. A file of a fact that is not listed here is refused by a test."""

from typing import Any

from onboard.facts.base import Fact
from onboard.facts.posix import (
    agent,
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
    root_credentials,
    trust_anchors,
)
from onboard.model.family import Family

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
    root_credentials.FACT,
    package_manager.FACT,
)


def facts_of(family: Family) -> tuple[Fact[Any], ...]:
    """The questions for servers of a family; no two of them have the same name."""
    return tuple(fact for fact in FACTS if family in fact.families)
