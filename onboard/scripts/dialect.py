"""How a script for a server is put together, whichever language it is written in.

A script is a file under resources/scripts/DIALECT/, and begins with its title. Composed, it reads:

    # TITLE                 the first line of its file
    NAME='VALUE'            one assignment a variable, quoted by the dialect
    # end of variables
    …                       other files that it shares with further scripts
    …                       the rest of its file

Its answers are lines `key=value` on standard output.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar

from onboard.resources import resource, text

END_OF_VARIABLES = "# end of variables"


class Dialect(ABC):
    """A language that servers run scripts in.

    folder   its scripts' folder under resources/scripts
    suffix   of its files, with the dot
    """

    folder: ClassVar[str]
    suffix: ClassVar[str]

    @abstractmethod
    def quote(self, value: str) -> str:
        """`value` as one word in which nothing is expanded."""

    @abstractmethod
    def assign(self, name: str, value: str, *, exported: bool = False) -> str:
        """The assignment of a variable; `exported`: programs that the script starts see it, too."""

    @abstractmethod
    def assigned(self, assignments: str) -> Mapping[str, str]:
        """The variables of lines that `assign` made (without `exported`)."""

    @abstractmethod
    def keep(self, name: str, script: str, mark: str) -> str:
        """Lines that store `script` on the server under `name`, to be started later. No line of it is `mark`."""

    def file(self, name: str) -> str:
        """The script `name`, such as `facts/clock`, as in its file. FileNotFoundError if there is no such file."""
        return _text(f"scripts/{self.folder}/{name}{self.suffix}")

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of the scripts in a folder, sorted; () where the dialect has no such folder."""
        found = resource(f"scripts/{self.folder}/{folder}")
        files = [entry.name for entry in found.iterdir()] if found.is_dir() else []
        return tuple(sorted(f"{folder}/{name.removesuffix(self.suffix)}" for name in files))

    def compose(self, name: str, variables: Mapping[str, str], shared: Sequence[str] = ()) -> str:
        """The script `name` with its variables and with the scripts that it shares."""
        head, _, body = self.file(name).partition("\n")
        assignments = [self.assign(variable, value) for variable, value in variables.items()]
        return "\n".join([head, *assignments, END_OF_VARIABLES, *map(self.file, shared), body])

    def title(self, script: str) -> str:
        """The title in a script's first line; "" if it has none."""
        found = re.match(r"# (.+)\n", script)
        return found[1] if found else ""

    def variables(self, script: str) -> Mapping[str, str]:
        """The variables that a composed script begins with; one among them may be such a script itself."""
        return self.assigned(script.partition("\n")[2].rpartition(f"{END_OF_VARIABLES}\n")[0])


def answers(stdout: str) -> dict[str, str]:
    """Lines `key=value` or `group.key=value`; anything else on standard output is noise."""
    lines = re.finditer(r"^([a-z_]+(?:\.[a-z_]+)?)=(.*)$", stdout, re.MULTILINE)
    return {found[1]: found[2] for found in lines}


_text = cache(text)
