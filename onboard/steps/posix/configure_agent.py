"""Write the agent's configuration before it is installed: packages start the service at once.

Keys: `Identity.ConsumptionOrder` is OnPrem alone, so that the agent never takes another cloud's metadata service for
its own. `Profile.ShareCreds` is what the profile says: unless it is false, the agent writes its node's credentials over
`[default]` in root's ~/.aws/credentials, and what root had there is lost. `Ssm`, `Mds`, `Mgs` and `S3` get an
`Endpoint` where the profile overrides it. All other keys stay.
"""

import json
from collections.abc import Mapping
from typing import Any

from onboard.facts.base import Unknown
from onboard.facts.posix import agent
from onboard.facts.posix.proxy_in_force import without_login
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.plan import Change
from onboard.model.words import Text
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, StepFailed, Supplies

PATH = "/etc/amazon/ssm/amazon-ssm-agent.json"
SECTIONS = {"ssm": "Ssm", "ec2messages": "Mds", "ssmmessages": "Mgs", "s3": "S3"}


class ConfigureAgent(Step):
    name = ChangeName.CONFIGURE_AGENT
    doing = Text("Writing the agent's configuration")
    disturbs_agent = True

    def is_made(self, before: Before) -> bool:
        current = _current(before)
        return current is not None and _merged(current, _wanted(before)) == current

    def change(self, before: Before) -> Change:
        wanted = _wanted(before)
        current = _current(before)
        keys = {
            f"{section}.{key}": json.dumps(value) for section, values in wanted.items() for key, value in values.items()
        }
        return Change.of(
            self.name,
            Text("Set {keys} in the agent's configuration", keys=", ".join(keys)),
            detail={"file": PATH, **keys},
            before=_altered(current or {}, wanted),
        )

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        seen = _seen(before)
        current = _current(before)
        if current is None:
            raise StepFailed(
                "The agent's configuration was not written",
                where=before.host.name,
                why=Text("{file} does not contain a JSON object, so nothing can be added to it", file=PATH),
                remedy="Repair or remove the file, then run apply again",
            )
        content = seen if seen and _merged(current, _wanted(before)) == current else _rendered(current, before)
        variables = {
            "existed": "no" if seen is None else "yes",
            "seen": (seen or "").rstrip("\n"),
            "content": content.rstrip("\n"),
        }
        return script.run(
            connection,
            script.compose(POSIX, self.name, "apply", variables),
            failure="The agent's configuration was not written",
        )

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", script.undo_variables(undo), (script.SERVICE,)),
            failure="The agent's configuration was not restored",
        )


def _wanted(before: Before) -> dict[str, dict[str, Any]]:
    profile = before.context.profile
    wanted: dict[str, dict[str, Any]] = {
        "Identity": {"ConsumptionOrder": ["OnPrem"]},
        "Profile": {"ShareCreds": profile.agent.share_credentials},
    }
    overrides = profile.network.endpoints
    for service, section in SECTIONS.items():
        url = getattr(overrides, service)
        if url:
            wanted[section] = {"Endpoint": url}
    return wanted


def _altered(current: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The current values of the keys that will change."""
    altered = {}
    for section, values in wanted.items():
        old = current.get(section)
        for key, value in values.items():
            if isinstance(old, dict) and old.get(key, value) != value:
                altered[f"{section}.{key}"] = json.dumps(_without_logins(old[key]))
    return altered


def _without_logins(value: Any) -> Any:
    """The value without the passwords of any URLs in it."""
    if isinstance(value, str):
        return without_login(value)
    if isinstance(value, list):
        return [_without_logins(one) for one in value]
    return {name: _without_logins(one) for name, one in value.items()} if isinstance(value, dict) else value


def _seen(before: Before) -> str | None:
    """The file's text; None if there is no file or it is not known."""
    found = before.facts.get(agent.FACT)
    return None if isinstance(found, Unknown) else found.config


def _current(before: Before) -> dict[str, Any] | None:
    """What the file says, {} without a file, None if it is not a JSON object."""
    text = _seen(before)
    if text is None:
        return {}
    try:
        current = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return current if isinstance(current, dict) else None


def _merged(current: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    merged = dict(current)
    for section, values in wanted.items():
        old = merged.get(section)
        merged[section] = {**(old if isinstance(old, dict) else {}), **values}
    return merged


def _rendered(current: Mapping[str, Any], before: Before) -> str:
    return json.dumps(_merged(current, _wanted(before)), indent=4)
