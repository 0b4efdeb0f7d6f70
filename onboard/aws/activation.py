"""Hybrid activations: exactly sized, short-lived, deleted when done; and how many nodes the account still takes."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.cancel import CancelToken
from onboard.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Activation:
    """A new activation. AWS shows `code` this once."""

    id: str
    code: Secret
    limit: int
    expires: datetime
    region: str


@dataclass(frozen=True, slots=True)
class ActivationState:
    """An activation as AWS describes it."""

    id: str
    role: str
    description: str
    limit: int
    registrations: int
    expires: datetime | None
    expired: bool

    @property
    def left(self) -> int:
        """Registrations it still takes."""
        return 0 if self.expired else max(0, self.limit - self.registrations)


@dataclass(frozen=True, slots=True)
class Headroom:
    """How many more hybrid nodes this account and Region take.

    tier      standard, advanced, or "" when the caller may not ask
    nodes     hybrid nodes there now
    adding    nodes to be added
    limit     of the tier; None for the advanced one
    cost      one indicative line, "" when free
    warnings  lines for the plan
    """

    tier: str
    nodes: int
    adding: int
    limit: int | None
    cost: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return self.limit is None or self.nodes + self.adding <= self.limit


def _now() -> datetime:
    return datetime.now(UTC)


def activation_sizes(servers: int) -> tuple[int, ...]:
    """Registration limits of the activations that `servers` need: at most 1,000 each."""
    raise NotImplementedError


def create_activation(
    aws: Aws,
    *,
    role: str,
    name: str,
    size: int,
    expires_in_hours: int,
    tags: Mapping[str, str],
    run: str,
    cancel: CancelToken,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = _now,
    wait: Callable[[float], bool] | None = None,
) -> Activation:
    """Create one. `run` goes into its description, so that `find_activations` finds it after a crash.

    Retried for up to two minutes while a new role is not yet seen, and when throttled. `clock` in seconds, `wait`
    sleeps and says whether to stop (default: `cancel.wait`). Raises AwsError, Cancelled.
    """
    raise NotImplementedError


def describe_activations(aws: Aws, ids: Iterable[str]) -> dict[str, ActivationState]:
    """id → state of those that exist. Raises AwsError."""
    raise NotImplementedError


def find_activations(aws: Aws, *, name: str, run: str) -> tuple[ActivationState, ...]:
    """Activations that `run` created. Raises AwsError."""
    raise NotImplementedError


def delete_activation(aws: Aws, activation_id: str) -> bool:
    """Delete it; False when it was gone already. Registered nodes stay. Raises AwsError."""
    raise NotImplementedError


def headroom(aws: Aws, identity: Identity, adding: int) -> Headroom:
    """Ask for tier and count of hybrid nodes. Raises AwsError."""
    raise NotImplementedError
