"""What installs packages on this server, for which architecture, and is it free to work now?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that a program holds."""

    file: str
    pid: str
    program: str


@dataclass(frozen=True, slots=True)
class PackageManager:
    """`formats`: deb, rpm, snap. `architecture`: that of packages, as dpkg or rpm names it; "" if not reported.
    `interrupted`: dpkg has unfinished work; unless it holds its lock, a package was left half installed.
    `damage`: what rpm says of its database, if it is damaged.
    """

    formats: tuple[str, ...] = ()
    architecture: str = ""
    tools: tuple[str, ...] = ()
    locks: tuple[Lock, ...] = ()
    interrupted: bool = False
    damage: str = ""


def parse(answer: Answer) -> PackageManager:
    formats, tools, locks = [], [], []
    architecture = damage = ""
    interrupted = False
    lines = list(pairs(answer))
    if ("asked", "all") not in lines:
        raise FactError("the answer was cut off")
    for key, value in lines:
        words = value.split()
        if key == "format" and words:
            formats.append(words[0])
            if not architecture and words[1:]:
                architecture = words[1]
        elif key == "tool" and words:
            tools.append(words[0])
        elif key == "lock" and words[1:]:
            locks.append(Lock(words[0], words[1], " ".join(words[2:])))
        elif key == "interrupted":
            interrupted = True
        elif key == "damaged" and words[1:]:
            damage = " ".join(words[1:])
    return PackageManager(tuple(formats), architecture, tuple(tools), tuple(locks), interrupted, damage)


FACT = Fact("package_manager", parse)
