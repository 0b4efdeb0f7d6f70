"""Servers typed or pasted: each line is understood whole, or it is a mistake with its number."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.lists.pasted import parse_lines
from onboard.model.errors import Problem
from onboard.model.place import Place
from onboard.model.profile import Host

Server = tuple[str, str, int]


def read(text: str, credential: str = "linux") -> tuple[Sequence[Host], Sequence[Problem]]:
    parsed = parse_lines(text, credential)
    assert len(parsed.hosts) == len(parsed.lines)
    return parsed.hosts, parsed.problems


def servers(text: str) -> list[Server]:
    hosts, problems = read(text)
    assert problems == ()
    return [(host.name, host.place.address, host.place.port) for host in hosts]


def test_a_server_without_any_address_is_a_problem_of_its_line() -> None:
    hosts, problems = read("10.1.1.1\nadmin@web\n\nweb-9 10.1.1.9:2200\n")
    assert [one.place for one in hosts] == [Place("10.1.1.1", 22), Place("10.1.1.9", 2200)]
    assert [problem.key for problem in problems] == ["line 2"]


def test_pasted_lines_become_servers() -> None:
    hosts, problems = read("web1 10.0.0.1\nweb2\n# no\n\n10.0.0.3:2222\nweb4,web4.example:22", "ops")
    assert problems == ()
    assert [(host.name, host.place.address, host.place.port) for host in hosts] == [
        ("web1", "10.0.0.1", 22),
        ("web2", "web2", 22),
        ("10.0.0.3", "10.0.0.3", 2222),
        ("web4", "web4.example", 22),
    ]
    assert {host.credential for host in hosts} == {"ops"}


def test_a_line_that_is_no_server_is_named() -> None:
    _, problems = read("good\nbad name_?!/", "ops")
    assert [problem.key for problem in problems] == ["line 2"]


@given(st.text(max_size=200))
def test_no_paste_raises(text: str) -> None:
    parse_lines(text, "ops")


@pytest.mark.parametrize(
    ("line", "server"),
    [
        ("10.0.0.2", ("10.0.0.2", "10.0.0.2", 22)),
        ("web-1.example.com:2222", ("web-1.example.com", "web-1.example.com", 2222)),
        ("2001:db8::1", ("2001:db8::1", "2001:db8::1", 22)),
        ("[2001:db8::1]:2222", ("2001:db8::1", "2001:db8::1", 2222)),
        ("web-1 10.0.0.2:2222", ("web-1", "10.0.0.2", 2222)),
        ("web-1 [2001:db8::1]:2222", ("web-1", "2001:db8::1", 2222)),
        ("web-1, 10.0.0.2", ("web-1", "10.0.0.2", 22)),
        ("web-1;10.0.0.2;", ("web-1", "10.0.0.2", 22)),
        ("my server, 10.0.0.2", ("my server", "10.0.0.2", 22)),
        ("my server\t10.0.0.2", ("my server", "10.0.0.2", 22)),
        ('"my server" 10.0.0.2', ("my server", "10.0.0.2", 22)),
        ('"rack #7, left" 10.0.0.2 # since May', ("rack #7, left", "10.0.0.2", 22)),
        ("web#1 10.0.0.2#", None),
        ("web#1 10.0.0.2", ("web#1", "10.0.0.2", 22)),
        ("10.0.0.2 web-2.example.com  # as in /etc/hosts", ("web-2.example.com", "10.0.0.2", 22)),
        ("10.0.0.2 10.0.0.2", ("10.0.0.2", "10.0.0.2", 22)),
    ],
)
def test_forms_of_a_line(line: str, server: Server | None) -> None:
    if server is None:
        assert read(line)[0] == ()
    else:
        assert servers(line) == [server]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("my server 10.0.0.2", "it has 3 words, where a name and an address are expected"),
        ("1 mistake found", "it has 3 words, where a name and an address are expected"),
        ("web-1, 10.0.0.2, 22", "it has 3 words, where a name and an address are expected"),
        ("web-1 10.0.0.2 10.0.0.3", "it has 3 words, where a name and an address are expected"),
        ("web-1, 10.0.0.2 10.0.0.3", '"10.0.0.2 10.0.0.3" is not a valid address'),
        ("10.0.0.2, 10.0.0.3", '"10.0.0.2" is an address, where the name is expected'),
        ("10.0.0.2 10.0.0.300", '"10.0.0.2" is an address, where the name is expected'),
        ("192.0.2.55a", '"192.0.2.55a" is not a valid address'),
        ("web-1 10.0.11.184a", '"10.0.11.184a" is not a valid address'),
        ("web-1 10.0.11.184a:22", '"10.0.11.184a" is not a valid address'),
        ("192.0.2.300", '"192.0.2.300" is not a valid address'),
        ("192.0.2", '"192.0.2" is not a valid address'),
        ("192.0.2.1.7", '"192.0.2.1.7" is not a valid address'),
        ("192.0.2.a", '"192.0.2.a" is not a valid address'),
        ("10.0.5.0/24", '"10.0.5.0/24" is not a valid address'),
        ("admin@10.0.0.9", '"admin@10.0.0.9" contains a user name, which belongs to the credential'),
        ("ssh://root@10.0.0.7:22", '"ssh://root@10.0.0.7:22" is a URL'),
        ("web-1 10.0.0.2:22a", '"22a" is not a valid port'),
        ("web-1 10.0.0.2:0", '"0" is not a valid port'),
        ("web-1 10.0.0.2:", '"" is not a valid port'),
        ("web-1 :22", "the address is empty"),
        ("name, address", "it looks like the headings of a table"),
        ("Hostname\tIP Address\tPort", "it looks like the headings of a table"),
        ('"my server 10.0.0.2', "a quote is not closed"),
        ('"my server"', '"my server" is not a valid address'),
    ],
)
def test_a_line_that_is_not_understood_is_a_mistake(line: str, problem: str) -> None:
    hosts, problems = read(f"10.9.9.9\n\n{line}\n")
    assert [host.name for host in hosts] == ["10.9.9.9"]
    assert [(found.key, found.problem) for found in problems] == [("line 3", problem)]
    assert problems[0].remedy


@pytest.mark.parametrize("name", ["10a", "web-1a", "4.3.2.1.in-addr.arpa", "1.2.3.example", "7.xn--p1ai"])
def test_names_with_numbers_are_host_names(name: str) -> None:
    assert servers(name) == [(name, name, 22)]


@given(st.text("we-1 .:,;\t0a", max_size=40))
def test_every_word_of_a_line_is_in_its_server_or_the_line_is_a_mistake(line: str) -> None:
    hosts, problems = read(line, "ops")
    assert len(hosts) + len(problems) == bool(line.strip(" \t,;"))
    for host in hosts:
        kept = f"{host.name} {host.address} {host.port}"
        words = line.replace(",", " ").replace(";", " ").split()
        assert all(word in kept or word.partition(":")[0] in kept for word in words)
