"""A change in AWS. To add one, write a file here and list it in `onboard.aws.changes.catalog`.

A `RunChange` is made once for a run, before its first server: the role, the activations. A `NodeChange` is made to each
server's node once the node is proven: its tags. Both say which IAM permissions they need and what an undo would do.

The engine writes the journal: before each `Part` is made, and after. What it writes is text, and never a secret.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.cancel import CancelToken
from onboard.model.changes import ChangeName, Phase
from onboard.model.events import AwsChanged, Noted, UndoLine
from onboard.model.plan import Change
from onboard.model.profile import Host, Profile
from onboard.model.secret import Secret


class Entry(Protocol):
    """A line of the journal, as `engine.journal.Entry` has it."""

    @property
    def host(self) -> str: ...
    @property
    def change(self) -> str: ...
    @property
    def phase(self) -> Phase: ...
    @property
    def data(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Need:
    """IAM actions that the caller must be allowed on `resource`, an ARN or "*"."""

    actions: tuple[str, ...]
    resource: str = "*"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a change for a run is planned from.

    servers      how many the plan is for
    registering  how many of them must be registered
    role         name of the service role with its path, as planned before; "" while that is not planned
    """

    aws: Aws
    identity: Identity
    profile: Profile
    run: str
    servers: int
    registering: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation that was created. AWS shows `code` this once, and it stays in memory."""

    id: str
    code: Secret
    limit: int
    expires: datetime
    region: str


@dataclass(frozen=True, slots=True)
class Made:
    """What making a part did.

    kept        what `undo` needs, for the journal; empty when nothing was changed
    activation  that servers may register with
    """

    kept: Mapping[str, str]
    told: tuple[AwsChanged, ...] = ()
    activation: Activation | None = None


class Part(ABC):
    """One thing that is made, with everything that decides how: nothing is looked up in the profile again."""

    @abstractmethod
    def planned_undo(self) -> Mapping[str, str]:
        """What `undo` needs as far as it is known now, journalled first: `make` may never return."""

    @abstractmethod
    def make(self, aws: Aws, cancel: CancelToken) -> Made:
        """Make it. Safe to repeat. Raises AwsError, Cancelled."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a change would do.

    changes   lines of the plan, which are what is approved
    parts     what is made, in this order
    warnings  what a reader of the plan must know
    role      see `Basis`; from the change that plans the role
    """

    changes: tuple[Change, ...] = ()
    parts: tuple[Part, ...] = ()
    warnings: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """What a change for a run is undone from.

    run   that is undone
    left  what `left` said
    own   ids of nodes and activations of this run: that they use something does not keep it
    """

    aws: Aws
    profile: Profile
    run: str
    left: Mapping[str, str]
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Undone:
    """Something that was taken back: what to write into the journal, and what to tell."""

    change: ChangeName
    phase: Phase
    told: AwsChanged
    kept: Mapping[str, str] = field(default_factory=dict)


class AwsChange(ABC):
    """`name` is what the journal calls it."""

    name: ClassVar[ChangeName]

    @abstractmethod
    def needs(self, profile: Profile, identity: Identity) -> tuple[Need, ...]:
        """The permissions to plan it and make it."""

    @abstractmethod
    def tell(self, entries: Iterable[Entry]) -> tuple[UndoLine, ...]:
        """What an undo would do about it, from a run's journal. Asks nobody."""


class RunChange(AwsChange):
    """Made for a run as a whole, in the order of the catalog, and undone the other way round.

    title          for sentences: "The role"
    ends_with_run  undone when its run ends, and by whatever follows a run that was broken off
    """

    title: ClassVar[str]
    ends_with_run: ClassVar[bool] = False

    @abstractmethod
    def plan(self, basis: Basis) -> Planned:
        """What would be done; an empty `Planned` when nothing is. Reads only. Raises AwsError, OnboardError."""

    def left(self, entries: Iterable[Entry]) -> Mapping[str, str]:
        """What `undo` needs, from a run's journal; empty when nothing is left. What was begun counts as made."""
        made: Mapping[str, str] = {}
        begun: Mapping[str, str] = {}
        for entry in entries:
            if entry.change != self.name:
                continue
            match entry.phase:
                case Phase.INTENT:
                    made, begun = self.both(made, begun), entry.data
                case Phase.DONE:
                    made, begun = self.both(made, entry.data), {}
                case Phase.UNDONE:
                    made, begun = {}, {}
        return self.both(made, begun)

    def both(self, first: Mapping[str, str], then: Mapping[str, str]) -> Mapping[str, str]:
        """What `undo` needs to take back both."""
        return {**first, **then}

    @abstractmethod
    def undo(self, undo: Undo) -> Iterator[Undone | Noted]:
        """Take back what the run made, and nothing else; a `Noted` for what stays. Safe to repeat. Raises AwsError."""

    def older_fields(self, left: Mapping[str, str]) -> Mapping[str, Any]:
        """Fields of `UndoShown` from before it had lines. They go with the next version."""
        return {}


class NodeChange(AwsChange):
    """Made to the node of a server, once that has answered with its nonce, and where `engine.authority` agrees.

    participle  for sentences: "tagged", as in "the node was not tagged"
    by_hand     what to do where it may not be made
    """

    participle: ClassVar[str]
    by_hand: ClassVar[str]

    @abstractmethod
    def plan(self, host: Host) -> Change | None:
        """What would be done; None for nothing. Pure."""

    @abstractmethod
    def make(self, aws: Aws, node: str, host: Host) -> str:
        """Make it; what was done, in a few words. Safe to repeat. Raises AwsError."""
