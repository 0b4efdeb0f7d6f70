"""A step: one change made on a server. To add one, write a file in `posix/`, and list it in `onboard.steps.catalog`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from onboard.checks.base import Context
from onboard.facts.base import Facts
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.errors import OnboardError
from onboard.model.family import ONLY_POSIX, Family
from onboard.model.package import Package
from onboard.model.plan import Change
from onboard.model.profile import Host
from onboard.model.secret import Secret
from onboard.model.words import Text


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
    broken_off names of the steps that changed this server without an end in any journal: they are made again
    planned    the steps with something to do on this server: when a step plans, those before it; later, all
    """

    host: Host
    facts: Facts
    context: Context
    fixes: frozenset[str] = frozenset()
    package: Package | None = None
    broken_off: frozenset[str] = frozenset()
    planned: tuple["Step", ...] = ()


@dataclass(frozen=True, slots=True)
class Supplies:
    """What a step may need when it is made and a plan never holds.

    attempt       unique for each attempt: a resumed run keeps its id but gets a new attempt
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


@dataclass(frozen=True, slots=True)
class Fix:
    """What people read of a step that repairs what a check found, where they allow it.

    `allow` and `forbid` are buttons, with & before the Alt letter; `allowed` says what is in force.
    """

    allow: Text
    forbid: Text
    allowed: Text


@dataclass(frozen=True, slots=True)
class Proof:
    """How Run Command asks a server for the nonce that was placed there.

    document  AWS's, which runs scripts of this kind
    ask       the script that prints the nonce; it may be run twice
    remove    the script that removes it once its answer was accepted
    log       where the agent's log is
    errors    where the agent's log of errors is
    path      of the nonce on the server: a server without it names it in its error
    """

    document: str
    ask: str
    remove: str
    log: str
    errors: str = ""
    path: str = ""


class Step(ABC):
    """A change. Safe to repeat: applied to a server that is already as wanted, it changes nothing.

    name            an imperative, its file's name: `install_agent`; steps of other families may have the same
    doing           what people call it while it is under way: `Installing the agent`
    fix             its words where a check may offer it as a fix
    families        of servers that it is for
    disturbs_agent  a running agent must be restarted to see the change
    """

    name: ClassVar[ChangeName]
    doing: ClassVar[Text]
    fix: ClassVar[Fix | None] = None
    families: ClassVar[frozenset[Family]] = ONLY_POSIX
    disturbs_agent: ClassVar[bool] = False

    def plan(self, before: Before) -> Change | None:
        """What would be done; None when the server is as it should be. Pure."""
        if not self.applies(before) or (self.is_made(before) and self.name not in before.broken_off):
            return None
        return self.change(before)

    def applies(self, before: Before) -> bool:
        """Whether the step may be made on this server at all, also where it was broken off."""
        return True

    @abstractmethod
    def is_made(self, before: Before) -> bool:
        """Whether the server is as the step would leave it, as far as the facts show, or the step is not wanted."""

    @abstractmethod
    def change(self, before: Before) -> Change:
        """What would be done, where something is to be done."""

    def package_wanted(self, facts: Facts) -> tuple[str, str] | None:
        """(kind, architecture) of the agent package that the step needs on this server; None where none fits."""
        return None

    def planned_undo(self, before: Before, supplies: Supplies) -> Mapping[str, str]:
        """What `undo` needs as far as it is known before `apply`, journalled first, since `apply` may never return."""
        return {}

    def proof(self, attempt: str) -> Proof | None:
        """How a server is asked for the nonce of an attempt, by the step that places it; None by any other."""
        return None

    @abstractmethod
    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        """Make the change and see that it holds. Raises StepFailed, HostError."""

    @abstractmethod
    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        """Put back what `apply` found, from what it left in the journal. Safe to repeat; raises as `apply` does."""
