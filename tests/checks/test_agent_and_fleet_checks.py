"""Checks of the agent that is there already, and of all servers together."""

from dataclasses import replace
from typing import Any

import pytest
from servers import CONTEXT, finding, server, with_profile

from onboard.agent_flaws import Weight, flaws_of
from onboard.checks import (
    address_unique,
    agent_not_clashing,
    agent_without_known_flaws,
    not_a_clone,
    not_registered_elsewhere,
    root_credentials_kept,
)
from onboard.checks.catalog import host_status, judge, judge_fleet
from onboard.facts.base import Fact, Facts
from onboard.facts.posix import agent, kernel, machine_identity, registration, root_credentials
from onboard.facts.posix.agent import Agent, AgentPackage, AgentProcess, AgentService
from onboard.facts.posix.machine_identity import MachineIdentity
from onboard.facts.posix.registration import AgentRegistration
from onboard.facts.posix.root_credentials import KeyKind, RootCredentials
from onboard.model.family import Family
from onboard.model.finding import Finding, Verdict
from onboard.model.profile import AgentSection, Host
from onboard.model.status import HostStatus

PASS, WARN, FAIL, UNKNOWN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN
DEB, SNAP = AgentPackage("deb", "3.3.4851.0"), AgentPackage("snap", "3.3.987.0")
NODE = "mi-0123456789abcdef0"


@pytest.mark.parametrize(
    ("found", "verdict", "summary"),
    [
        (Agent(), PASS, "no agent is installed yet"),
        (Agent((DEB,), processes=(AgentProcess(7, "/usr/bin/amazon-ssm-agent"),)), PASS, "one agent is installed"),
        (Agent((DEB, SNAP)), FAIL, "the agent is installed more than once: deb, snap"),
        (
            Agent((DEB,), processes=(AgentProcess(7, ""), AgentProcess(8, ""))),
            FAIL,
            "several agent processes are running",
        ),
    ],
)
def test_agents(found: Agent, verdict: Verdict, summary: str) -> None:
    judged = finding(agent_not_clashing.CHECK, (agent.FACT, found))
    assert (judged.status, judged.summary) == (verdict, summary)


@pytest.mark.parametrize(
    ("found", "verdict", "summary"),
    [
        (AgentRegistration(), PASS, "the server is not registered"),
        (AgentRegistration(has_key=True), PASS, "the server is not registered"),
        (AgentRegistration(NODE, "eu-central-1"), PASS, "registered in this account and Region"),
        (AgentRegistration(NODE, "eu-west-1"), FAIL, "registered in another Region: eu-west-1"),
        (AgentRegistration(NODE, ""), UNKNOWN, "not known: in which Region the server is registered"),
        (
            AgentRegistration("mi-other", "eu-central-1"),
            FAIL,
            "registered to another account, or to a node that was deregistered",
        ),
    ],
)
def test_registrations(found: AgentRegistration, verdict: Verdict, summary: str) -> None:
    judged = finding(not_registered_elsewhere.CHECK, (registration.FACT, found))
    assert (judged.status, judged.summary) == (verdict, summary)
    assert ("-register -clear" in judged.remedy) == (verdict is FAIL)


@pytest.mark.parametrize(
    ("kind", "node", "shared", "verdict", "summary"),
    [
        (KeyKind.NONE, NODE, False, PASS, "no agent has overwritten root's AWS key"),
        (KeyKind.OWN, NODE, False, PASS, "no agent has overwritten root's AWS key"),
        (KeyKind.TEMPORARY, "", False, PASS, "no agent has overwritten root's AWS key"),
        (KeyKind.TEMPORARY, NODE, False, WARN, "an agent has probably overwritten root's AWS key"),
        (KeyKind.OWN, "", True, WARN, "the agent will overwrite root's own AWS key"),
        (KeyKind.NONE, "", True, PASS, "root has no AWS key of its own that the agent could overwrite"),
        (KeyKind.TEMPORARY, NODE, True, PASS, "root has no AWS key of its own that the agent could overwrite"),
    ],
)
def test_roots_own_key(kind: KeyKind, node: str, shared: bool, verdict: Verdict, summary: str) -> None:
    judged = finding(
        root_credentials_kept.CHECK,
        (root_credentials.FACT, RootCredentials(kind)),
        (registration.FACT, AgentRegistration(node, "eu-central-1" if node else "")),
        context=with_profile(agent=AgentSection(share_credentials=shared)),
    )
    assert (judged.status, judged.summary) == (verdict, summary)
    assert bool(judged.remedy) == bool(verdict is WARN)


