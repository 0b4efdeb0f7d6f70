"""The endpoints' certificates are Amazon's own, and not those of a device that intercepts TLS.

Judged by their issuer. That is a diagnosis, not a defence: whether a chain is to be trusted, the agent decides.
"""

import re
from urllib.parse import urlsplit

from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import endpoint_reach
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text

NAME = "tls_not_intercepted"
# Who issues AWS's certificates: Amazon itself, its own Starfield Services root, and DigiCert for some of S3.
ISSUERS = ("Amazon", "Amazon Trust Services", "Starfield Technologies", "DigiCert Inc")
# AWS's names under public roots. Isolated partitions have authorities of their own.
DOMAINS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
    ".api.amazonwebservices.eu",
)
_REMEDY = (
    "Exempt *.amazonaws.com from TLS inspection. ssmmessages uses WebSocket, which inspection breaks even if the "
    "server trusts the device's root certificate"
)


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    reach = facts.get(endpoint_reach.FACT)
    if isinstance(reach, Unknown):
        return not_known(NAME, "who issued the endpoints' certificates", reach)
    ours = [service for service, url in context.endpoints if (urlsplit(url).hostname or "").endswith(DOMAINS)]
    if not ours:
        return passed(NAME, "the endpoints do not have AWS's own names")
    issuers = {
        reached.service: reached.certificates[0].issuer
        for service in ours
        if (reached := reach.of(service)) is not None and reached.certificates
    }
    evidence = "; ".join(f"{service}: {issuer}" for service, issuer in issuers.items())
    foreign = {service: _name(issuer) for service, issuer in issuers.items() if _organisation(issuer) not in ISSUERS}
    if foreign:
        openers = ", ".join(sorted(set(foreign.values())))
        summary = Text("TLS to {services} is intercepted by {openers}", services=", ".join(foreign), openers=openers)
        if {"ssm", "ssmmessages"} & set(foreign):
            return failed(NAME, summary, remedy=_REMEDY, evidence=evidence)
        return warned(NAME, summary, remedy=_REMEDY, evidence=evidence)
    if not {"ssm", "ssmmessages"} <= set(issuers):
        return not_known(NAME, "who issued the endpoints' certificates", evidence or "no certificate was seen")
    return passed(NAME, "the endpoints' certificates are Amazon's", evidence)


def _organisation(issuer: str) -> str:
    return _part("O", issuer)


def _name(issuer: str) -> str:
    """What people call the issuer: its organisation, else its name."""
    return _part("O", issuer) or _part("CN", issuer) or issuer or "an unnamed issuer"


def _part(key: str, name: str) -> str:
    """O or CN of a name as curl, openssl or RFC 4514 write it: `C = US, O = Amazon`, `/C=US/O=Amazon`."""
    found = re.search(rf'(?:^|[,;/+])\s*{key}\s*=\s*"?((?:[^,;/+"\\]|\\.)*)', name)
    if found is None:
        return ""
    return re.split(r",", found[1].replace("\\,", ","))[0].strip()


CHECK = Check(
    NAME,
    (endpoint_reach.FACT,),
    judge,
    short=Text("TLS"),
    why=Text("A device that intercepts TLS breaks the agent's message connection."),
)
