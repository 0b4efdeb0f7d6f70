"""Every prerequisite, in the order people read them. A test fails if a check's file is not listed here."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from onboard.checks import (
    address_unique,
    agent_not_clashing,
    agent_paths_executable,
    agent_paths_writable,
    agent_without_known_flaws,
    architecture_supported,
    clock_in_sync,
    disk_space_sufficient,
    endpoints_reachable,
    init_system_supported,
    inotify_instances_free,
    input_not_recorded,
    kernel_supported,
    names_resolve,
    not_a_clone,
    not_registered_elsewhere,
    os_supported,
    package_manager_usable,
    privilege_sufficient,
    proxy_consistent,
    root_certificates_present,
    root_credentials_kept,
    tls_not_intercepted,
)
from onboard.checks.base import Check, Context, FleetCheck, not_known
from onboard.checks.blocking import host_status as host_status  # the room's front door has it too
from onboard.facts.base import Fact, Facts
from onboard.facts.catalog import facts_of
from onboard.model.family import Family, family_of
from onboard.model.finding import Finding
from onboard.model.profile import Host

log = logging.getLogger(__name__)

CHECKS: tuple[Check, ...] = (
    os_supported.CHECK,
    architecture_supported.CHECK,
    kernel_supported.CHECK,
    init_system_supported.CHECK,
    privilege_sufficient.CHECK,
    input_not_recorded.CHECK,
    package_manager_usable.CHECK,
    disk_space_sufficient.CHECK,
    inotify_instances_free.CHECK,
    agent_paths_writable.CHECK,
    agent_paths_executable.CHECK,
    agent_not_clashing.CHECK,
    agent_without_known_flaws.CHECK,
    not_registered_elsewhere.CHECK,
    root_credentials_kept.CHECK,
    clock_in_sync.CHECK,
    root_certificates_present.CHECK,
    names_resolve.CHECK,
    endpoints_reachable.CHECK,
    tls_not_intercepted.CHECK,
    proxy_consistent.CHECK,
)
FLEET_CHECKS: tuple[FleetCheck, ...] = (
    not_a_clone.CHECK,
    address_unique.CHECK,
)


def facts_needed(family: Family, only: Collection[str] | None = None) -> tuple[Fact[Any], ...]:
    """The facts of a family's servers that the checks named in `only` look at (all checks when empty), in order."""
    checks: tuple[Check | FleetCheck, ...] = (*CHECKS, *FLEET_CHECKS)
    needed = {
        fact.name
        for check in checks
        if family in check.families and (not only or check.name in only)
        for fact in check.needs
    }
    return tuple(fact for fact in facts_of(family) if fact.name in needed)


def judge(host: Host, facts: Facts, context: Context, only: Collection[str] | None = None) -> tuple[Finding, ...]:
    """The findings of a server, by the checks of its family. A check that raises counts as unknown.

    `only` names those wanted, all when empty.
    """
    findings = []
    for check in CHECKS:
        if family_of(host) in check.families and (not only or check.name in only):
            try:
                finding = check.judge(facts, host, context)
            except Exception as error:
                log.exception("defect in check %s of %s", check.name, host.name)
                finding = _defect(check.name, error)
            if finding is not None:
                findings.append(finding)
    return tuple(findings)


def judge_fleet(
    hosts: Sequence[Host], facts: Mapping[str, Facts], context: Context, only: Collection[str] | None = None
) -> dict[str, tuple[Finding, ...]]:
    """What only all servers together show, by the server's name."""
    findings: dict[str, tuple[Finding, ...]] = {host.name: () for host in hosts}
    for check in FLEET_CHECKS:
        if not only or check.name in only:
            judged = [host for host in hosts if family_of(host) in check.families]
            try:
                found = check.judge(facts, judged, context)
            except Exception as error:
                log.exception("defect in check %s of the fleet", check.name)
                found = {host.name: _defect(check.name, error) for host in judged}
            for name, finding in found.items():
                findings[name] = (*findings[name], finding)
    return findings


def _defect(check: str, error: Exception) -> Finding:
    return not_known(
        check,
        "the check itself failed, a defect in Onboard",
        type(error).__name__,  # its text could hold anything
        remedy="Report it and attach the log",
    )
