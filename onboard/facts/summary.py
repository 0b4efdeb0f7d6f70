"""The few answers that the engine itself asks for or knows better, whichever facts they belong to."""

from dataclasses import replace

from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent, kernel, operating_system, package_manager, privilege, registration
from onboard.model.errors import PrivilegeMissing, PrivilegeUntried

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def instance_id(facts: Facts) -> str | None:
    """The mi- id that the server is registered as; None when it is not, or not known."""
    found = facts.get(registration.FACT)
    return None if isinstance(found, Unknown) else found.instance_id or None


def is_broken_off(step: str, facts: Facts) -> bool:
    """Whether an apply of `step` changed this server and never told the journal: it must be taken up again."""
    found = facts.get(registration.FACT)
    return not isinstance(found, Unknown) and f"{step}.undo" in found.pending


def without_root(facts: Facts, error: PrivilegeMissing) -> Facts:
    """`facts`, asked without privilege, with why it was not to be had."""
    found = facts.get(privilege.FACT)
    if isinstance(found, Unknown):
        return facts
    tried = not isinstance(error, PrivilegeUntried)
    refusal = privilege.Refusal(error.what, error.why, error.remedy, tried)
    return facts.having(privilege.FACT, replace(found, refusal=refusal))


def package_wanted(facts: Facts) -> tuple[str, str] | None:
    """(deb or rpm, amd64 or arm64) of the agent package for this server; None where none is known to fit.

    An agent that came as a snap is kept as one: dpkg's package refuses to stand beside it.
    """
    manager, hardware, installed = facts.get(package_manager.FACT), facts.get(kernel.FACT), facts.get(agent.FACT)
    if isinstance(manager, Unknown) or isinstance(hardware, Unknown):
        return None
    architecture = ARCHITECTURES.get(hardware.machine)
    formats = [kind for kind in manager.formats if kind in ("deb", "rpm")]
    has = [] if isinstance(installed, Unknown) else [package.kind for package in installed.packages]
    if architecture is None or not formats or "snap" in has:
        return None
    return next((kind for kind in has if kind in formats), _kind(facts, formats)), architecture


def _kind(facts: Facts, formats: list[str]) -> str:
    """Where both tools are there, the one that the system itself is made with."""
    system = facts.get(operating_system.FACT)
    if len(formats) == 1 or isinstance(system, Unknown):
        return formats[0]
    wanted = "deb" if system.family == "debian" else "rpm"
    return wanted if wanted in formats else formats[0]
