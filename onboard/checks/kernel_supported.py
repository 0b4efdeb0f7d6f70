"""The kernel is Linux 3.2 or later, which the agent (a Go program) needs since 3.0.1479.0."""

import re

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import kernel
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text

NAME = "kernel_supported"
OLDEST = (3, 2)


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(kernel.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "which kernel runs", found)
    evidence = f"{found.system} {found.release}"
    if found.system not in ("Linux", ""):
        return failed(
            NAME,
            Text("{system} is not Linux", system=found.system),
            remedy="Use a Linux server: Onboard does not install the agent on this system",
            evidence=evidence,
        )
    numbers = re.match(r"([0-9]{1,6})\.([0-9]{1,6})", found.release)
    if numbers is None:
        return not_known(NAME, "which kernel runs", f"uname says {found.release}")
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        return failed(
            NAME,
            Text("kernel {version} is older than 3.2", version=numbers[0]),
            remedy="Move to a system with a newer kernel: current agents do not run on this one",
            evidence=evidence,
        )
    return passed(NAME, "the kernel is new enough", evidence)


CHECK = Check(
    NAME,
    (kernel.FACT,),
    judge,
    short=Text("Kernel"),
    why=Text("Current agents do not run on kernels before 3.2."),
)
