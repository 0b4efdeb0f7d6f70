"""How much space is free where the agent is installed, and may programs run there?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import number, pairs


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, or the nearest above it that exists. `free_kib` is None and the rest empty if not reported.

    `free_inodes`: how many more files fit on its file system; None if that has no limit, or it was not reported.
    """

    path: str
    free_kib: int | None
    options: tuple[str, ...]
    mounted_on: str
    free_inodes: int | None = None


@dataclass(frozen=True, slots=True)
class DiskSpace:
    places: tuple[Place, ...]

    def at(self, path: str) -> Place | None:
        return next((place for place in self.places if place.path == path), None)


def parse(answer: Answer) -> DiskSpace:
    places = []
    inodes: dict[str, int] = {}
    for path, rest in pairs(answer):
        if path == "inodes":
            of, _, free = rest.partition(" ")
            inodes[of] = number(free, "the count of free inodes")
            continue
        words = rest.split(maxsplit=2)
        if not path.startswith("/") or len(words) != 3:
            raise FactError(f"not understood: {path[:60]} {rest[:80]}")
        free, options, point = words
        places.append(
            Place(
                path,
                int(free) if free.isascii() and free.isdigit() and len(free) < 20 else None,
                () if options == "-" else tuple(options.split(",")),
                "" if point == "-" else point,
                inodes.get(path),
            )
        )
    if not places:
        raise FactError("the server reported no file system")
    return DiskSpace(tuple(places))


FACT = Fact("disk_space", parse)
