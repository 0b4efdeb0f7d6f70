"""Register the agent with the activation, detached on the server, and learn its node's id.

A registration that is under way there already, also one of a connection that was lost, is waited for, and its result
taken. A registration that exists is kept; one of another account or Region is never overridden.
"""

import re
from collections.abc import Mapping

from onboard.facts.base import Unknown
from onboard.facts.posix import registration
from onboard.facts.summary import is_broken_off
from onboard.hosts.connection import Connection
from onboard.model.plan import Change
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, StepFailed, Supplies
from onboard.steps.configure_proxy import proxy_variables
from onboard.steps.script import Cause

_NO_PROXY = {"http_proxy": "", "https_proxy": "", "no_proxy": ""}
_FAILURE = "The agent was not registered"


class RegisterAgent(Step):
    name = "register_agent"

    def plan(self, before: Before) -> Change | None:
        found = before.facts.get(registration.FACT)
        registered = not isinstance(found, Unknown) and found.instance_id
        if registered and not is_broken_off(self.name, before.facts):
            return None
        region = before.context.region
        return Change(name=self.name, summary=f"Register with Systems Manager in {region}", detail={"region": region})

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        _refuse_foreign(before)
        if supplies.registration is None:
            raise StepFailed(_FAILURE, where=before.host.name, why="There is no activation for it")
        wanted = supplies.registration()
        worker = {
            "region": wanted.region,
            "activation_id": wanted.activation_id,
            **_NO_PROXY,
            **proxy_variables(before),
        }
        variables = {
            "region": wanted.region,
            "patience": str(script.PATIENCE),
            "worker": script.compose(POSIX, self.name, "work", worker, (script.SERVICE,)),
        }
        done = script.run(
            connection,
            script.compose(POSIX, self.name, "apply", variables, (script.LOCK, script.DETACHED, script.SERVICE)),
            failure=_FAILURE,
            secret=wanted.activation_code,
            timeout=script.LONGEST,
            explain=explain,
        )
        node = done.output.get("instance_id", "")
        if not re.fullmatch(r"mi-[0-9a-f]{17}", node):
            raise StepFailed(_FAILURE, where=before.host.name, why="The server names no node id", evidence=node[:80])
        known = before.context.known_nodes
        if not done.changed and known is not None and node not in known:
            # Whose it is was not asked: AWS tells of a node only once its agent has called.
            raise StepFailed(
                _FAILURE,
                where=before.host.name,
                why=f"It was registered as {node} since it was asked, by another run of Onboard or by somebody else",
                remedy="Wait until that has ended, then run apply again: it looks whose node this is",
            )
        return done

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        variables = {"patience": str(script.PATIENCE), **script.undo_variables(undo)}
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", variables, (script.LOCK, script.SERVICE)),
            failure="The agent's registration was not cleared",
            timeout=script.LONGEST,
        )


def _refuse_foreign(before: Before) -> None:
    """A check has blocked such a server before; this is the last one that could notice."""
    found = before.facts.get(registration.FACT)
    if isinstance(found, Unknown) or not found.instance_id:
        return
    known = before.context.known_nodes
    if found.region != before.context.region or (known is not None and found.instance_id not in known):
        raise _foreign(before, found.instance_id)


def _foreign(before: Before, node: str) -> StepFailed:
    return StepFailed(
        _FAILURE,
        where=before.host.name,
        why=f"It is registered as {node}, which is no node of account {before.context.account} "
        f"in {before.context.region}",
        remedy="If that registration is not needed any more, clear it there: amazon-ssm-agent -register -clear",
    )


def explain(said: str) -> Cause | None:
    """The cause in what the agent or the script said."""
    for pattern, cause in _CAUSES:
        if re.search(pattern, said):
            return cause
    return None


_NEW_ACTIVATION = "Run apply again: it makes a new activation"
# The agent's words: AWS's error codes of RegisterManagedInstance, and Go's errors of net and crypto/x509. What
# is more particular comes first.
_CAUSES = (
    (r"ActivationExpired", Cause("The activation has expired", _NEW_ACTIVATION)),
    (
        r"InvalidActivation",
        Cause("AWS does not know the activation: deleted, mistyped, or of another Region", _NEW_ACTIVATION),
    ),
    (r"RegistrationLimitExceeded", Cause("The activation is used up", _NEW_ACTIVATION)),
    (
        r"InstanceAlreadyRegistered",
        Cause(
            "The agent's key belongs to a node already, as on a copied machine",
            "Run there: amazon-ssm-agent -register -clear; then run apply again",
        ),
    ),
    (
        r"[Ff]ingerprint",
        Cause(
            "The agent could not make or match this machine's fingerprint",
            "Make /etc/machine-id lasting and unique (systemd-machine-id-setup), then run apply again",
        ),
    ),
    (
        r"x509: |certificate signed by unknown authority|CERTIFICATE_VERIFY_FAILED",
        Cause(
            "The agent does not trust the certificate that it was shown",
            "Allow the fix install_roots (run.fixes); behind a proxy that opens TLS, exempt AWS's names from it, "
            "or add its CA to the server's trust store",
        ),
    ),
    (
        r"proxyconnect|Proxy Authentication Required|407 ",
        Cause("The proxy does not let the agent out", "Check network.proxy, and what the proxy allows this server"),
    ),
    (
        r"[Ss]ignature (?:expired|not yet current)|InvalidSignatureException",
        Cause("The server's clock is more than 5 minutes off", "Set it right (chronyd or ntpd), then run apply again"),
    ),
    (
        r"no such host|server misbehaving|Name or service not known|Temporary failure in name resolution",
        Cause("The server cannot resolve the endpoint's name", "Check its name servers, or network.endpoints.ssm"),
    ),
    (
        r"dial tcp|i/o timeout|connection refused|send request failed|context deadline exceeded|no route to host",
        Cause("The server does not reach the endpoint", "Open TCP port 443 to the endpoints, or set network.proxy"),
    ),
    (r"ThrottlingException|Rate exceeded", Cause("AWS answers too many requests at once", "Run apply again later")),
    (
        r"other work of Onboard has been under way",
        Cause(
            "Another registration or installation of Onboard is under way on this server",
            "Run apply again in a few minutes: it takes that one's result",
        ),
    ),
    (r"is registered in \S+ already", Cause("It is registered in another Region", "Run check: it says what to do")),
)
