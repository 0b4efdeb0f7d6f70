"""Checks of the way to AWS, by facts."""

from dataclasses import replace

import pytest
from servers import CONTEXT, SERVICES, URLS, finding, names, reach, reached, with_profile, with_proxy

from onboard.checks import (
    clock_in_sync,
    endpoints_reachable,
    names_resolve,
    proxy_consistent,
    root_certificates_present,
    tls_not_intercepted,
)
from onboard.checks.endpoints_reachable import NOT_NEEDED
from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.facts.posix import (
    agent,
    clock,
    endpoint_reach,
    name_resolution,
    operating_system,
    proxy_in_force,
    root_certificates,
)
from onboard.facts.posix.agent import Agent, AgentPackage
from onboard.facts.posix.clock import Clock
from onboard.facts.posix.endpoint_reach import EndpointReach, Outcome, PeerCertificate
from onboard.facts.posix.name_resolution import NameResolution, Resolved
from onboard.facts.posix.operating_system import OperatingSystem
from onboard.facts.posix.proxy_in_force import ProxyInForce
from onboard.facts.posix.root_certificates import RootCertificates
from onboard.model.endpoints import Endpoints
from onboard.model.finding import Finding, Verdict
from onboard.model.profile import AgentSection

PASS, WARN, FAIL, UNKNOWN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN
STARFIELD_CLASS_2 = "1465fa205397b876faa6f0a9958e5590e40fcc7faa4fb7c2c8677521fb5fb658"
LOOK_ALIKE = "2ce1cb0bf9d2f9e102993fbe215152c3b2dd0cabde1c68e5319b839154dbb7f5"
OLD = with_profile(agent=AgentSection(version="3.2.582.0"))  # an agent that needs ec2messages


# clock_in_sync


def seen_at(offset: float) -> EndpointReach:
    return EndpointReach(tuple(reached(service, at=1000.0 + offset) for service in SERVICES))


@pytest.mark.parametrize(
    ("offset", "verdict", "summary"),
    [
        (0, PASS, "the clock is right"),
        (-60, PASS, "the clock is right"),
        (61, WARN, "clock 1 minute fast"),
        (-121, WARN, "clock 2 minutes slow"),
        (-299, WARN, "clock 5 minutes slow"),
        (-300, FAIL, "clock 5 minutes slow"),
        (-421, FAIL, "clock 7 minutes slow"),
        (-412, FAIL, "clock 7 minutes slow"),
        (7300, FAIL, "clock 2 hours fast"),
        (-86400 * 400, FAIL, "clock 400 days slow"),
    ],
)
def test_clocks_by_the_endpoints(offset: float, verdict: Verdict, summary: str) -> None:
    found = finding(clock_in_sync.CHECK, (endpoint_reach.FACT, seen_at(offset)))
    assert (found.status, found.summary) == (verdict, summary)


def test_the_endpoints_count_more_than_this_computer() -> None:
    wrong_here = (clock.FACT, Clock(1000.0, here=99999.0))
    assert finding(clock_in_sync.CHECK, wrong_here).status is PASS
    alone = finding(clock_in_sync.CHECK, (clock.FACT, Clock(580.0, here=1000.0)), (endpoint_reach.FACT, "late"))
    assert (alone.status, alone.summary) == (FAIL, "clock 7 minutes slow, by this computer's clock")
    untold = finding(clock_in_sync.CHECK, (clock.FACT, Clock(580.0)), (endpoint_reach.FACT, "late"))
    assert untold.status is UNKNOWN
    odd = EndpointReach((*seen_at(0).endpoints[:3], reached("s3", at=999999.0)))
    assert finding(clock_in_sync.CHECK, (endpoint_reach.FACT, odd)).status is PASS


@pytest.mark.parametrize(
    ("keepers", "system", "command"),
    [
        (("chronyd",), "debian", "chronyc makestep"),
        (("systemd-timesyncd",), "debian", "timedatectl set-ntp true"),
        (("ntpd",), "debian", "ntpd -gq"),
        ((), "debian", "apt-get install chrony"),
        ((), "rhel", "yum install chrony"),
        ((), "sles", "zypper install chrony"),
        ((), "arch", "install chrony"),
    ],
)
def test_a_clock_is_put_right_with_what_is_there(keepers: tuple[str, ...], system: str, command: str) -> None:
    found = finding(
        clock_in_sync.CHECK,
        (clock.FACT, Clock(0.0, 0.0, keepers)),
        (endpoint_reach.FACT, seen_at(-421)),
        (operating_system.FACT, OperatingSystem(system, "1", system)),
    )
    assert command in found.remedy


