"""Programs may run where the agent's are, and where it puts the scripts that Run Command sends (/var/lib/amazon)."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts import disk_space
from onboard.facts.base import Facts, Unknown
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "agent_paths_executable"
PATHS = ("/usr/bin", "/var/lib/amazon")


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(disk_space.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "whether programs may run in the agent's folders", found)
    places = [place for path in PATHS if (place := found.at(path)) is not None]
    barred = sorted({place.mounted_on for place in places if "noexec" in place.options})
    evidence = "; ".join(f"{place.path} on {place.mounted_on}: {','.join(place.options)}" for place in places)
    if barred:
        return failed(
            NAME,
            f"{', '.join(barred)} is mounted noexec",
            remedy=f"Allow it: sudo mount -o remount,exec {barred[0]}, and take noexec out of /etc/fstab. Or give the "
            "agent a file system of its own at /var/lib/amazon",
            evidence=evidence,
        )
    if len(places) < len(PATHS) or any(not place.options for place in places):
        return not_known(NAME, "whether programs may run in the agent's folders", evidence or "df did not tell")
    return passed(NAME, "programs may run in the agent's folders", evidence)


CHECK = Check(NAME, (disk_space.FACT,), judge)
