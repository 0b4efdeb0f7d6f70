"""Root may have a few more inotify instances: an agent's workers need them, and without them commands time out."""

from onboard.checks.base import Check, Context, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import inotify
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, sh

NAME = "inotify_instances_free"
NEEDED = 8  # the agent, its worker, and one more for each of the commands that run at the same time
_LIMIT, _FILE = "fs.inotify.max_user_instances", "/etc/sysctl.d/90-inotify.conf"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(inotify.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "how many inotify instances are free", found)
    if found.limit is None:
        return passed(NAME, "the kernel does not limit inotify instances")
    evidence = f"root has {found.used} of {found.limit}"
    if found.limit - found.used >= NEEDED:
        return passed(NAME, "there are inotify instances for the agent", evidence)
    more = f"{_LIMIT} = {max(1024, 2 * found.limit)}"
    written = sh("echo", more)
    # A warning only: the count may be too high.
    return warned(
        NAME,
        Text("few inotify instances are left for root: {free}", free=max(0, found.limit - found.used)),
        remedy=Remedy(
            "Raise the limit, now and after a restart; the agent's commands time out when none is left",
            written and written | sh("sudo", "tee", _FILE),
            sh("sudo", "sysctl", "-p", _FILE),
        ),
        evidence=evidence,
    )


CHECK = Check(
    NAME,
    (inotify.FACT,),
    judge,
    short=Text("Inotify"),
    why=Text("An agent that has no inotify instance left takes commands and never answers."),
)
