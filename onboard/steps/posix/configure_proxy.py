"""Give the agent's service the profile's proxy. The agent is a service and sees no login's settings.

systemd: a drop-in of the unit; upstart: the job's override (AWS user guide, "Configure SSM Agent to use a proxy").
169.254.169.254 never goes through the proxy, which would return the metadata of a different machine.
"""

from collections.abc import Mapping
from hashlib import sha256

from onboard.facts.base import Unknown
from onboard.facts.posix import agent, init_system, proxy_in_force
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.plan import Change
from onboard.model.words import Text
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, Supplies

METADATA = "169.254.169.254"
UNIT = "amazon-ssm-agent"
SNAP_UNIT = "snap.amazon-ssm-agent.amazon-ssm-agent"
UPSTART = "/etc/init/amazon-ssm-agent.override"
_HEAD = "# Written by Onboard, which removes it when it is undone."


class ConfigureProxy(Step):
    name = ChangeName.CONFIGURE_PROXY
    doing = Text("Setting the proxy")
    disturbs_agent = True

    def applies(self, before: Before) -> bool:
        return bool(before.context.profile.network.proxy)

    def is_made(self, before: Before) -> bool:
        in_force = before.facts.get(proxy_in_force.FACT)
        if isinstance(in_force, Unknown):
            return False
        file = _file(before)
        digest = sha256(f"{_content(file, before)}\n".encode()).hexdigest()
        return any((drop_in.path, drop_in.sha256) == (file, digest) for drop_in in in_force.drop_ins)

    def change(self, before: Before) -> Change:
        return Change.of(
            self.name,
            Text("Let the agent use the proxy {proxy}", proxy=before.context.profile.network.proxy),
            detail={"file": _file(before), **proxy_variables(before)},
            before=_altered(before),
        )

    def planned_undo(self, before: Before, supplies: Supplies) -> Mapping[str, str]:
        return {"file": _file(before)}

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        file = _file(before)
        return script.run(
            connection,
            script.compose(
                POSIX, self.name, "apply", {"file": file, "content": _content(file, before)}, (script.SERVICE,)
            ),
            failure="The agent's proxy was not set",
        )

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        variables = {"file": undo.get("file", ""), **script.undo_variables(undo)}
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", variables, (script.SERVICE,)),
            failure="The agent's proxy settings were not restored",
        )


def proxy_variables(before: Before) -> dict[str, str]:
    """The environment that the agent needs to get out: nothing without a proxy."""
    network = before.context.profile.network
    if not network.proxy:
        return {}
    no_proxy = dict.fromkeys((*network.no_proxy, METADATA))
    return {"http_proxy": network.proxy, "https_proxy": network.proxy, "no_proxy": ",".join(no_proxy)}


def _altered(before: Before) -> dict[str, str]:
    """What the agent's service has now and will have otherwise; what its own files say wins over every service's."""
    found = before.facts.get(proxy_in_force.FACT)
    if isinstance(found, Unknown):
        return {}
    now = {**found.services, **found.agent}
    return {name: now[name] for name, value in proxy_variables(before).items() if now.get(name, value) != value}


def _file(before: Before) -> str:
    init = before.facts.get(init_system.FACT)
    if not isinstance(init, Unknown) and not init.is_systemd:
        return UPSTART
    found = before.facts.get(agent.FACT)
    kinds = () if isinstance(found, Unknown) else tuple(package.kind for package in found.packages)
    return f"/etc/systemd/system/{SNAP_UNIT if kinds == ('snap',) else UNIT}.service.d/onboard-proxy.conf"


def _content(file: str, before: Before) -> str:
    variables = proxy_variables(before)
    if file == UPSTART:
        return "\n".join([_HEAD, *(f'env {name}="{value}"' for name, value in variables.items())])
    # systemd expands % (systemd.unit(5), "Specifiers").
    settings = [f'Environment="{name}={value}"'.replace("%", "%%") for name, value in variables.items()]
    return "\n".join([_HEAD, "[Service]", *settings])
