import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from servers import CONTEXT, HEALTHY, HOST, server

import onboard.checks
from onboard.checks import catalog
from onboard.checks.base import Check, Context, FleetCheck, failed, not_known, passed, warned
from onboard.checks.blocking import MUST_BE_KNOWN
from onboard.checks.catalog import CHECKS, FLEET_CHECKS, facts_needed, host_status, judge, judge_fleet
from onboard.facts.base import Facts
from onboard.facts.catalog import facts_of
from onboard.facts.posix import clock, endpoint_reach, operating_system
from onboard.model.family import Family
from onboard.model.finding import Finding, Verdict
from onboard.model.profile import Host, Protocol
from onboard.model.status import HostStatus

OTHERS = {"__init__", "agent_in_use", "agent_mounts", "base", "blocking", "catalog"}


def test_every_check_of_this_room_is_listed() -> None:
    found = {path.stem for path in Path(onboard.checks.__path__[0]).glob("*.py")} - OTHERS
    listed = [check.name for check in (*CHECKS, *FLEET_CHECKS)]
    assert set(listed) == found
    assert len(listed) == len(found)
    for check in (*CHECKS, *FLEET_CHECKS):
        assert import_module(f"onboard.checks.{check.name}").CHECK is check
    assert set(listed) >= MUST_BE_KNOWN


def test_a_healthy_server_passes_everything() -> None:
    findings = [*judge(HOST, server(), CONTEXT), *judge_fleet([HOST], {HOST.name: server()}, CONTEXT)[HOST.name]]
    assert {finding.check: finding.status for finding in findings} == {
        check.name: Verdict.PASS for check in (*CHECKS, *FLEET_CHECKS) if Family.POSIX in check.families
    }
    assert host_status(findings) is HostStatus.READY


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.name))
def test_a_check_looks_only_at_the_facts_it_names(check: Check) -> None:
    needed = Facts({name: value for name, value in HEALTHY.items() if name in {fact.name for fact in check.needs}})
    assert check.judge(needed, HOST, CONTEXT) == check.judge(server(), HOST, CONTEXT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.name))
def test_what_was_not_learned_is_never_a_failure(check: Check) -> None:
    found = check.judge(Facts({}), HOST, CONTEXT)
    assert found is not None
    assert found.status is Verdict.UNKNOWN
    assert found.evidence == "it was not asked"


def test_facts_are_asked_for_the_checks_that_are_wanted() -> None:
    assert facts_needed(Family.POSIX, ["clock_in_sync"]) == (operating_system.FACT, clock.FACT, endpoint_reach.FACT)
    every = {fact.name for fact in facts_needed(Family.POSIX)}
    assert {fact.name for fact in facts_of(Family.POSIX)} - every == {
        "trust_anchors",
        "changes_pending",
    }  # which are for steps


def test_only_the_checks_wanted_are_made() -> None:
    wanted = ("kernel_supported", "address_unique")
    assert [finding.check for finding in judge(HOST, server(), CONTEXT, wanted)] == ["kernel_supported"]
    assert [finding.check for finding in judge_fleet([HOST], {}, CONTEXT, wanted)[HOST.name]] == ["address_unique"]


def test_a_check_that_breaks_is_unknown_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(facts: Facts, host: Host, context: Context) -> Finding:
        raise KeyError("t0psecret")

    def breaks_too(facts: Mapping[str, Facts], hosts: Sequence[Host], context: Context) -> Mapping[str, Finding]:
        raise ZeroDivisionError

    monkeypatch.setattr(catalog, "CHECKS", (replace(CHECKS[0], name="first", judge=breaks), *CHECKS[:1]))
    monkeypatch.setattr(catalog, "FLEET_CHECKS", (replace(FLEET_CHECKS[0], name="last", judge=breaks_too),))
    with caplog.at_level(logging.CRITICAL):
        first, second = judge(HOST, server(), CONTEXT)
        other = Host(name="web-2")
        fleet = judge_fleet([HOST, other], {}, CONTEXT)
    assert (first.status, first.evidence) == (Verdict.UNKNOWN, "KeyError")
    assert second.status is Verdict.PASS
    assert [found[0].status for found in fleet.values()] == [Verdict.UNKNOWN, Verdict.UNKNOWN]


def test_what_a_server_may_expect() -> None:
    good, odd = passed("a", "fine"), warned("b", "odd", remedy="look")
    bad = failed("c", "bad", remedy="repair", fix="install_roots")
    assert host_status([good]) is HostStatus.READY
    assert host_status([]) is HostStatus.READY
    assert host_status([good, odd]) is HostStatus.WARNED
    assert host_status([good, not_known("clock_in_sync", "whether", "why")]) is HostStatus.WARNED
    assert host_status([odd, bad]) is HostStatus.BLOCKED
    assert host_status([bad], ["install_roots"]) is HostStatus.WARNED
    assert host_status([failed("c", "bad", remedy="repair")], ["install_roots", ""]) is HostStatus.BLOCKED


@pytest.mark.parametrize("name", sorted(MUST_BE_KNOWN))
def test_going_on_without_knowing_this_is_not_allowed(name: str) -> None:
    assert host_status([not_known(name, "whether", "why")]) is HostStatus.BLOCKED


def test_a_server_of_another_family_is_not_judged_by_what_is_not_for_it() -> None:
    """Else each of them would be blocked: nobody knows what only a POSIX server is asked."""
    other = Host(name="file-1", protocol=Protocol.WINRM)
    findings = judge(other, Facts({}), CONTEXT)
    fleet = judge_fleet([HOST, other], {HOST.name: server(), other.name: Facts({})}, CONTEXT)
    assert [finding.check for finding in findings] == []
    assert [finding.check for finding in fleet[other.name]] == ["address_unique"]
    assert [finding.check for finding in fleet[HOST.name]] == ["not_a_clone", "address_unique"]
    assert host_status((*findings, *fleet[other.name])) is HostStatus.READY
    assert facts_needed(Family.WINDOWS) == ()


@pytest.mark.parametrize("check", [*CHECKS, *FLEET_CHECKS], ids=lambda check: str(check.name))
def test_a_check_needs_no_fact_that_servers_of_its_families_are_not_asked(check: Check | FleetCheck) -> None:
    assert all(fact.families >= check.families for fact in check.needs)
