"""How many inotify instances may root have on this server, and how many has it?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import number, pairs


@dataclass(frozen=True, slots=True)
class Inotify:
    """`limit` is None where the kernel has none. `used` may be too high: what is inherited is counted twice."""

    limit: int | None = None
    used: int = 0


def parse(answer: Answer) -> Inotify:
    told = dict(pairs(answer))
    if told.get("asked") != "all":
        raise FactError("the answer was cut off")
    if "limit" not in told:
        return Inotify()
    return Inotify(number(told["limit"], "the limit"), number(told.get("used", ""), "the count of instances"))


FACT = Fact("inotify", parse)
