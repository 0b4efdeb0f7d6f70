"""What was observed or done: frozen values, one JSON object each, the same in every front end and in the journal.

An event's JSON has `event` (its class name in snake case), `v` (VERSION) and its fields. Fields are only ever added.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from onboard.model.errors import Problem
from onboard.model.finding import Cause, Finding
from onboard.model.plan import Plan
from onboard.model.status import HostStatus

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    def to_json(self) -> dict[str, Any]:
        """The event as JSON's plain types."""
        return {"event": name_of(type(self)), "v": VERSION, **asdict(self)}


def name_of(kind: type[Event]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A command began. `run` is its id in the journal ("" when it leaves none), `hosts` the names it is about."""

    run: str
    command: str
    profile: str
    hosts: tuple[str, ...]
    started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentified(Event):
    """Who AWS says we are (sts:GetCallerIdentity)."""

    account: str
    arn: str
    partition: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted(Event):
    """The run entered a phase with `total` servers or things to do: trust, facts, plan, canary, install, confirm."""

    phase: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeySeen(Event):
    """A server's SSH host key. `trust` is trusted, new, changed or revoked; `fingerprint` as OpenSSH prints it."""

    host: str
    key_type: str
    fingerprint: str
    trust: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsGathered(Event):
    """What a server answered: fact name → value in plain JSON types; `unknown`: fact name → why it is not known."""

    host: str
    facts: Mapping[str, Any]
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJudged(Event):
    """Every finding of a server, of its own and of the fleet's checks."""

    host: str
    status: HostStatus
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade(Event):
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsChanged(Event):
    """A change in AWS was made or undone. `subject`: a role's name, an activation's or a node's id."""

    change: str
    subject: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    host: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """`outcome` is done, unchanged, failed or undone; `detail` is for people."""

    host: str
    step: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFinished(Event):
    """A server's end state (contract). `reason` says in one line why it is not well, when no finding does."""

    host: str
    status: HostStatus
    instance_id: str | None = None
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Something a reader of the log wants to know. `level` is info or warning; `host` "" when it is about the run."""

    text: str
    host: str = ""
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed(Event):
    """What stopped the whole run, in the four parts of OnboardError.

    `kind` is profile (the input is wrong; `problems` holds each mistake), plan (more than was approved), aws or error.
    """

    kind: str
    what: str
    where: str = ""
    why: str = ""
    remedy: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """Always the last line (contract). `hosts`: status → count; `causes`: what is not well, equal causes grouped."""

    run: str
    hosts: Mapping[str, int]
    causes: tuple[Cause, ...] = ()
