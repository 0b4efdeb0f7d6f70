"""As whom do scripts run on this server?"""

from dataclasses import dataclass, replace

from onboard.facts.base import Answer, Fact, Facts, Unknown
from onboard.facts.lines import number, single
from onboard.model.errors import PrivilegeMissing, PrivilegeUntried


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the script did not run as root, as it should have: what, why and a remedy in words for people.

    tried   False when sudo was not given the password, so that nobody knows whether it would have taken it
    """

    what: str
    why: str
    remedy: str
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Privilege:
    """`uid` that the script had, after sudo when it went through sudo (`sudo_user` is then who called it).

    refusal   why it was not root's; known to the connection, not to a script
    """

    uid: int
    user: str
    groups: tuple[str, ...] = ()
    sudo_user: str = ""
    has_sudo: bool = False
    refusal: Refusal | None = None

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


def refused(facts: Facts, error: PrivilegeMissing) -> Facts:
    """`facts`, asked without privilege, with the reason for that."""
    found = facts.get(FACT)
    if isinstance(found, Unknown):
        return facts
    tried = not isinstance(error, PrivilegeUntried)
    return facts.having(FACT, replace(found, refusal=Refusal(error.what, error.why, error.remedy, tried)))
