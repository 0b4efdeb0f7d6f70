"""There is room where the agent lands. AWS names no figure; these leave some room above what a 3.3 agent unpacks."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts import agent, disk_space
from onboard.facts.base import Facts, Unknown
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "disk_space_sufficient"
MIB = 1024
NEEDED_KIB = {"/usr/bin": 200 * MIB, "/var/lib/amazon": 100 * MIB, "/var/log": 50 * MIB, "/etc": MIB}
ONCE_INSTALLED_KIB = {"/usr/bin": 0, "/var/lib/amazon": 20 * MIB, "/var/log": 10 * MIB, "/etc": MIB}


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(disk_space.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "how much room there is", found)
    agent_found = facts.get(agent.FACT)
    installed = not isinstance(agent_found, Unknown) and agent_found.is_installed
    needed: dict[str, int] = {}
    free: dict[str, int] = {}
    for path, amount in (ONCE_INSTALLED_KIB if installed else NEEDED_KIB).items():
        place = found.at(path)
        if place is None or place.free_kib is None:
            return not_known(NAME, f"how much room there is at {path}", "df did not tell")
        needed[place.mounted_on] = needed.get(place.mounted_on, 0) + amount
        free[place.mounted_on] = place.free_kib
    evidence = "; ".join(
        f"{mount}: {free[mount] // MIB:,} MiB free, {needed[mount] // MIB} MiB needed" for mount in sorted(needed)
    )
    short = sorted(mount for mount in needed if free[mount] < needed[mount])
    if short:
        return failed(
            NAME,
            f"too little room on {', '.join(short)}",
            remedy=f"Free some space there. What takes it: sudo du -xh {' '.join(short)} | sort -h | tail",
            evidence=evidence,
        )
    return passed(NAME, "there is room for the agent", evidence)


CHECK = Check(NAME, (disk_space.FACT, agent.FACT), judge)
