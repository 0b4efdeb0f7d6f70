"""As whom do scripts run on this server?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact
from onboard.facts.lines import number, single


@dataclass(frozen=True, slots=True)
class Privilege:
    """`uid` that the script had, after sudo when it went through sudo (`sudo_user` is then who called it)."""

    uid: int
    user: str
    groups: tuple[str, ...] = ()
    sudo_user: str = ""
    has_sudo: bool = False

    @property
    def is_root(self) -> bool:
        return self.uid == 0


def parse(answer: Answer) -> Privilege:
    values = single(answer)
    return Privilege(
        uid=number(values.get("uid", ""), "the user's id"),
        user=values.get("user", ""),
        groups=tuple(values.get("groups", "").split()),
        sudo_user=values.get("sudo_user", ""),
        has_sudo=values.get("sudo") == "present",
    )


FACT = Fact("privilege", parse)
