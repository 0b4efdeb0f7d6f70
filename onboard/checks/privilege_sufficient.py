"""The account may act as root, by being root or through sudo."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import privilege
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text, joined

NAME = "privilege_sufficient"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(privilege.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "which user commands run as", found)
    evidence = f"uid {found.uid} ({found.user or '?'}), groups {' '.join(found.groups) or '?'}"
    if found.is_root:
        how = f"through sudo, called by {found.sudo_user}" if found.sudo_user else "by the log-in"
        return passed(NAME, "commands run as root", how)
    refusal = found.refusal
    if refusal is None:  # sudo let it through, but to somebody else
        return failed(
            NAME,
            "commands do not run as root",
            remedy="Log in as root, or make sudo run commands as root: see runas_default in /etc/sudoers",
            evidence=evidence,
        )
    if not refusal.tried:
        what = joined("whether the account may act as root", refusal.what, ". ")
        return not_known(NAME, what, f"{refusal.why}; {evidence}", remedy=refusal.remedy)
    summary = refusal.what[:1].lower() + refusal.what[1:]
    return failed(NAME, summary, remedy=refusal.remedy, evidence=f"{refusal.why}; {evidence}")


CHECK = Check(
    NAME,
    (privilege.FACT,),
    judge,
    short=Text("Privilege"),
    why=Text("Installing and registering the agent requires root."),
)
