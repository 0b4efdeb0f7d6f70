"""Does sudo keep a record of what is sent to the commands that it runs for this account?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs

USUAL_FOLDER = "/var/log/sudo-io"


@dataclass(frozen=True, slots=True)
class SudoLogging:
    """`options`: those of sudoers that record input. `folder`: where the records are."""

    options: tuple[str, ...] = ()
    folder: str = USUAL_FOLDER


def parse(answer: Answer) -> SudoLogging:
    told = list(pairs(answer))
    if ("asked", "all") not in told:
        raise FactError("the answer was cut off")
    options = sorted({value for key, value in told if key == "option" and value})
    folders = [value for key, value in told if key == "folder" and value]
    return SudoLogging(tuple(options), folders[-1] if folders else USUAL_FOLDER)


FACT = Fact("sudo_logging", parse)
