"""The server is not a managed node of another account or Region. Such a registration is never overridden."""

from onboard.checks.base import Check, Context, failed, not_known, passed
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import registration
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, joined, phrase, sh

NAME = "not_registered_elsewhere"
_CLEAR = phrase(
    "If that registration is no longer needed, deregister the node in its own account and Region, and clear it on the "
    "server"
)
CLEAR_REGISTRATION = (
    sh("sudo", "systemctl", "stop", "amazon-ssm-agent"),
    sh("sudo", "amazon-ssm-agent", "-register", "-clear"),
    sh("sudo", "rm", "-f", "/var/lib/amazon/ssm/registration"),  # which the agent leaves
)


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(registration.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "whether the server is already registered", found)
    if not found.instance_id:
        evidence = "a key without a registration" if found.has_key else ""
        if found.left_over:
            evidence = f"the registration of {found.left_over} was cleared, or refused; its file is left over"
        return passed(NAME, "the server is not registered", evidence)
    if not found.region:
        return not_known(
            NAME,
            "in which Region the server is registered",
            f"{found.instance_id}, no Region recorded",
            remedy="Look it up in /var/lib/amazon/ssm/registration on the server",
        )
    evidence = f"{found.instance_id} in {found.region}"
    if found.region != context.region:
        return failed(
            NAME,
            Text("registered in another Region: {region}", region=found.region),
            remedy=Remedy(joined(Text("Choose that Region in the profile"), _CLEAR, ". "), *CLEAR_REGISTRATION),
            evidence=evidence,
        )
    if context.known_nodes is None:
        return not_known(
            NAME,
            "whether the server is registered in this account",
            evidence,
            remedy="Use AWS credentials that allow ssm:DescribeInstanceInformation, then check again",
        )
    if found.instance_id not in context.known_nodes:
        return failed(
            NAME,
            "registered to another account, or to a node that was deregistered",
            remedy=Remedy(_CLEAR, *CLEAR_REGISTRATION),
            evidence=f"{evidence}, which account {context.account or '?'} does not have",
        )
    return passed(NAME, "registered in this account and Region", evidence)


CHECK = Check(
    NAME,
    (registration.FACT,),
    judge,
    short=Text("Registration"),
    why=Text("Registering again would take the node from the account that has it."),
)
