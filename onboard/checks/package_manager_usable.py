"""There is a package manager that the agent has a package for, and nothing is half installed."""

from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import package_manager
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, sh

NAME = "package_manager_usable"
DPKG = "/var/lib/dpkg/"
REBUILD_RPM = Remedy(
    "Keep a copy of rpm's database and rebuild it. These do it, if the database is in /var/lib/rpm",
    sh("sudo", "cp", "-a", "/var/lib/rpm", "/var/lib/rpm.before"),
    sh("sudo", "sh", "-c", "rm -f /var/lib/rpm/__db.*"),
    sh("sudo", "rpm", "--rebuilddb"),
)


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(package_manager.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "which package manager there is", found)
    evidence = f"{', '.join(found.formats) or 'none'}; {', '.join(found.tools)}".rstrip("; ")
    if not {"deb", "rpm"} & set(found.formats):
        return failed(
            NAME,
            "neither dpkg nor rpm is installed",
            remedy="AWS offers the agent as deb and rpm packages. For this system, ask its vendor",
            evidence=evidence,
        )
    if found.interrupted and not any(lock.file.startswith(DPKG) for lock in found.locks):
        return failed(
            NAME,
            "dpkg was interrupted and a package is half installed",
            remedy=Remedy("Finish that installation", sh("sudo", "dpkg", "--configure", "-a")),
            evidence=evidence,
        )
    if found.damage:
        return failed(NAME, "rpm's database is damaged", remedy=REBUILD_RPM, evidence=found.damage)
    if found.locks:
        return warned(
            NAME,
            "the package manager is busy",
            remedy=Remedy(
                "Wait until it has finished; the installation also waits for a while. This shows what is running",
                sh("pgrep", "-af", "apt|dpkg|unattended|yum|dnf|zypper"),
            ),
            evidence="; ".join(f"{lock.file}: {lock.program} ({lock.pid})" for lock in found.locks),
        )
    return passed(NAME, "the package manager is free", evidence)


CHECK = Check(
    NAME,
    (package_manager.FACT,),
    judge,
    short=Text("Packages"),
    why=Text("The agent is installed as a deb or rpm package."),
)
