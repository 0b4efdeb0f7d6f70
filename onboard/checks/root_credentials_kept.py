"""Root's own AWS key is where root left it: an agent that shares its credentials overwrites [default]."""

from onboard.checks.base import Check, Context, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import registration, root_credentials
from onboard.facts.posix.root_credentials import FILE, KeyKind
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text

NAME = "root_credentials_kept"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(root_credentials.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "whose AWS key root has", found)
    if context.profile.agent.share_credentials:
        return _when_shared(found.default)
    if found.default is not KeyKind.TEMPORARY:
        return passed(NAME, "no agent has overwritten root's AWS key")
    registered = facts.get(registration.FACT)
    if isinstance(registered, Unknown):
        return not_known(NAME, "whether an agent wrote root's AWS key", registered)
    if not registered.instance_id:
        return passed(NAME, "no agent has overwritten root's AWS key", "a temporary key, and no agent is registered")
    return warned(
        NAME,
        "an agent has probably overwritten root's AWS key",
        remedy=Text(
            "If root had its own key in [default] of {file}, restore it from a backup; otherwise remove that section. "
            "Do so after apply, when the agent no longer writes there (agent.share_credentials is false)",
            file=FILE,
        ),
        evidence=f"[default] has a temporary key, as the agent of {registered.instance_id} writes it",
    )


def _when_shared(default: KeyKind) -> Finding:
    if default is not KeyKind.OWN:
        return passed(NAME, "root has no AWS key of its own that the agent could overwrite")
    return warned(
        NAME,
        "the agent will overwrite root's own AWS key",
        remedy=Text("Set agent.share_credentials to false, or move that key to another section of {file}", file=FILE),
        evidence="agent.share_credentials is true, and [default] has a key that is not temporary",
    )


CHECK = Check(
    NAME,
    (root_credentials.FACT, registration.FACT),
    judge,
    short=Text("Root's key"),
    why=Text("An agent that shares its credentials overwrites root's own AWS key."),
)
