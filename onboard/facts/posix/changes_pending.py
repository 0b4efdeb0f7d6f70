"""Which changes did Onboard begin on this server without recording in a journal how they ended?

A step leaves a record here before its first change (steps_record.sh); the last step of a run removes it.
"""

import re
from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs


@dataclass(frozen=True, slots=True)
class ChangesPending:
    """`files`: names of what lies in Onboard's folder on the server."""

    files: tuple[str, ...] = ()

    @property
    def steps(self) -> frozenset[str]:
        """Names of the steps that were broken off."""
        return frozenset(found[1] for file in self.files if (found := re.fullmatch(r"([a-z_]+)\.undo", file)))


def parse(answer: Answer) -> ChangesPending:
    lines = list(pairs(answer))
    if ("asked", "all") not in lines:
        raise FactError("the answer was cut off")
    return ChangesPending(tuple(value for key, value in lines if key == "pending" and value))


FACT = Fact("changes_pending", parse)
