"""What starts services here?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import single


@dataclass(frozen=True, slots=True)
class InitSystem:
    """`name`: systemd, upstart, sysvinit, or that of the first process when it is none of them (containers).
    `has_scripts`: there is /etc/init.d, whose scripts can be started without any of them.
    """

    name: str
    version: str = ""
    has_scripts: bool = False

    @property
    def is_systemd(self) -> bool:
        return self.name == "systemd"


def parse(answer: Answer) -> InitSystem:
    values = single(answer)
    scripts = values.get("init_d") == "present"
    if values.get("systemd") == "running":
        return InitSystem("systemd", values.get("systemctl", ""), scripts)
    if values.get("upstart") == "running":
        return InitSystem("upstart", has_scripts=scripts)
    first = values.get("first_process", "")
    if not first and not scripts:
        raise FactError("the name of the first process could not be read")
    if first == "init" and scripts:
        return InitSystem("sysvinit", has_scripts=True)
    return InitSystem(first or "unknown", has_scripts=scripts)


FACT = Fact("init_system", parse)
