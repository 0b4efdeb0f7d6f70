"""The title of each check and why it matters, taken from the checks themselves.

The checks are imported on first use rather than with this module, so that the window starts without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from onboard.wizard.text import Words, said


@dataclass(frozen=True, slots=True)
class CheckTitle:
    """`short` heads a column; `why` is one sentence on what goes wrong when the check fails."""

    short: Words
    why: Words


# The checks that fail most often; the others follow in the order of the catalog.
_FIRST_COLUMNS = (
    "os_supported",
    "clock_in_sync",
    "names_resolve",
    "endpoints_reachable",
    "root_certificates_present",
    "tls_not_intercepted",
    "proxy_consistent",
    "disk_space_sufficient",
    "privilege_sufficient",
    "package_manager_usable",
)

# For the findings of a survey about a server that it could not query.
CONNECTION_TITLES: Mapping[str, CheckTitle] = {
    "reachable": CheckTitle(
        said("Connection"), said("Onboard changes nothing on a server that it cannot reach or log in to.")
    ),
    "identity_verified": CheckTitle(
        said("Identity"), said("Onboard sends no password or key to a server until its identity is verified.")
    ),
}

UNTITLED = CheckTitle("", "")


@cache
def check_titles() -> Mapping[str, CheckTitle]:
    """Check → title, in the order of the columns of the matrix."""
    from onboard.checks.base import Check, FleetCheck
    from onboard.checks.catalog import CHECKS, FLEET_CHECKS

    every: tuple[Check | FleetCheck, ...] = (*CHECKS, *FLEET_CHECKS)
    titles = {check.name: CheckTitle(check.short, check.why) for check in every}
    first = {name: titles.pop(name) for name in _FIRST_COLUMNS}
    return first | titles


def title_of(check: str) -> CheckTitle:
    """The title of a check; an empty one for a cause that does not come from a check."""
    if not check:
        return UNTITLED
    return CONNECTION_TITLES.get(check) or check_titles().get(check) or CheckTitle(check, "")