def test_a_registration_is_not_judged_without_asking_aws() -> None:
    nobody = replace(CONTEXT, known_nodes=None)
    found = finding(
        not_registered_elsewhere.CHECK, (registration.FACT, AgentRegistration(NODE, "eu-central-1")), context=nobody
    )
    assert found.status is UNKNOWN
    assert host_status([found]) is HostStatus.BLOCKED
    assert finding(not_registered_elsewhere.CHECK, context=nobody).status is PASS


def test_a_server_that_is_onboarded_already_still_passes() -> None:
    facts = server(
        (registration.FACT, AgentRegistration(NODE, "eu-central-1", has_key=True)),
        (
            agent.FACT,
            Agent(
                (DEB,),
                ("/usr/bin/amazon-ssm-agent",),
                (AgentService("amazon-ssm-agent", "active", "enabled"),),
                (AgentProcess(7, "/usr/bin/amazon-ssm-agent"),),
                config="{}",
            ),
        ),
    )
    assert host_status(judge(Host(name="web-1"), facts, CONTEXT)) is HostStatus.READY


# the fleet

HOSTS = [Host(name=name, address=f"10.0.0.{number}") for number, name in enumerate(("a", "b", "c"), 1)]


def clones(**changes: tuple[tuple[Fact[Any], Any], ...]) -> dict[str, Finding]:
    """Findings of servers a, b, c, each with an identity of its own but for these changes."""
    facts: dict[str, Facts] = {}
    for host in HOSTS:
        own = MachineIdentity(f"m-{host.name}", f"u-{host.name}", (f"SHA256:{host.name}",))
        facts[host.name] = server((machine_identity.FACT, own), *changes.get(host.name, ()))
    return dict(not_a_clone.CHECK.judge(facts, HOSTS, CONTEXT))


def test_servers_with_identities_of_their_own_pass() -> None:
    assert {name: found.status for name, found in clones().items()} == {"a": PASS, "b": PASS, "c": PASS}


@pytest.mark.parametrize(
    ("fact", "value", "summary"),
    [
        (
            machine_identity.FACT,
            MachineIdentity("m-a", "u-b", ("SHA256:b",)),
            "a copy of another server: the same machine-id",
        ),
        (
            machine_identity.FACT,
            MachineIdentity("m-b", "u-b", ("SHA256:b", "SHA256:a")),
            "a copy of another server: the same SSH host key",
        ),
        (
            machine_identity.FACT,
            MachineIdentity("m-a", "u-b", ("SHA256:a",)),
            "a copy of another server: the same machine-id and SSH host key",
        ),
    ],
)
def test_copies_name_each_other(fact: Fact[Any], value: Any, summary: str) -> None:
    found = clones(b=((fact, value),))
    assert {name: finding.status for name, finding in found.items()} == {"a": FAIL, "b": FAIL, "c": PASS}
    assert found["a"].summary == found["b"].summary == summary
    assert found["a"].remedy == found["b"].remedy
    assert "a and b have" in found["a"].evidence
    assert "b and a have" in found["b"].evidence


@pytest.mark.parametrize(
    ("identity", "name", "summary"),
    [
        (MachineIdentity("m-a", "u-a", ("SHA256:a",)), "web-1", "the same server as another entry: listed twice"),
        (MachineIdentity("m-a", "u-a"), "web-1", "the same server as another entry: listed twice"),
        (MachineIdentity("m-a", "u-z", ("SHA256:a",)), "web-1", "a copy of another server: the same machine-id and"),
        (MachineIdentity("m-z", "u-a", ("SHA256:a",)), "web-1", "a copy of another server, or the same one listed tw"),
        (MachineIdentity("m-a", "u-a", ("SHA256:a",)), "web-2", "a copy of another server, or the same one listed tw"),
        (MachineIdentity("m-a", "", ("SHA256:a",)), "web-1", "a copy of another server, or the same one listed twice"),
    ],
)
def test_a_server_that_is_listed_twice_is_no_copy(identity: MachineIdentity, name: str, summary: str) -> None:
    named = (kernel.FACT, kernel.Kernel("Linux", "6.1.0-28-amd64", "x86_64", name, 64))
    found = clones(b=((machine_identity.FACT, identity), named))
    assert [found[host].status for host in "abc"] == [FAIL, FAIL, PASS]
    for host in "ab":
        assert found[host].summary.startswith(summary)
        wipes = "rm -f /etc/machine-id" in found[host].remedy
        assert wipes != ("listed twice" in summary and "or the same" not in summary)
    assert "Take one of the two entries out" in found["a"].remedy or "a copy" in found["a"].summary


