"""The file systems that the agent is installed on and works on are not mounted read-only."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts import disk_space
from onboard.facts.base import Facts, Unknown
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "agent_paths_writable"
PATHS = ("/usr/bin", "/etc", "/var/lib/amazon", "/var/log")


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(disk_space.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "whether the agent's folders can be written to", found)
    places = [place for path in PATHS if (place := found.at(path)) is not None]
    fixed = sorted({place.mounted_on for place in places if "ro" in place.options})
    evidence = "; ".join(f"{place.path} on {place.mounted_on}: {','.join(place.options)}" for place in places)
    if fixed:
        return failed(
            NAME,
            f"{', '.join(fixed)} is mounted read-only",
            remedy=f"Mount it for writing: sudo mount -o remount,rw {fixed[0]}, and in /etc/fstab. After errors of a "
            "disk the kernel does this by itself: see dmesg",
            evidence=evidence,
        )
    if len(places) < len(PATHS) or any(not place.options for place in places):
        return not_known(NAME, "whether the agent's folders can be written to", evidence or "df did not tell")
    return passed(NAME, "the agent's folders can be written to", evidence)


CHECK = Check(NAME, (disk_space.FACT,), judge)
