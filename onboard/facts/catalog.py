"""Every question that is asked of a server. A test fails if a fact's file is not listed here.

At its end: what the engine itself asks of the answers, whichever facts they belong to.
"""

from typing import Any

from onboard.facts.base import Fact, Facts, Unknown
from onboard.facts.posix import (
    agent,
    changes_pending,
    clock,
    disk_space,
    endpoint_reach,
    init_system,
    inotify,
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
    sudo_logging,
    trust_anchors,
)
from onboard.facts.tunnel import complete
from onboard.hosts.connection import Connection
from onboard.model.errors import PrivilegeMissing
from onboard.model.family import Family

FACTS: tuple[Fact[Any], ...] = (
    operating_system.FACT,
    kernel.FACT,
    machine_identity.FACT,
    init_system.FACT,
    privilege.FACT,
    sudo_logging.FACT,
    clock.FACT,
    disk_space.FACT,
    inotify.FACT,
    root_certificates.FACT,
    trust_anchors.FACT,
    name_resolution.FACT,
    endpoint_reach.FACT,
    proxy_in_force.FACT,
    agent.FACT,
    registration.FACT,
    changes_pending.FACT,
    root_credentials.FACT,
    package_manager.FACT,
)


def facts_of(family: Family) -> tuple[Fact[Any], ...]:
    """The questions for servers of a family; no two of them have the same name."""
    return tuple(fact for fact in FACTS if family in fact.families)


def completed(facts: Facts, connection: Connection, refusal: PrivilegeMissing | None) -> Facts:
    """`facts`, with what this computer knows better than the server's scripts, or can find out over `connection`.

    `refusal`: why they were asked without privilege. Raises Cancelled.
    """
    known = facts if refusal is None else privilege.refused(facts, refusal)
    return complete(known, connection)


def instance_id(facts: Facts) -> str | None:
    """The mi- id that the server says it is registered as; None when it is not, or not known."""
    return registration.instance_id(facts)


def broken_off(facts: Facts) -> frozenset[str]:
    """Names of the steps that changed the server without an end in any journal: they must be made again."""
    found = facts.get(changes_pending.FACT)
    return frozenset() if isinstance(found, Unknown) else found.steps
