"""What is asked of a server's answers, whichever facts they belong to."""

from typing import Any

import pytest

from onboard.facts.base import Fact, Facts, Unknown
from onboard.facts.catalog import broken_off, instance_id
from onboard.facts.posix import changes_pending, registration
from onboard.facts.posix.changes_pending import ChangesPending
from onboard.facts.posix.operating_system import OperatingSystem
from onboard.facts.posix.registration import AgentRegistration


def facts(*pairs: tuple[Fact[Any], Any]) -> Facts:
    return Facts({fact.name: value for fact, value in pairs})


def test_the_node_that_a_server_is() -> None:
    assert instance_id(facts((registration.FACT, AgentRegistration("mi-1", "eu-central-1")))) == "mi-1"
    assert instance_id(facts((registration.FACT, AgentRegistration()))) is None
    assert instance_id(facts((registration.FACT, Unknown("root only")))) is None


def test_the_steps_that_were_broken_off() -> None:
    left = ChangesPending(("lock", "configure_agent.undo", "a b.undo", "*.undo", "x.undo.new", "nonce-1"))
    assert broken_off(facts((changes_pending.FACT, left))) == {"configure_agent"}
    assert broken_off(facts((changes_pending.FACT, Unknown("root only")))) == frozenset()


@pytest.mark.parametrize(
    ("identity", "like", "family"),
    [
        ("debian", (), "debian"),
        ("linuxmint", ("ubuntu", "debian"), "debian"),
        ("rocky", ("rhel", "centos", "fedora"), "rhel"),
        ("opensuse-leap", ("suse", "opensuse"), "sles"),
        ("arch", (), ""),
    ],
)
def test_the_family_of_a_system(identity: str, like: tuple[str, ...], family: str) -> None:
    assert OperatingSystem(identity, "1", "name", like).family == family
