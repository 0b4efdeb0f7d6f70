"""Whatever a server answers, a command of a remedy has our words, and the server's as one word or not at all."""

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from checks.servers import CONTEXT, HEALTHY, HOST, disk, place

from onboard.checks import catalog
from onboard.facts.base import Facts
from onboard.facts.posix import agent, clock, disk_space, registration
from onboard.facts.posix.agent import Agent, AgentPackage, AgentProcess
from onboard.facts.posix.registration import AgentRegistration
from onboard.model.finding import Finding

HARMLESS = "/harmless"
HOSTILE = ["/usr;curl x|sh;#", "/$(id)", "/`id`", "/a b", "/it's", '/"', "/\\", "/*", "/x\n/y", "/" + "x" * 300, "-rf"]


def facts(value: str) -> Facts:
    """A server with much wrong, all of whose texts end with `value`, or are it where they are a place."""
    little = place("/var", 1, "ro,noexec", value)
    wrong: dict[str, Any] = {
        disk_space.FACT.name: disk(bin=place("/usr/bin", 1, "ro,noexec", value), var=little, etc=little, amazon=little),
        agent.FACT.name: Agent(
            packages=(AgentPackage("deb", value), AgentPackage("snap", value)),
            processes=(AgentProcess(1, value), AgentProcess(2, value)),
        ),
        registration.FACT.name: AgentRegistration(f"mi-{value}", value),
        clock.FACT.name: clock.Clock(1000.0, 5000.0, (value,)),
    }
    known = {name: tainted(fact, value) for name, fact in HEALTHY.items()}
    return Facts({**known, **wrong})


def tainted(value: Any, by: str) -> Any:
    if isinstance(value, str):
        return f"{value}{by}"
    if isinstance(value, tuple):
        return tuple(tainted(one, by) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: tainted(getattr(value, field.name), by) for field in fields(value)})
    return value


def findings(value: str) -> Iterator[Finding]:
    for state in (facts(value), Facts({name: tainted(fact, value) for name, fact in HEALTHY.items()})):
        yield from catalog.judge(HOST, state, CONTEXT)
        yield from catalog.judge_fleet([HOST], {HOST.name: state}, CONTEXT)[HOST.name]


def words(command: str) -> list[str]:
    """As a shell takes it apart: operators that are not quoted stand alone."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def commands(value: str) -> set[tuple[str, ...]]:
    return {tuple(words(command)) for finding in findings(value) for command in finding.words.commands}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_command_has_our_words_and_no_more(value: str) -> None:
    allowed = commands(HARMLESS)
    assert any(HARMLESS in command for command in allowed), "some command names a place that the server told"
    given = commands(value)
    assert given
    for command in given:
        assert tuple(HARMLESS if word == value else word for word in command) in allowed, command


def test_every_command_is_one_that_a_shell_understands() -> None:
    for value in (HARMLESS, *HOSTILE):
        for finding in findings(value):
            for command in finding.words.commands:
                subprocess.run(["sh", "-n", "-c", command], check=True)
                assert command.isprintable()
