"""Profiles written by older versions: one pure function for each step from a schema to the next.

To change the schema: raise SCHEMA_VERSION, add the function from the version before, and a golden file of that version
under tests/profiles/golden.
"""

from collections.abc import Callable, Mapping
from typing import Any

from onboard import __version__
from onboard.model.errors import Problem
from onboard.model.profile import SCHEMA_VERSION

Data = dict[str, Any]

# The function at N takes a profile of schema N to schema N + 1. Schema 1 is the first.
UPGRADES: Mapping[int, Callable[[Data], Data]] = {}


def schema_problem(data: Mapping[str, Any]) -> Problem | None:
    """Why this version cannot read the profile, if it cannot. A file without `schema` is read as the first."""
    version = data.get("schema", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        return Problem("schema", "it is not a schema version", f"Write schema = {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        number = str(version) if version < 10**6 else "a later one"
        return Problem(
            "schema",
            f"it is {number}, written by a newer version; this one ({__version__}) knows up to {SCHEMA_VERSION}",
            "Update this program",
        )
    return None


def upgraded(data: Data) -> Data:
    """The same profile in today's schema. `schema_problem` found nothing."""
    for version in range(data.get("schema", 1), SCHEMA_VERSION):
        data = UPGRADES[version](data) | {"schema": version + 1}
    return data
