"""Which agent a server will have once the profile was applied, as far as it is known before a package is fetched."""

from onboard.agent_flaws import numbers
from onboard.checks.base import Context
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent
from onboard.facts.posix.agent import Agent
from onboard.model.endpoints import FIRST_WITHOUT_EC2MESSAGES


def is_named(context: Context) -> bool:
    """Whether the profile names a version itself; otherwise it takes the newest one, or AWS's `stable`."""
    return context.profile.agent.version not in ("latest", "stable")


def is_from_folder(context: Context) -> bool:
    """Whether the user provides the package, of whatever version: the source is neither AWS nor a mirror."""
    source = context.profile.agent.source
    return source != "aws" and "://" not in source


def stays(found: Agent, context: Context) -> bool:
    """Whether the installed agent is kept, as far as is known: snaps are not replaced, and nothing is downgraded."""
    if any(package.kind == "snap" for package in found.packages):
        return True
    return is_named(context) and numbers(found.version) >= numbers(context.profile.agent.version)


def needs_ec2messages(facts: Facts, context: Context) -> bool:
    """Whether the agent will be one that gets its commands through ec2messages; also where it is not known."""
    found = facts.get(agent.FACT)
    if isinstance(found, Unknown):
        return True
    if found.is_installed and stays(found, context):
        return numbers(found.version) < FIRST_WITHOUT_EC2MESSAGES
    return is_named(context) and numbers(context.profile.agent.version) < FIRST_WITHOUT_EC2MESSAGES
