"""All wanted facts as one script, and its output taken apart again: one round trip for each server."""

import math
import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from onboard.facts.base import Answer, Fact, FactError, Facts, Unknown, Wanted
from onboard.hosts.connection import ScriptResult
from onboard.scripts.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Questions:
    """What all servers of a family are asked: facts, and the script that asks for them."""

    facts: tuple[Fact[Any], ...]
    script: str


NOT_UNDERSTOOD = Unknown("the server's answer was not understood")
SECTION_LIMIT = 1024 * 1024  # bytes that a script may print, as in facts_bundle.sh
_BEGIN = re.compile(rb"onboard-facts ([0-9a-f]{32}) begin\n")


def compose(dialect: Dialect, facts: Sequence[Fact[Any]], wanted: Wanted) -> str:
    """A script that asks all of `facts`, each under its own time limit and side by side."""
    mark = secrets.token_hex(16)
    names = [fact.name for fact in facts]
    variables = [dialect.assign(name, value, exported=True) for name, value in wanted.variables.items()]
    sections = [dialect.keep(name, dialect.file(f"facts/{name}"), mark) for name in names]
    frame = {
        "#@VARIABLES@": "\n".join(variables),
        "#@SECTIONS@": "\n\n".join(sections),
        "#@STARTS@": "\n  ".join(f"start {name}" for name in names),
        "@LIMITS@": _limits(facts),
        "@COUNT@": str(len(facts)),
        "@MARK@": mark,
    }
    return re.sub(r"#?@[A-Z]+@", lambda place: frame[place.group()], dialect.file("facts_bundle"))


def _limits(facts: Iterable[Fact[Any]]) -> str:
    """`10 'a b' 15 'c'`: seconds, ascending, and the facts whose time is over then."""

    def limit(fact: Fact[Any]) -> int:
        return math.ceil(fact.timeout)

    groups = groupby(sorted(facts, key=limit), key=limit)
    return " ".join(f"{seconds} '{' '.join(fact.name for fact in group)}'" for seconds, group in groups)


def parse(facts: Iterable[Fact[Any]], result: ScriptResult, *, received: float | None = None) -> Facts:
    """The values of `facts`. Whatever is missing, failed, took too long or was not understood is Unknown.

    `received` is this computer's clock when the result came (seconds since the epoch); by default: now. The
    script's duration is subtracted, so that a slow answer does not look like a slow clock.
    """
    answers = split(result, received=time.time() if received is None else received)
    return Facts({fact.name: _value(fact, answers.get(fact.name) or _why_missing(result)) for fact in facts})


def _value(fact: Fact[Any], answer: Answer | Unknown) -> Any:
    if isinstance(answer, Unknown):
        return answer
    if answer.exit_code != 0:
        said = answer.stderr.strip().splitlines()
        return Unknown(said[-1] if said else f"the script failed with exit code {answer.exit_code}")
    try:
        return fact.parse(answer)
    except FactError as error:
        return Unknown(str(error))


def split(result: ScriptResult, *, received: float | None = None) -> Mapping[str, Answer | Unknown]:
    """What each script printed, by the name of its fact. Pure. Anything before, between and after is noise."""
    begin = _BEGIN.search(result.stdout)
    if begin is None:
        return {}
    mark = b"onboard-facts " + begin.group(1)
    prefix = rb"\n" + mark
    section = re.compile(
        prefix + rb" section ([a-z_]+)\n(.*?)" + prefix + rb" stderr\n(.*?)" + prefix + rb" end \1 (\d+|late) (\d+)\n",
        re.DOTALL,
    )
    took = re.search(prefix + rb" finished ([0-9]{1,4})\n", result.stdout)
    began = None if received is None else received - (int(took[1]) if took else 0)
    answers: dict[str, Answer | Unknown] = {}
    for found in section.finditer(result.stdout, begin.end() - 1):
        name, printed, said, state, size = found.groups()
        stderr = said.decode(errors="replace")
        if state == b"late":
            answers[name.decode()] = Unknown("the server did not answer this within its time limit")
        elif mark in printed or mark in said:  # marks of other sections: lines were lost or moved
            answers[name.decode()] = NOT_UNDERSTOOD
        elif int(size) > SECTION_LIMIT:
            answers[name.decode()] = Unknown(
                f"the server printed {int(size):,} bytes, more than the limit for one answer"
            )
        else:
            answers[name.decode()] = Answer(printed.decode(errors="replace"), stderr, int(state), began)
    return answers


def _why_missing(result: ScriptResult) -> Unknown:
    begin = _BEGIN.search(result.stdout)
    if begin is None:
        if result.exit_code == 0:
            return NOT_UNDERSTOOD
        said = result.stderr.decode(errors="replace").strip().splitlines()
        return Unknown(f"the server did not run the script: {said[-1] if said else f'exit code {result.exit_code}'}")
    line = b"\nonboard-facts " + begin.group(1)
    if line + b" homeless\n" in result.stdout[begin.end() - 1 :]:
        return Unknown("no temporary folder on the server is writable")
    if line + b" finished " not in result.stdout:
        return Unknown("the server's answer was cut off")
    return Unknown("the server gave no answer to this")


def asked(script: str) -> list[str]:
    """The facts that a composed script asks, in its order. For practice servers, which run no scripts."""
    return re.findall(r"^# fact: ([a-z_]+)$", script, re.MULTILINE)


def answer(script: str, answers: Mapping[str, Answer]) -> bytes:
    """What a server prints that runs the composed `script` and gives these answers; facts without one are left out."""
    found = re.search(r"^mark=([0-9a-f]{32})$", script, re.MULTILINE)
    if found is None:
        raise ValueError("no script of facts")
    mark = found.group(1)
    parts = [f"\nonboard-facts {mark} begin\n"]
    for name in asked(script):
        if name in answers:
            given = answers[name]
            size = len(given.stdout.encode())
            parts.append(
                f"\nonboard-facts {mark} section {name}\n{given.stdout}\nonboard-facts {mark} stderr\n{given.stderr}"
                f"\nonboard-facts {mark} end {name} {given.exit_code} {size}\n"
            )
    parts.append(f"\nonboard-facts {mark} finished 0\n")
    return "".join(parts).encode()
