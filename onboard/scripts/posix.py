"""Plain sh, as every POSIX system has it."""

import shlex
from collections.abc import Mapping

from onboard.scripts.dialect import Dialect


class Posix(Dialect):
    folder = "posix"
    suffix = ".sh"

    def quote(self, value: str) -> str:
        return shlex.quote(value)

    def assign(self, name: str, value: str, *, exported: bool = False) -> str:
        return f"{name}={self.quote(value)}" + (f"\nexport {name}" if exported else "")

    def assigned(self, assignments: str) -> Mapping[str, str]:
        return dict(word.split("=", 1) for word in shlex.split(assignments))

    def keep(self, name: str, script: str, mark: str) -> str:
        return f"cat >\"$folder/{name}{self.suffix}\" <<'{mark}'\n{script.rstrip()}\n{mark}"


POSIX = Posix()
