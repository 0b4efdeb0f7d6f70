"""The installed agent has no known flaw, or the profile replaces it with one that has none."""

from onboard.agent_flaws import Weight, flaws_of, numbers
from onboard.checks.agent_in_use import is_from_folder, is_named, stays
from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent
from onboard.model.changes import ChangeName
from onboard.model.family import family_of
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, joined, sh

NAME = "agent_without_known_flaws"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(agent.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "whether the installed agent has known flaws", found)
    if not found.is_installed:
        return passed(NAME, "no agent is installed yet")
    if not found.version:
        return not_known(NAME, "whether the installed agent has known flaws", "it does not belong to a package")
    family, version = family_of(host), found.version
    flaws = flaws_of(version, family, Weight.FAIL) or flaws_of(version, family, Weight.WARN)
    if not flaws:
        notes = [str(flaw) for flaw in flaws_of(version, family, Weight.NOTE)]
        return passed(NAME, "the installed agent has no known flaw that must be fixed", "; ".join([version, *notes]))
    evidence = f"{version} has {'; '.join(map(str, flaws))}"
    summary = Text(
        "the installed agent {version} has a known flaw: {ids}",
        version=version,
        ids=", ".join(flaw.id for flaw in flaws),
    )
    fixed = max((flaw.fixed for flaw in flaws), key=numbers)
    if not stays(found, context) and not is_from_folder(context):
        wanted = context.profile.agent.version
        if not is_named(context) or numbers(wanted) >= numbers(fixed):
            return warned(
                NAME,
                joined(summary, "apply replaces it", "; "),
                remedy=Text("Run apply: it installs {wanted}", wanted=wanted),
                evidence=evidence,
                fix=ChangeName.INSTALL_AGENT,
            )
    advice = Text("Set agent.version to latest, or to {fixed} or later", fixed=fixed)
    if any(package.kind == "snap" for package in found.packages):
        refresh = sh("sudo", "snap", "refresh", "amazon-ssm-agent")
        remedy = Remedy("Update the snap, which Onboard leaves as it is", refresh)
        return failed(NAME, summary, remedy=remedy, evidence=evidence)
    if is_from_folder(context):
        advice = Text("Put {fixed} or later into the folder that agent.source names", fixed=fixed)
    return warned(NAME, joined(summary, "the profile chose its version", "; "), remedy=advice, evidence=evidence)


CHECK = Check(
    NAME,
    (agent.FACT,),
    judge,
    short=Text("Agent's flaws"),
    why=Text("An agent acts as root; a published flaw of it is a way into the server."),
)
