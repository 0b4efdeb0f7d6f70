"""How the file systems under the agent's folders are mounted. Shared by agent_paths_*; not a check itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import disk_space


@dataclass(frozen=True, slots=True)
class Mounted:
    """`on`: mount points, sorted. `evidence`: every folder asked about, with its mount and that one's options."""

    on: tuple[str, ...]
    evidence: str


def mounted_with(option: str, folders: Sequence[str], facts: Facts) -> Mounted | Unknown:
    """The mounts of `folders` that have `option`. Unknown if none has it but the server did not report every folder."""
    found = facts.get(disk_space.FACT)
    if isinstance(found, Unknown):
        return found
    places = [place for folder in folders if (place := found.at(folder)) is not None]
    on = {place.mounted_on for place in places if option in place.options}
    evidence = "; ".join(f"{place.path} on {place.mounted_on}: {','.join(place.options)}" for place in places)
    if not on and (len(places) < len(folders) or any(not place.options for place in places)):
        return Unknown(evidence or "df did not report it")
    return Mounted(tuple(sorted(on)), evidence)
