"""Register the agent with the activation, detached on the server, and learn its node's id.

If a registration is already under way there, even from a lost connection, it is waited for and its result is
used. An existing registration is kept; one of another account or Region is never overridden.
"""

import re
from collections.abc import Mapping

from onboard.checks.not_registered_elsewhere import CLEAR_REGISTRATION
from onboard.facts.base import Unknown
from onboard.facts.posix import registration
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.plan import Change
from onboard.model.words import Remedy, Text, sh
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, StepFailed, Supplies
from onboard.steps.posix.configure_proxy import proxy_variables
from onboard.steps.script import Explanation

_NO_PROXY = {"http_proxy": "", "https_proxy": "", "no_proxy": ""}
_FAILURE = "The agent was not registered"


class RegisterAgent(Step):
    name = ChangeName.REGISTER_AGENT
    doing = Text("Registering")
    disturbs_agent = True

    def is_made(self, before: Before) -> bool:
        return registration.instance_id(before.facts) is not None

    def change(self, before: Before) -> Change:
        region = before.context.region
        return Change(name=self.name, summary=f"Register with Systems Manager in {region}", detail={"region": region})

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        _refuse_foreign(before)
        if supplies.registration is None:
            raise StepFailed(_FAILURE, where=before.host.name, why="There is no activation for this server")
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
            raise StepFailed(_FAILURE, where=before.host.name, why="The server reported no node ID", evidence=node[:80])
        known = before.context.known_nodes
        if not done.changed and known is not None and node not in known:
            # Nobody asked whose it is: AWS lists a node only after its agent has connected.
            raise StepFailed(
                _FAILURE,
                where=before.host.name,
                why=Text(
                    "Another run of Onboard, or somebody else, has registered it as {node} since it was checked",
                    node=node,
                ),
                remedy="Wait until that has ended, then run apply again: it checks whose node this is",
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
        why=Text(
            "It is registered as {node}, which is not a node of account {account} in {region}",
            node=node,
            account=before.context.account,
            region=before.context.region,
        ),
        remedy=Remedy("If that registration is no longer needed, clear it on the server", *CLEAR_REGISTRATION),
    )


def explain(said: str) -> Explanation | None:
    """The cause in what the agent or the script said."""
    for pattern, cause in _CAUSES:
        if re.search(pattern, said):
            return cause
    return None


_NEW_ACTIVATION = "Run apply again: it makes a new activation"
# The agent's words: AWS's error codes of RegisterManagedInstance, and Go's errors of net and crypto/x509. What
# is more particular comes first.
_CAUSES = (
    (r"ActivationExpired", Explanation("The activation has expired", _NEW_ACTIVATION)),
    (
        r"InvalidActivation",
        Explanation(
            "AWS does not know the activation: it was deleted, mistyped or made in another Region", _NEW_ACTIVATION
        ),
    ),
    (r"RegistrationLimitExceeded", Explanation("The activation is used up", _NEW_ACTIVATION)),
    (
        r"InstanceAlreadyRegistered",
        Explanation(
            "The agent's key already belongs to a node, as on a copied machine",
            Remedy("Clear the registration on this server, then run apply again", *CLEAR_REGISTRATION),
        ),
    ),
    (
        r"[Ff]ingerprint",
        Explanation(
            "The agent could not make or match this machine's fingerprint",
            Remedy(
                "Give the server its own machine ID that survives a restart, then run apply again. This creates one if "
                "/etc/machine-id is empty",
                sh("sudo", "systemd-machine-id-setup"),
            ),
        ),
    ),
    (
        r"x509: |certificate signed by unknown authority|CERTIFICATE_VERIFY_FAILED",
        Explanation(
            "The agent does not trust the certificate that the endpoint presented",
            "Allow the fix install_roots (run.fixes). Behind a proxy that intercepts TLS, exempt AWS's names from it, "
            "or add its CA to the server's trust store",
        ),
    ),
    (
        r"proxyconnect|Proxy Authentication Required|407 ",
        Explanation(
            "The proxy refuses the agent's connection", "Check network.proxy and what the proxy allows this server"
        ),
    ),
    (
        r"[Ss]ignature (?:expired|not yet current)|InvalidSignatureException",
        Explanation(
            "The server's clock is more than 5 minutes off", "Correct it (chronyd or ntpd), then run apply again"
        ),
    ),
    (
        r"no such host|server misbehaving|Name or service not known|Temporary failure in name resolution",
        Explanation("The server cannot resolve the endpoint's name", "Check its name servers or network.endpoints.ssm"),
    ),
    (
        r"dial tcp|i/o timeout|connection refused|send request failed|context deadline exceeded|no route to host",
        Explanation("The server cannot reach the endpoint", "Open TCP port 443 to the endpoints, or set network.proxy"),
    ),
    (
        r"ThrottlingException|Rate exceeded",
        Explanation("AWS is throttling requests", "Run apply again later"),
    ),
    (
        r"other work of Onboard has been under way",
        Explanation(
            "Another registration or installation of Onboard is under way on this server",
            "Run apply again in a few minutes: it uses the result of that work",
        ),
    ),
    (
        r"is registered in \S+ already",
        Explanation("It is registered in another Region", "Run check, which says what to do"),
    ),
)
