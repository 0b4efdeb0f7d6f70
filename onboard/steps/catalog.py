"""Every change that is made on a server, in order. A test fails if a step's file is not listed here.

Packages start the service themselves: so the configuration comes first, and the service is stopped to register.
"""

from dataclasses import replace

from onboard.facts.base import Facts
from onboard.model.family import Family, family_of
from onboard.model.plan import Change
from onboard.model.profile import Host
from onboard.steps.base import Before, Proof, Step
from onboard.steps.posix.configure_agent import ConfigureAgent
from onboard.steps.posix.configure_proxy import ConfigureProxy
from onboard.steps.posix.install_agent import InstallAgent
from onboard.steps.posix.install_roots import InstallRoots
from onboard.steps.posix.place_nonce import PlaceNonce
from onboard.steps.posix.register_agent import RegisterAgent
from onboard.steps.posix.start_agent import StartAgent

STEPS: tuple[Step, ...] = (
    InstallRoots(),
    ConfigureAgent(),
    ConfigureProxy(),
    InstallAgent(),
    RegisterAgent(),
    StartAgent(),
    PlaceNonce(),
)


def steps_of(family: Family) -> tuple[Step, ...]:
    """The steps for servers of a family, in the order of making; no two of them have the same name."""
    return tuple(step for step in STEPS if family in step.families)


def step_of(host: Host, name: str) -> Step:
    """The step of that name for this server. KeyError where its family has none."""
    by_name: dict[str, Step] = {step.name: step for step in steps_of(family_of(host))}
    return by_name[name]


def planned(before: Before) -> tuple[Before, tuple[Change, ...]]:
    """What a server needs: the changes of all steps, and what the steps know when they are made."""
    changes = []
    for step in steps_of(family_of(before.host)):
        change = step.plan(before)
        if change is not None:
            changes.append(change)
            before = replace(before, planned=(*before.planned, step))
    return before, tuple(changes)


def package_wanted(host: Host, facts: Facts) -> tuple[str, str] | None:
    """(kind, architecture) of the agent package for this server; None where no step needs one, or none fits."""
    wanted = (step.package_wanted(facts) for step in steps_of(family_of(host)))
    return next((package for package in wanted if package), None)


def proof_of(family: Family, attempt: str) -> Proof:
    """How servers of a family are asked for the nonce of an attempt. LookupError where no step places one."""
    for step in steps_of(family):
        proof = step.proof(attempt)
        if proof is not None:
            return proof
    raise LookupError(f"no step places a nonce on servers of the family {family}")