# root_certificates_present


def trusted(*numbers: int, others: tuple[str, ...] = (), bundle: str = "/b.crt") -> Finding:
    """The finding where these of AMAZON_ROOTS are trusted."""
    found = tuple(AMAZON_ROOTS[number].sha256 for number in numbers)
    return finding(
        root_certificates_present.CHECK, (root_certificates.FACT, RootCertificates(bundle, 9, found + others))
    )


def test_roots() -> None:
    assert trusted(0, 1, 2, 3, 4).status is PASS
    for enough in ((0,), (4,), (0, 4)):
        assert trusted(*enough).status is WARN
    assert trusted(0, 1, 2, 4).summary == "1 of Amazon's five root certificates is not trusted"
    assert "missing: Amazon Root CA 4" in trusted(0, 1, 2, 4).evidence
    for too_few in ((), (1,), (1, 2, 3)):
        assert trusted(*too_few).status is FAIL
    assert trusted(others=(STARFIELD_CLASS_2, LOOK_ALIKE)).status is FAIL
    assert trusted(bundle="").summary == "there is no root certificate store"


@pytest.mark.parametrize(
    ("system", "command"),
    [("debian", "update-ca-certificates"), ("rocky", "update-ca-trust extract"), ("sles", "zypper"), ("arch", "https")],
)
def test_roots_can_be_added_by_onboard_or_by_hand(system: str, command: str) -> None:
    found = finding(
        root_certificates_present.CHECK,
        (root_certificates.FACT, RootCertificates("/b.crt", 9, ())),
        (operating_system.FACT, OperatingSystem(system, "1", system)),
    )
    assert found.fix == "install_roots"
    assert 'run.fixes = ["install_roots"]' in found.remedy
    assert command in found.remedy


# names_resolve

NO_NAME = "the name is not known here"


def unresolved(service: str, error: str = NO_NAME) -> Resolved:
    return Resolved(service, f"{service}.eu-central-1.amazonaws.com", (), error)


def test_names() -> None:
    lost = names(ssm=unresolved("ssm"), s3=unresolved("s3"))
    found = finding(names_resolve.CHECK, (name_resolution.FACT, lost))
    assert (found.status, found.summary) == (FAIL, f"no address for ssm, s3: {NO_NAME}")
    assert "ssm.eu-central-1.amazonaws.com" in found.evidence
    only_old = names(ec2messages=unresolved("ec2messages"))
    assert finding(names_resolve.CHECK, (name_resolution.FACT, only_old), context=OLD).status is WARN
    new = finding(names_resolve.CHECK, (name_resolution.FACT, only_old))
    assert (new.status, "do not need ec2messages" in new.evidence) == (PASS, True)
    untold = NameResolution(lost.names[1:2])
    assert finding(names_resolve.CHECK, (name_resolution.FACT, untold)).status is UNKNOWN


def test_a_proxy_looks_names_up_itself() -> None:
    lost = (name_resolution.FACT, names(ssm=unresolved("ssm")))
    by_proxy = reach(ssm=reached("ssm", via="http://p:1"))
    assert finding(names_resolve.CHECK, lost, (endpoint_reach.FACT, by_proxy)).status is PASS
    assert finding(names_resolve.CHECK, lost).status is FAIL
    untried = (endpoint_reach.FACT, "late")
    assert finding(names_resolve.CHECK, lost, untried).status is FAIL
    assert finding(names_resolve.CHECK, lost, untried, context=with_proxy("http://p:1")).status is PASS
    own = (proxy_in_force.FACT, ProxyInForce(agent={"https_proxy": "http://p:1"}))
    assert finding(names_resolve.CHECK, lost, untried, own).status is PASS
    found = finding(names_resolve.CHECK, lost, untried, (proxy_in_force.FACT, "late"))
    assert (found.status, NO_NAME in found.evidence) == (UNKNOWN, True)
    assert finding(names_resolve.CHECK, untried, (proxy_in_force.FACT, "late")).status is PASS


