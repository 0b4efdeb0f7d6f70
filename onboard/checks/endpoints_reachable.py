"""The four endpoints of Systems Manager and S3 answer, directly or through the proxy that the agent has.

ec2messages is for agents before 3.3.40.0 (AWS user guide, "Reference: ec2messages, ssmmessages, and other API
operations"): others pass without it, and say so.
"""

from collections.abc import Iterator
from functools import partial, reduce

from onboard.checks.agent_in_use import needs_ec2messages
from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent, endpoint_reach, proxy_in_force
from onboard.facts.posix.endpoint_reach import Outcome, Reached
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text, joined, phrase

NAME = "endpoints_reachable"
NOT_NEEDED = Text("Agents since 3.3.40.0 do not need ec2messages")
_WORDS = {
    Outcome.NO_ADDRESS: phrase("{services}: no address"),
    Outcome.REFUSED: phrase("{services}: connection refused"),
    Outcome.UNREACHABLE: phrase("{services}: no route"),
    Outcome.TIMED_OUT: phrase("{services}: no answer to the connection"),
    Outcome.NO_ANSWER: phrase("{services}: connected, then silence"),
    Outcome.TLS_FAILED: phrase("{services}: TLS failed"),
    Outcome.PROXY_FAILED: phrase("{services}: the proxy failed"),
    Outcome.FAILED: phrase("{services}: failed"),
}
_REMEDIES = {
    Outcome.NO_ADDRESS: "use a name server that resolves AWS's names",
    Outcome.REFUSED: "allow outbound TCP 443 to the endpoints' names; a device on the way or the server's own "
    "firewall refuses it",
    Outcome.UNREACHABLE: "give the server a route to AWS, private endpoints (network.endpoints) or a proxy "
    "(network.proxy)",
    Outcome.TIMED_OUT: "allow outbound TCP 443 to the endpoints' names; a firewall on the way drops it",
    Outcome.NO_ANSWER: "exempt AWS's names from devices that inspect or filter connections",
    Outcome.TLS_FAILED: "exempt AWS's names from TLS inspection; see the evidence",
    Outcome.PROXY_FAILED: "check network.proxy, and let the proxy allow CONNECT to port 443 of the endpoints",
    Outcome.FAILED: "see the evidence",
}


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    reach = facts.get(endpoint_reach.FACT)
    if isinstance(reach, Unknown):
        return not_known(NAME, "whether the endpoints can be reached", reach)
    wanted = [service for service, _ in context.endpoints]
    found = [reached for service in wanted if (reached := reach.of(service)) is not None]
    evidence = "; ".join(map(_seen, found))
    lost = [reached for reached in found if reached.outcome not in (Outcome.REACHED, Outcome.UNKNOWN)]
    if not lost:
        if len(found) < len(wanted) or any(reached.outcome is Outcome.UNKNOWN for reached in found):
            return not_known(
                NAME,
                "whether the endpoints can be reached",
                evidence or "the server did not report it",
                remedy="Install curl on the server, or allow tunnels in its SSH server (AllowTcpForwarding)",
            )
        return passed(NAME, "the endpoints answer", evidence)
    outcomes = [outcome for outcome in _WORDS if any(reached.outcome is outcome for reached in lost)]
    parts: Iterator[str] = (
        Text(_WORDS[outcome], services=", ".join(reached.service for reached in lost if reached.outcome is outcome))
        for outcome in outcomes
    )
    summary = joined("cannot reach", reduce(partial(joined, by="; "), parts), by=" ")
    remedy = "; ".join(_REMEDIES[outcome] for outcome in outcomes)
    remedy = remedy[0].upper() + remedy[1:]
    if _people_have_a_proxy(facts) and not any(reached.via for reached in lost):
        remedy += ". Log-ins on this server use a proxy that the agent does not use: set network.proxy"
        proxies = facts.get(proxy_in_force.FACT)
        evidence += "" if isinstance(proxies, Unknown) else f"; log-ins use {proxies.of_people}"
    if [reached.service for reached in lost] == ["ec2messages"]:
        if not needs_ec2messages(facts, context):
            return passed(NAME, "the endpoints that the agent needs answer", f"{evidence}. {NOT_NEEDED}")
        return warned(NAME, summary, remedy=joined(NOT_NEEDED, remedy, ". "), evidence=evidence)
    return failed(NAME, summary, remedy=remedy, evidence=evidence)


def _seen(reached: Reached) -> str:
    how = f" via {reached.via}" if reached.via else ""
    answer = f"HTTP {reached.status}" if reached.status else str(reached.outcome)
    return f"{reached.url}{how}: {reached.error or answer}"


def _people_have_a_proxy(facts: Facts) -> bool:
    proxies = facts.get(proxy_in_force.FACT)
    return not isinstance(proxies, Unknown) and bool(proxies.of_people) and not proxies.of_agent


CHECK = Check(
    NAME,
    (endpoint_reach.FACT, proxy_in_force.FACT, agent.FACT),
    judge,
    short=Text("Endpoints"),
    why=Text("The agent comes online only if it can reach Systems Manager on TCP 443."),
)
