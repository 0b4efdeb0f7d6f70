"""The endpoints' names resolve on this server, where it needs them: a proxy resolves names itself."""

from onboard.checks.agent_in_use import needs_ec2messages
from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.checks.endpoints_reachable import NOT_NEEDED
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent, endpoint_reach, name_resolution, proxy_in_force
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, joined, sh

NAME = "names_resolve"
_ADVICE = Text(
    "With private endpoints, forward AWS's names to the VPC's inbound resolver; behind a proxy, set network.proxy. "
    "This shows which name servers the server uses"
)
_LOOK = sh("cat", "/etc/resolv.conf")
_REMEDY = Remedy(_ADVICE, _LOOK)
_NOT_NEEDED = Remedy(joined(NOT_NEEDED, _ADVICE, ". "), _LOOK)


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(name_resolution.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "whether the endpoints' names resolve", found)
    by_proxy = {service: _by_proxy(facts, service, context) for service, _ in context.endpoints}
    needed = [service for service, proxied in by_proxy.items() if not proxied]
    if not needed:
        return passed(NAME, "the proxy resolves the names")
    resolved = {service: found.of(service) for service in needed}
    without = [service for service, name in resolved.items() if name is None or not name.addresses]
    evidence = "; ".join(
        f"{name.name}: {' '.join(name.addresses) or name.error}" for name in resolved.values() if name is not None
    )
    if not without:
        return passed(NAME, "the endpoints' names resolve", evidence)
    if any(resolved[service] is None for service in without):
        return not_known(NAME, "whether the endpoints' names resolve", evidence or "the server did not report it")
    if any(by_proxy[service] is None for service in without):
        return not_known(NAME, "whether a proxy resolves the names that do not resolve here", evidence)
    errors = sorted({name.error for name in resolved.values() if name is not None and not name.addresses})
    summary = Text("no address for {services}: {errors}", services=", ".join(without), errors="; ".join(errors))
    if without == ["ec2messages"]:
        if not needs_ec2messages(facts, context):
            return passed(NAME, "the names of the endpoints that the agent needs resolve", f"{evidence}. {NOT_NEEDED}")
        return warned(NAME, summary, remedy=_NOT_NEEDED, evidence=evidence)
    return failed(NAME, summary, remedy=_REMEDY, evidence=evidence)


def _by_proxy(facts: Facts, service: str, context: Context) -> bool | None:
    """Whether the agent goes through a proxy to this endpoint; None if that is not known."""
    reach = facts.get(endpoint_reach.FACT)
    reached = None if isinstance(reach, Unknown) else reach.of(service)
    if reached is not None:
        return bool(reached.via)
    if context.profile.network.proxy:
        return True
    proxies = facts.get(proxy_in_force.FACT)
    return None if isinstance(proxies, Unknown) else bool(proxies.of_agent)


CHECK = Check(
    NAME,
    (name_resolution.FACT, endpoint_reach.FACT, proxy_in_force.FACT, agent.FACT),
    judge,
    short=Text("Name lookup"),
    why=Text("The agent finds Systems Manager by name."),
)
