"""A step: one change made on a server. To add one, write a file here and list it in `onboard.steps.catalog`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from onboard.checks.base import Context
from onboard.facts.base import Facts
from onboard.hosts.connection import Connection
from onboard.model.errors import OnboardError
from onboard.model.package import Package
from onboard.model.plan import Change
from onboard.model.profile import Host
from onboard.model.secret import Secret


class StepFailed(OnboardError):
    """The change could not be made. `evidence` is the tail of what the server said, free of secrets."""

    def __init__(self, what: str, *, where: str, why: str = "", remedy: str = "", evidence: str = "") -> None:
        super().__init__(what, where=where, why=why, remedy=remedy)
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Registration:
    """What an agent needs to register: id, code, Region."""

    activation_id: str
    activation_code: Secret
    region: str


@dataclass(frozen=True, slots=True)
class Before:
    """What a step knows when it plans: nothing here changes anything.

    facts      of this server
    fixes      names of steps that checks offered as a fix and the profile allowed (`run.fixes`)
    package    the agent package for this server's kind and architecture; None when no agent must be installed
    """

    host: Host
    facts: Facts
    context: Context
    fixes: frozenset[str] = frozenset()
    package: Package | None = None


@dataclass(frozen=True, slots=True)
class Supplies:
    """What a step may need when it is made, and what never stands in a plan.

    attempt       the run's id, with what tells this attempt from those that it resumes
    registration  called at most once, by the step that registers
    nonce         the secret placed on the server
    """

    attempt: str
    registration: Callable[[], Registration] | None = None
    nonce: Secret | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a step did. `undo` is what its `undo` needs, kept in the journal as JSON: text only, no secret.

    `changed` is False when the server was already as wanted. `output` holds results for the run
    (`instance_id`), which go into the journal, too.
    """

    changed: bool
    detail: str = ""
    undo: Mapping[str, str] = field(default_factory=dict)
    output: Mapping[str, str] = field(default_factory=dict)


class Step(Protocol):
    """A change. Safe to repeat: applied to a server that is already as wanted, it changes nothing."""

    @property
    def name(self) -> str:
        """An imperative, its file's name: `install_agent`."""
        ...

    def plan(self, before: Before) -> Change | None:
        """What would be done; None when the server is as it should be. Pure."""
        ...

    def planned_undo(self, before: Before, supplies: Supplies) -> Mapping[str, str]:
        """What `undo` needs as far as it is known before `apply`, journalled first: `apply` may never return."""
        return {}

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        """Make the change and see that it holds. Raises StepFailed, HostError."""
        ...

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        """Put back what `apply` found, from what it left in the journal. Safe to repeat; raises as `apply` does."""
        ...
