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
    """A line of the journal, as in `engine.journal.Entry`."""

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
    """What a run's change is planned from.

    servers      how many the plan is for
    registering  how many of them must be registered
    role         name of the service role with its path, from the change that plans it; "" before that
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
    """An activation that was created. AWS shows `code` only once, and Onboard keeps it only in memory."""

    id: str
    code: Secret
    limit: int
    expires: datetime
    region: str


@dataclass(frozen=True, slots=True)
class Made:
    """The result of making a part.

    kept        what `undo` needs, for the journal; empty if nothing was changed
    told        events about what was done
    activation  one that servers may register with
    """

    kept: Mapping[str, str]
    told: tuple[AwsChanged, ...] = ()
    activation: Activation | None = None


class Part(ABC):
    """One thing to make, with everything needed for it: `make` does not read the profile again."""

    @abstractmethod
    def planned_undo(self) -> Mapping[str, str]:
        """What `undo` needs, as far as it is known now. It is journalled before `make`, which may never return."""

    @abstractmethod
    def make(self, aws: Aws, cancel: CancelToken) -> Made:
        """Make it. Safe to repeat. Raises AwsError, Cancelled."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a change would do.

    changes   lines of the plan, for approval
    parts     what to make, in this order
    warnings  what a reader of the plan must know
    role      see `Basis`; set by the change that plans the role
    """

    changes: tuple[Change, ...] = ()
    parts: tuple[Part, ...] = ()
    warnings: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """What a run's change is undone from.

    run   the run to undo
    left  the result of `RunChange.left`, and of `unknown` for a change that ends with its run
    own   ids of this run's nodes and activations; what only these use can still be undone
    """

    aws: Aws
    profile: Profile
    run: str
    left: Mapping[str, str]
    own: frozenset[str] = frozenset()
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, slots=True)
class Undone:
    """Something that was undone: `kept` is for the journal, `told` the event about it."""

    change: ChangeName
    phase: Phase
    told: AwsChanged
    kept: Mapping[str, str] = field(default_factory=dict)


class AwsChange(ABC):
    """A kind of change. `name` identifies it in the journal."""

    name: ClassVar[ChangeName]

    @abstractmethod
    def needs(self, profile: Profile, identity: Identity) -> tuple[Need, ...]:
        """The permissions needed to plan it and to make it."""

    @abstractmethod
    def tell(self, entries: Iterable[Entry]) -> tuple[UndoLine, ...]:
        """What an undo would do about it, according to a run's journal. Sends nothing."""


class RunChange(AwsChange):
    """Made once for a run, in the order of the catalog, and undone in reverse order.

    title          for sentences: "The role"
    ends_with_run  whether it is undone when its run ends, or by the next command after an interrupted run
    """

    title: ClassVar[str]
    ends_with_run: ClassVar[bool] = False

    @abstractmethod
    def plan(self, basis: Basis) -> Planned:
        """What would be done; an empty `Planned` if nothing. Only reads. Raises AwsError, OnboardError."""

    def left(self, entries: Iterable[Entry]) -> Mapping[str, str]:
        """What `undo` needs, from a run's journal; empty if nothing is left. A change that was begun counts as made."""
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

    def unknown(self, entries: Iterable[Entry]) -> Mapping[str, str]:
        """What `undo` needs to look for what AWS made without the journal knowing it, because an answer was lost.

        Empty if there can be nothing, or if it has been looked for: the journal then has an entry UNDONE.
        """
        return {}

    def both(self, first: Mapping[str, str], then: Mapping[str, str]) -> Mapping[str, str]:
        """What `undo` needs to undo both."""
        return {**first, **then}

    @abstractmethod
    def undo(self, undo: Undo) -> Iterator[Undone | Noted]:
        """Undo what the run made, and nothing else; yield a `Noted` for what stays. Safe to repeat. Raises AwsError."""

    def older_fields(self, left: Mapping[str, str]) -> Mapping[str, Any]:
        """Fields of `UndoShown` from before it had lines. The next version removes them."""
        return {}


class NodeChange(AwsChange):
    """Made to a server's node once the node has returned its nonce, if `engine.authority` agrees.

    participle  for sentences: "tagged", as in "the node was not tagged"
    by_hand     what the user can do if Onboard may not make it
    """

    participle: ClassVar[str]
    by_hand: ClassVar[str]

    @abstractmethod
    def plan(self, host: Host) -> Change | None:
        """What would be done; None if nothing. Pure."""

    @abstractmethod
    def make(self, aws: Aws, node: str, host: Host) -> str:
        """Make it, and return what was done in a few words. Safe to repeat. Raises AwsError."""
