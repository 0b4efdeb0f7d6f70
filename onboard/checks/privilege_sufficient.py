"""The account may act as root, by being root or through sudo."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts import privilege
from onboard.facts.base import Facts, Unknown
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "privilege_sufficient"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(privilege.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "as whom commands run", found)
    evidence = f"uid {found.uid} ({found.user or '?'}), groups {' '.join(found.groups) or '?'}"
    if found.is_root:
        how = f"through sudo, called by {found.sudo_user}" if found.sudo_user else "by the log-in"
        return passed(NAME, "commands run as root", how)
    credential = context.profile.credentials.get(host.credential)
    if credential is not None and credential.sudo == "never":
        remedy = f'The profile forbids it: set credentials.{host.credential}.sudo = "auto", or log in as root'
    elif not found.has_sudo:
        remedy = "There is no sudo on the server: install it (as root: apt-get install sudo, or dnf install sudo), or "
        remedy += "log in as root"
    else:
        user = found.user or "USER"
        remedy = (
            f"Allow it there, as root: echo '{user} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/onboard; "
            "chmod 440 /etc/sudoers.d/onboard. Or give sudo's password: "
            f'credentials.{host.credential}.sudo = "password"'
        )
    return failed(NAME, "the account may not act as root", remedy=remedy, evidence=evidence)


CHECK = Check(NAME, (privilege.FACT,), judge)
