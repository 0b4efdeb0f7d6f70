"""What people call each check, and why it matters: as the checks say it themselves.

The checks are imported when the first title is asked for, not with this module: the window starts without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from onboard.wizard.text import Words, said


@dataclass(frozen=True, slots=True)
class CheckTitle:
    """`short`: over a column; `why`: one sentence on what goes wrong when the check fails."""

    short: Words
    why: Words


# What fails most often; the others follow in the order of the checks.
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

# What a survey says of a server that it could not ask.
CONNECTION_TITLES: Mapping[str, CheckTitle] = {
    "reachable": CheckTitle(
        said("Connection"), said("A server that cannot be reached or logged in to is left as it is.")
    ),
    "identity_verified": CheckTitle(
        said("Identity"), said("No password or key is sent to a server before it is known to be that server.")
    ),
}

UNTITLED = CheckTitle("", "")


@cache
def check_titles() -> Mapping[str, CheckTitle]:
    """Check → title, in the order of the matrix's columns."""
    from onboard.checks.base import Check, FleetCheck
    from onboard.checks.catalog import CHECKS, FLEET_CHECKS

    every: tuple[Check | FleetCheck, ...] = (*CHECKS, *FLEET_CHECKS)
    titles = {check.name: CheckTitle(check.short, check.why) for check in every}
    first = {name: titles.pop(name) for name in _FIRST_COLUMNS}
    return first | titles


def title_of(check: str) -> CheckTitle:
    """A check's title; an empty one for a cause that comes from no check."""
    if not check:
        return UNTITLED
    return CONNECTION_TITLES.get(check) or check_titles().get(check) or CheckTitle(check, "")