def test_two_servers_with_one_node_are_copies() -> None:
    same = ((registration.FACT, AgentRegistration(NODE, "eu-central-1")),)
    found = clones(a=same, c=same)
    assert found["a"].summary == "a copy of another server: the same node id"
    assert NODE in found["c"].evidence
    assert found["b"].status is PASS


def test_a_machine_id_that_is_not_set_yet_makes_no_copies() -> None:
    blank = ((machine_identity.FACT, MachineIdentity()),)
    assert {found.status for found in clones(a=blank, b=blank).values()} == {PASS}
    unknown = ((machine_identity.FACT, "late"),)
    assert clones(a=unknown)["a"].status is UNKNOWN


def test_many_copies_are_not_all_listed() -> None:
    hosts = [Host(name=f"n{number}") for number in range(200)]
    found = not_a_clone.CHECK.judge({host.name: server() for host in hosts}, hosts, CONTEXT)
    assert len({finding.summary for finding in found.values()}) == 1
    assert "and 194 more" in found["n7"].evidence


def test_addresses() -> None:
    hosts = [
        Host(name="a", address="WEB.example.com."),
        Host(name="b", address="web.example.com", port=22),
        Host(name="c", address="web.example.com", port=2222),
        Host(name="d", address="10.0.0.1", jump="x"),
        Host(name="e", address="10.0.0.1", jump="y"),
    ]
    found = address_unique.CHECK.judge({}, hosts, CONTEXT)
    assert [found[host.name].status for host in hosts] == [FAIL, FAIL, PASS, PASS, PASS]
    assert "a, b" in found["a"].evidence


def test_only_servers_that_answered_are_judged_for_copies() -> None:
    found = judge_fleet(HOSTS, {"a": server()}, CONTEXT)
    assert [finding.check for finding in found["a"]] == ["not_a_clone", "address_unique"]
    assert [finding.check for finding in found["b"]] == ["address_unique"]


FLAWED, FIXED = "3.3.4624.0", "3.3.4851.0"


@pytest.mark.parametrize(
    ("package", "settings", "verdict", "words"),
    [
        ("", {}, PASS, "no agent is installed yet"),
        (f"deb {FIXED}", {}, PASS, "CVE-2026-134069"),
        ("deb 3.3.5226.0", {}, PASS, "3.3.5226.0"),
        (f"deb {FLAWED}", {}, WARN, "apply replaces it"),
        (f"deb {FLAWED}", {"version": "stable"}, WARN, "apply replaces it"),
        (f"deb {FLAWED}", {"version": FIXED}, WARN, "apply replaces it"),
        (f"deb {FLAWED}", {"version": FLAWED}, WARN, "the profile chose its version"),
        ("deb 3.3.987.0", {"version": FLAWED}, WARN, "the profile chose its version"),
        (f"deb {FLAWED}", {"source": "/srv/agents"}, WARN, "the profile chose its version"),
        (f"snap {FLAWED}", {}, FAIL, "snap refresh"),
        (f"snap {FLAWED}", {"version": FLAWED}, FAIL, "snap refresh"),
        (f"snap {FIXED}", {}, PASS, FIXED),
    ],
)
def test_an_agent_with_a_known_flaw(package: str, settings: dict[str, str], verdict: Verdict, words: str) -> None:
    packages = (AgentPackage(*package.split()),) if package else ()
    context = with_profile(agent=AgentSection.model_validate(settings))
    found = finding(agent_without_known_flaws.CHECK, (agent.FACT, Agent(packages)), context=context)
    assert found.status is verdict
    assert words in f"{found.summary} {found.remedy} {found.evidence}"
    if verdict is not PASS:
        assert "CVE-2026-89049" in found.summary
        assert f"fixed in {FIXED}" in found.evidence
        assert found.fix == ("install_agent" if words == "apply replaces it" else "")
    assert finding(agent_without_known_flaws.CHECK, (agent.FACT, Agent((), ("/usr/bin/x",)))).status is UNKNOWN


def test_what_a_flaw_means_differs_by_family() -> None:
    assert [flaw.id for flaw in flaws_of("3.3.5000.0", Family.WINDOWS, Weight.WARN)] == ["CVE-2026-134069"]
    assert flaws_of("3.3.5000.0", Family.POSIX, Weight.WARN, Weight.FAIL) == []
    assert [flaw.id for flaw in flaws_of("3.3.5000.0", Family.POSIX, Weight.NOTE)] == ["CVE-2026-134069"]