# endpoints_reachable


LOST = (endpoint_reach.FACT, reach(ec2messages=reached("ec2messages", Outcome.TIMED_OUT)))


@pytest.mark.parametrize(
    ("installed", "wanted", "verdict"),
    [
        ("", "latest", PASS),
        ("", "3.3.40.0", PASS),
        ("", "3.3.39.0", WARN),
        ("deb 3.3.40.0", "latest", PASS),
        ("deb 3.2.582.0", "latest", PASS),  # it is replaced
        ("deb 3.2.582.0", "3.2.582.0", WARN),
        ("deb 3.3.987.0", "3.2.582.0", PASS),  # it stays
        ("snap 3.2.582.0", "latest", WARN),  # it stays
        ("snap 3.3.987.0", "latest", PASS),
    ],
)
def test_ec2messages_is_wanted_for_agents_that_need_it(installed: str, wanted: str, verdict: Verdict) -> None:
    packages = (AgentPackage(*installed.split()),) if installed else ()
    context = with_profile(agent=AgentSection(version=wanted))
    found = finding(endpoints_reachable.CHECK, LOST, (agent.FACT, Agent(packages)), context=context)
    assert found.status is verdict
    assert (f"{NOT_NEEDED}" in found.evidence) == (verdict is PASS)
    assert finding(endpoints_reachable.CHECK, LOST, (agent.FACT, "late")).status is WARN


def test_endpoints_that_do_not_answer_are_told_by_their_causes() -> None:
    lost = reach(
        ssm=reached("ssm", Outcome.TIMED_OUT, error="(28) timed out"),
        ssmmessages=reached("ssmmessages", Outcome.TIMED_OUT),
        s3=reached("s3", Outcome.REFUSED, error="Connection refused"),
    )
    found = finding(endpoints_reachable.CHECK, (endpoint_reach.FACT, lost))
    assert found.status is FAIL
    assert found.summary == "cannot reach s3: connection refused; ssm, ssmmessages: no answer to the connection"
    assert "allow outbound TCP 443" in found.remedy
    assert f"{URLS['ssm']}: (28) timed out" in found.evidence
    assert f"{URLS['ec2messages']}: HTTP 404" in found.evidence


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome not in ("reached", "unknown")])
def test_every_way_to_fail_has_words_and_a_remedy(outcome: Outcome) -> None:
    lost = EndpointReach(tuple(reached(service, outcome) for service in SERVICES))
    found = finding(endpoints_reachable.CHECK, (endpoint_reach.FACT, lost))
    assert found.status is FAIL
    assert found.summary.startswith("cannot reach ssm, ssmmessages, ec2messages, s3: ")
    assert found.remedy


def test_ec2messages_alone_is_a_warning_and_not_asked_where_there_is_none() -> None:
    lost = (endpoint_reach.FACT, reach(ec2messages=reached("ec2messages", Outcome.TIMED_OUT)))
    assert finding(endpoints_reachable.CHECK, lost, context=OLD).status is WARN
    new = Endpoints(ssm=URLS["ssm"], ssmmessages=URLS["ssmmessages"], ec2messages=None, s3=URLS["s3"])
    assert finding(endpoints_reachable.CHECK, lost, context=replace(CONTEXT, endpoints=new)).status is PASS


def test_what_could_not_be_tried_is_unknown_unless_another_failed() -> None:
    untried = reached("ssm", Outcome.UNKNOWN, error="nothing to try with")
    found = finding(endpoints_reachable.CHECK, (endpoint_reach.FACT, reach(ssm=untried)))
    assert found.status is UNKNOWN
    assert "AllowTcpForwarding" in found.remedy
    mixed = reach(ssm=untried, s3=reached("s3", Outcome.REFUSED))
    assert finding(endpoints_reachable.CHECK, (endpoint_reach.FACT, mixed)).status is FAIL
    missing = EndpointReach(reach().endpoints[:2])
    assert finding(endpoints_reachable.CHECK, (endpoint_reach.FACT, missing)).status is UNKNOWN


