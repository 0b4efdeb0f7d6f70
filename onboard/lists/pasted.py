"""Servers typed or pasted, one per line: a name or an address, or both. Nothing but comments is left out silently."""

import re
from dataclasses import dataclass

from pydantic import ValidationError

from onboard.lists.csv_columns import is_heading
from onboard.lists.reader import Parsed
from onboard.model.errors import Problem
from onboard.model.formats import is_address, is_ip_address, shown
from onboard.model.profile import Host
from onboard.model.validation import wrong_value

_BEFORE_COMMENT = re.compile(r'(?:"[^"]*"|[^"#]+|(?<=\S)#)*')  # a comment begins with a # at the start of a word
_CELL = re.compile(r'(?:"[^"]*"|[^",;\t])+')
_WORD = re.compile(r'(?:"[^"]*"|[^"\s])+')
_BRACKETED = re.compile(r"\[(?P<address>[^\]]*)\](?::(?P<port>.*))?")
_FORMS = "Write NAME ADDRESS or NAME ADDRESS:PORT, and put a name that has blanks in quotes"


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a line says a server is. `port` is None where the line gives none."""

    address: str
    port: str | None

    @property
    def is_ip(self) -> bool:
        return is_ip_address(self.address)


def parse_lines(text: str, credential: str) -> Parsed:
    """The servers of the lines that are right, and one problem for each line that is not, by its number."""
    hosts: dict[int, Host] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            words = _words(line)
            if words:
                hosts[number] = _host(words, credential)
        except _Refused as refused:
            problems.append(Problem(f"line {number}", refused.problem, refused.remedy))
    return Parsed(tuple(hosts.values()), tuple(hosts), tuple(problems))


class _Refused(Exception):
    """A line is not understood."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy


def _words(line: str) -> list[str]:
    """A line's cells where commas, semicolons or tabs separate them, else its words. Quotes keep a word together."""
    content = _BEFORE_COMMENT.match(line)
    end = content.end() if content else 0
    if line[end : end + 1] == '"':
        raise _Refused("a quote is not closed", "Close the quote, or delete it")
    cells = [cell.strip() for cell in _CELL.findall(line[:end]) if cell.strip()]
    if len(cells) == 1:
        cells = _WORD.findall(cells[0])
    return [_unquoted(cell) for cell in cells]


def _unquoted(cell: str) -> str:
    return cell[1:-1].strip() if re.fullmatch(r'"[^"]*"', cell) else cell


def _host(words: list[str], credential: str) -> Host:
    name, target = _name_and_target(words)
    values: dict[str, object] = {"name": name}
    if credential:
        values["credential"] = credential
    if target.address != name or target.port is not None:
        values["address"] = target.address
    if target.port is not None:
        values["port"] = _port(target.port)
    if not target.address:
        raise _Refused("the address is empty", _FORMS)
    try:
        Host(name=name, address=target.address)  # a name that serves as the address has to be one
        return Host.model_validate(values)
    except ValidationError as error:
        wrong = wrong_value("line", error.errors()[0])
        raise _Refused(wrong.problem, wrong.remedy) from None


def _name_and_target(words: list[str]) -> tuple[str, _Target]:
    if len(words) == 1:
        target = _target(words[0])
        return target.address, target
    if len(words) > 1 and all(map(is_heading, words)):
        raise _Refused("it looks like the headings of a table", "Delete the line, or use Import for a table")
    if len(words) > 2:
        raise _Refused(f"it has {len(words)} words, where a name and an address are expected", _FORMS)
    first, second = map(_target, words)
    if not first.is_ip or first == second:
        return words[0], second
    if is_address(words[1]) and not second.is_ip:  # as in /etc/hosts
        return words[1], first
    raise _Refused(
        f"{shown(words[0])} is an address, where the name is expected", f"{_FORMS}. Put each server on its own line"
    )


def _target(word: str) -> _Target:
    if bracketed := _BRACKETED.fullmatch(word):
        return _Target(bracketed["address"], bracketed["port"])
    if word.count(":") == 1 and "://" not in word:
        address, _, port = word.partition(":")
        return _Target(address, port)
    return _Target(word, None)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= 65535):
        raise _Refused(f"{shown(text)} is not a valid port", "Write a number from 1 to 65535 after the colon")
    return int(text)
