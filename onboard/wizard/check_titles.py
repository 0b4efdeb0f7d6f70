"""What people call each check, and why it matters. Names only, so that no check or fact is imported for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from onboard.wizard.text import Said, Words, said


@dataclass(frozen=True, slots=True)
class CheckTitle:
    """`short`: over a column; `why`: one sentence on what goes wrong when the check fails."""

    short: Words
    why: Words


# In the order of the matrix's columns: what fails most often comes first.
CHECK_TITLES: Mapping[str, CheckTitle] = {
    "os_supported": CheckTitle(
        said("Supported"), said("AWS supports hybrid nodes on listed systems and versions alone.")
    ),
    "clock_in_sync": CheckTitle(said("Clock"), said("AWS refuses requests that are signed more than 5 minutes off.")),
    "names_resolve": CheckTitle(said("Name lookup"), said("The agent finds Systems Manager by name.")),
    "endpoints_reachable": CheckTitle(
        said("Endpoints"), said("The agent comes online only where it reaches Systems Manager on TCP 443.")
    ),
    "root_certificates_present": CheckTitle(
        said("Certificates"), said("Without Amazon's root certificates the agent does not trust Systems Manager.")
    ),
    "tls_not_intercepted": CheckTitle(
        said("TLS"), said("A device that opens TLS on the way breaks the agent's connection for messages.")
    ),
    "proxy_consistent": CheckTitle(
        said("Proxy"), said("The agent uses the proxy that its service has, not that of log-ins.")
    ),
    "disk_space_sufficient": CheckTitle(
        said("Disk"), said("An installation that runs out of space leaves half a package behind.")
    ),
    "privilege_sufficient": CheckTitle(said("Privilege"), said("Installing and registering the agent takes root.")),
    "package_manager_usable": CheckTitle(said("Packages"), said("The agent comes as a package of dpkg or rpm.")),
    "agent_not_clashing": CheckTitle(said("Agent"), said("Two agents on one server take turns at one registration.")),
    "not_registered_elsewhere": CheckTitle(
        said("Registration"), said("Registering again would take the node from the account that has it.")
    ),
    "root_credentials_kept": CheckTitle(
        said("Root's key"), said("An agent that shares its credentials writes over root's own AWS key.")
    ),
    "agent_paths_writable": CheckTitle(
        said("Writable"), said("The agent cannot be installed where its folders are read-only.")
    ),
    "agent_paths_executable": CheckTitle(
        said("Executable"), said("The agent, and what Run Command sends, must be allowed to run from its folders.")
    ),
    "init_system_supported": CheckTitle(
        said("Services"), said("Something has to start the agent again after a reboot.")
    ),
    "kernel_supported": CheckTitle(said("Kernel"), said("Today's agents do not run on kernels before 3.2.")),
    "architecture_supported": CheckTitle(said("Processor"), said("AWS offers the agent for x86_64 and ARM64 alone.")),
    "not_a_clone": CheckTitle(said("Not a copy"), said("Copies share one identity, and take turns at one node.")),
    "address_unique": CheckTitle(
        said("Address"), said("A server that is listed twice would be installed twice at once.")
    ),
}

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


def title_of(check: str) -> CheckTitle:
    """A check's title; an empty one for a cause that comes from no check."""
    known = CHECK_TITLES.get(check) or CONNECTION_TITLES.get(check)
    return known or (CheckTitle(check, "") if check else UNTITLED)


@dataclass(frozen=True, slots=True)
class FixTitle:
    """A step that can repair what a check found: `allow` and `forbid` are buttons, `allowed` says what is in force."""

    allow: Said
    forbid: Said
    allowed: Said


FIX_TITLES: Mapping[str, FixTitle] = {
    "install_roots": FixTitle(said("Add the five roo&ts"), said("Do not add the roo&ts"), said("Roots will be added")),
}


def fix_title(fix: str) -> FixTitle | None:
    """None for a fix that the wizard does not know: it is not offered then."""
    return FIX_TITLES.get(fix)