def test_a_proxy_that_only_people_have_is_pointed_out() -> None:
    lost = (endpoint_reach.FACT, reach(ssm=reached("ssm", Outcome.TIMED_OUT)))
    people = (proxy_in_force.FACT, ProxyInForce(login={"https_proxy": "http://10.0.0.9:3128"}))
    found = finding(endpoints_reachable.CHECK, lost, people)
    assert "set network.proxy" in found.remedy
    assert "10.0.0.9" not in found.remedy
    assert "http://10.0.0.9:3128" in found.evidence
    assert "set network.proxy" not in finding(endpoints_reachable.CHECK, lost).remedy


# tls_not_intercepted


@pytest.mark.parametrize(
    ("issuer", "verdict"),
    [
        ("C=US; O=Amazon; CN=Amazon RSA 2048 M02", PASS),
        ("C = US, O = Amazon, CN = Amazon RSA 2048 M01", PASS),
        ("/C=US/O=Amazon/CN=Amazon RSA 2048 M02", PASS),
        ("CN=Amazon RSA 2048 M02,O=Amazon,C=US", PASS),
        ("CN=Amazon ECDSA 256 M01,O=Amazon,C=US", PASS),
        ('C=US, ST=Arizona, O="Starfield Technologies, Inc.", CN=Starfield Services', PASS),
        (r"CN=Starfield Services,O=Starfield Technologies\, Inc.,C=US", PASS),
        ("C=US; O=DigiCert Inc; CN=DigiCert Global G2", PASS),
        ("C=US; O=Zscaler Inc.; OU=Zscaler Inc.; CN=Zscaler Intermediate Root CA", FAIL),
        ("C=US; O=Amazon Fake; CN=Amazon RSA 2048 M02", FAIL),
        ("CN=Amazon", FAIL),
        ("OU=O=Amazon,CN=Gate", FAIL),
        ("", FAIL),
    ],
)
def test_issuers(issuer: str, verdict: Verdict) -> None:
    certificates = (PeerCertificate("CN=ssm", issuer),)
    found = finding(
        tls_not_intercepted.CHECK, (endpoint_reach.FACT, reach(ssm=reached("ssm", certificates=certificates)))
    )
    assert found.status is verdict


def test_the_one_who_opens_tls_is_named() -> None:
    gate = (PeerCertificate("CN=x", "C=US; O=Zscaler Inc.; CN=Zscaler Intermediate Root CA"),)
    everywhere = EndpointReach(tuple(reached(service, certificates=gate) for service in SERVICES))
    found = finding(tls_not_intercepted.CHECK, (endpoint_reach.FACT, everywhere))
    assert found.summary == "TLS to ssm, ssmmessages, ec2messages, s3 is intercepted by Zscaler Inc."
    assert "WebSocket" in found.remedy
    only_s3 = reach(s3=reached("s3", certificates=gate))
    assert finding(tls_not_intercepted.CHECK, (endpoint_reach.FACT, only_s3)).status is WARN


def test_certificates_not_seen_and_names_not_awss() -> None:
    unseen = reach(ssm=reached("ssm", Outcome.TIMED_OUT))
    assert finding(tls_not_intercepted.CHECK, (endpoint_reach.FACT, unseen)).status is UNKNOWN
    own = Endpoints(*["https://aws.example.com"] * 4)
    gate = (PeerCertificate("CN=x", "O=Own"),)
    private = EndpointReach(tuple(reached(service, certificates=gate) for service in SERVICES))
    context = replace(CONTEXT, endpoints=own)
    assert finding(tls_not_intercepted.CHECK, (endpoint_reach.FACT, private), context=context).status is PASS


# proxy_consistent


@pytest.mark.parametrize(
    ("profile", "agent", "verdict"),
    [
        ("", "", PASS),
        ("http://p:1", "", PASS),
        ("http://p:1", "http://P:1/", PASS),
        ("http://p:1", "p:1", PASS),
        ("http://p:1", "http://q:1", WARN),
        ("", "http://q:1", WARN),
        ("http://p:1", "https://p:1", WARN),
    ],
)
def test_proxies(profile: str, agent: str, verdict: Verdict) -> None:
    in_force = (proxy_in_force.FACT, ProxyInForce(agent={"https_proxy": agent} if agent else {}))
    found = finding(proxy_consistent.CHECK, in_force, context=with_proxy(profile))
    assert found.status is verdict
