"""What starts services here?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact
from onboard.facts.lines import single


@dataclass(frozen=True, slots=True)
class InitSystem:
    """`name`: systemd, upstart, sysvinit, or that of the first process when it is none of them (containers)."""

    name: str
    version: str = ""

    @property
    def is_systemd(self) -> bool:
        return self.name == "systemd"


def parse(answer: Answer) -> InitSystem:
    values = single(answer)
    if values.get("systemd") == "running":
        return InitSystem("systemd", values.get("systemctl", ""))
    if values.get("upstart") == "running":
        return InitSystem("upstart")
    first = values.get("first_process", "")
    if first == "init" and values.get("init_d") == "present":
        return InitSystem("sysvinit")
    return InitSystem(first or "unknown")


FACT = Fact("init_system", parse)
