"""A healthy server's facts, to be changed one at a time, and the context they are judged in."""

from dataclasses import replace
from typing import Any, TypeVar

from onboard.checks.base import Check, Context
from onboard.facts.amazon_roots import AMAZON_ROOTS
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
from onboard.facts.posix.disk_space import DiskSpace, Place
from onboard.facts.posix.endpoint_reach import EndpointReach, Outcome, PeerCertificate, Reached
from onboard.facts.posix.name_resolution import NameResolution, Resolved
from onboard.model.endpoints import Endpoints
from onboard.model.finding import Finding
from onboard.model.profile import Host, NetworkSection, Profile

T = TypeVar("T")
HOST = Host(name="web-1")
SERVICES = ("ssm", "ssmmessages", "ec2messages", "s3")
URLS = {service: f"https://{service}.eu-central-1.amazonaws.com" for service in SERVICES}
CONTEXT = Context(
    profile=Profile(),
    region="eu-central-1",
    account="123456789012",
    endpoints=Endpoints(**URLS),
    known_nodes=frozenset({"mi-0123456789abcdef0"}),
)
AMAZON = PeerCertificate("CN=ssm.eu-central-1.amazonaws.com", "C=US; O=Amazon; CN=Amazon RSA 2048 M02")


def reached(service: str, outcome: Outcome = Outcome.REACHED, **more: Any) -> Reached:
    given: dict[str, Any] = {"tool": "curl"}
    if outcome is Outcome.REACHED:
        given |= {"status": 404, "certificates": (AMAZON,), "date": 1000.0, "at": 1000.0}
    return Reached(service, URLS[service], outcome, **(given | more))


def place(path: str, free_mib: int = 5000, options: str = "rw,relatime", mounted_on: str = "/") -> Place:
    return Place(path, free_mib * 1024, tuple(options.split(",")), mounted_on)


def reach(**changed: Reached) -> EndpointReach:
    return EndpointReach(tuple(changed.get(service) or reached(service) for service in SERVICES))


def names(**changed: Resolved) -> NameResolution:
    return NameResolution(
        tuple(
            changed.get(service) or Resolved(service, f"{service}.eu-central-1.amazonaws.com", ("10.0.0.1",))
            for service in SERVICES
        )
    )


def disk(**changed: Place) -> DiskSpace:
    paths = {"bin": "/usr/bin", "etc": "/etc", "var": "/var", "amazon": "/var/lib/amazon", "log": "/var/log"}
    return DiskSpace(tuple(changed.get(key) or place(path) for key, path in paths.items()))


HEALTHY: dict[str, Any] = {
    operating_system.FACT.name: operating_system.OperatingSystem("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
    kernel.FACT.name: kernel.Kernel("Linux", "6.1.0-28-amd64", "x86_64", "web-1", 64),
    machine_identity.FACT.name: machine_identity.MachineIdentity("m1", "u1", ("SHA256:k1",)),
    init_system.FACT.name: init_system.InitSystem("systemd", "252"),
    privilege.FACT.name: privilege.Privilege(0, "root", ("root",), "admin", has_sudo=True),
    sudo_logging.FACT.name: sudo_logging.SudoLogging(),
    inotify.FACT.name: inotify.Inotify(128, 9),
    clock.FACT.name: clock.Clock(1000.0, 1000.0, ("chronyd",)),
    disk_space.FACT.name: disk(),
    root_certificates.FACT.name: root_certificates.RootCertificates(
        "/etc/ssl/certs/ca-certificates.crt", 144, tuple(root.sha256 for root in AMAZON_ROOTS)
    ),
    trust_anchors.FACT.name: trust_anchors.TrustAnchors(),
    name_resolution.FACT.name: names(),
    endpoint_reach.FACT.name: reach(),
    proxy_in_force.FACT.name: proxy_in_force.ProxyInForce(),
    agent.FACT.name: agent.Agent(),
    registration.FACT.name: registration.AgentRegistration(),
    changes_pending.FACT.name: changes_pending.ChangesPending(),
    root_credentials.FACT.name: root_credentials.RootCredentials(),
    package_manager.FACT.name: package_manager.PackageManager(("deb",), "amd64", ("apt-get",)),
}


def server(*changes: tuple[Fact[Any], Any]) -> Facts:
    """A healthy server but for these; a text stands for what could not be learned."""
    changed = {fact.name: Unknown(value) if isinstance(value, str) else value for fact, value in changes}
    return Facts(HEALTHY | changed)


def healthy(fact: Fact[T]) -> T:
    value: T = HEALTHY[fact.name]
    return value


def finding(check: Check, *changes: tuple[Fact[Any], Any], context: Context = CONTEXT, host: Host = HOST) -> Finding:
    found = check.judge(server(*changes), host, context)
    assert found is not None
    assert found.check == check.name
    return found


def with_profile(**sections: Any) -> Context:
    return replace(CONTEXT, profile=Profile(**sections))


def with_proxy(proxy: str) -> Context:
    return with_profile(network=NetworkSection(proxy=proxy or None))
