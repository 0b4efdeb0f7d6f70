"""Which package of the agent fits a server."""

from typing import Any

import pytest

from onboard.facts.base import Fact, Facts
from onboard.facts.posix import agent, kernel, operating_system, package_manager
from onboard.facts.posix.agent import Agent, AgentPackage
from onboard.facts.posix.kernel import Kernel
from onboard.facts.posix.operating_system import OperatingSystem
from onboard.facts.posix.package_manager import PackageManager
from onboard.model.profile import Host, Protocol
from onboard.steps.catalog import package_wanted

HOST = Host(name="web")


def facts(*pairs: tuple[Fact[Any], Any]) -> Facts:
    return Facts({fact.name: value for fact, value in pairs})


def server(
    machine: str = "x86_64", formats: tuple[str, ...] = ("deb",), system: str = "debian", installed: str = ""
) -> Facts:
    packages = (AgentPackage(installed, "3.3.1.0"),) if installed else ()
    return facts(
        (kernel.FACT, Kernel("Linux", "6.1", machine, "h")),
        (package_manager.FACT, PackageManager(formats)),
        (operating_system.FACT, OperatingSystem(system, "12", system)),
        (agent.FACT, Agent(packages)),
    )


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (server(), ("deb", "amd64")),
        (server("aarch64", ("rpm",), "rocky"), ("rpm", "arm64")),
        (server(formats=("deb", "rpm"), system="ubuntu"), ("deb", "amd64")),
        (server(formats=("deb", "rpm"), system="sles"), ("rpm", "amd64")),
        (server(formats=("deb", "rpm"), system="debian", installed="rpm"), ("rpm", "amd64")),
        (server(installed="snap"), None),
        (server("riscv64"), None),
        (server(formats=()), None),
        (server(formats=("snap",)), None),
        (facts(), None),
    ],
)
def test_the_package_that_fits(known: Facts, wanted: tuple[str, str] | None) -> None:
    assert package_wanted(HOST, known) == wanted


def test_a_server_of_a_family_without_steps_wants_no_package() -> None:
    assert package_wanted(Host(name="file-1", protocol=Protocol.WINRM), server()) is None
