"""The proxy that the agent's service has on the server is the profile's."""

import re

from onboard.checks.base import Check, Context, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import proxy_in_force
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, sh

NAME = "proxy_consistent"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(proxy_in_force.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "which proxy the agent's service uses", found)
    wanted = context.profile.network.proxy or ""
    has = found.of_agent
    if _plain(wanted) == _plain(has):
        return passed(
            NAME, "the agent's service uses the profile's proxy" if has else "no proxy is set for the agent", has
        )
    if not has:
        return passed(NAME, "the agent's service will use the profile's proxy", _plain(wanted))
    evidence = f"on the server: {has}; in the profile: {_plain(wanted) or 'none'}"
    if wanted:
        return warned(
            NAME,
            "the agent's service uses a different proxy from the profile's",
            remedy="The profile's proxy will be set. If the server's proxy is right, change network.proxy",
            evidence=evidence,
        )
    return warned(
        NAME,
        "the agent's service uses a proxy that the profile does not name",
        remedy=Remedy(
            "If it is right, set network.proxy to it; if not, remove it from the service",
            sh("sudo", "systemctl", "edit", "amazon-ssm-agent"),
        ),
        evidence=evidence,
    )


def _plain(proxy: str) -> str:
    """HOST:PORT of a proxy's URL, without the parts that do not distinguish proxies."""
    return re.sub(r"^http://|/+$", "", proxy.strip().lower())


CHECK = Check(
    NAME,
    (proxy_in_force.FACT,),
    judge,
    short=Text("Proxy"),
    why=Text("The agent uses its service's proxy, not that of log-ins."),
)
