"""What was observed or done: frozen values, one JSON object each, the same in every front end and in the journal.

Whatever a server, AWS or a proxy wrote is harmless in an event (`model/harmless.py`): nothing that shows it cleans it.
An event's JSON has `event` (its class name in snake case), `v` (VERSION) and its fields. Fields are only ever added.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onboard.model.changes import ChangeName, FailureKind, RunPhase, StepOutcome
from onboard.model.errors import Problem
from onboard.model.field_names import field_names
from onboard.model.finding import Cause, Finding
from onboard.model.harmless import Harmless
from onboard.model.plan import HostPlan, Plan
from onboard.model.status import HostStatus
from onboard.model.words import Phrasing, Text, Wording, phrasing_of, wording_of

VERSION = 1
THIS_COMPUTER = "this computer"  # an origin of measurements, as servers' names are


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Harmless):
    """Base of all events."""

    def to_json(self) -> dict[str, Any]:
        """The event as JSON's plain types."""
        plain: dict[str, Any] = json.loads(self.to_line())
        return plain

    def to_line(self, **more: int | None) -> str:
        """The event as the text of a JSON object, which begins with `more`."""
        return _ENCODER.encode({**more, **_object(self)})


def _object(value: Any) -> dict[str, Any]:
    """What the encoder writes for a dataclass. It calls this for each that it meets: it walks lists and objects much
    faster than Python could to make them plain beforehand.
    """
    names = field_names(value.__class__)
    if not names:
        raise TypeError(f"{type(value).__name__} has no place in an event")
    own = {name: getattr(value, name) for name in names}
    return {"event": name_of(type(value)), "v": VERSION, **own} if isinstance(value, Event) else own


_ENCODER = json.JSONEncoder(default=_object)


def name_of(kind: type[Event]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A command began. `run` is its id in the journal ("" when it leaves none), `hosts` the names it is about.

    `who`: the operating system's user who gave it. `undoes`: the run that an undo takes back, where it is known.
    """

    run: str
    command: str
    profile: str
    hosts: tuple[str, ...]
    started: str
    who: str = ""
    undoes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentified(Event):
    """Who AWS says we are (sts:GetCallerIdentity). `expires`: ISO 8601, None for lasting credentials.

    `region`: the Region in use, "" while none is decided.
    `missing`: IAM actions that the caller lacks; `unsure`: why that could not be found out, or "". As far as asked.
    """

    account: str
    arn: str
    partition: str
    region: str
    expires: str | None = None
    missing: tuple[str, ...] = ()
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class AwsProfile(Harmless):
    """A profile of ~/.aws. `kind`: keys, sso, assume-role, process, web-identity, login or unknown."""

    name: str
    kind: str
    region: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsProfilesListed(Event):
    """The profiles of the AWS configuration, in its order. `default`: the one in force when none is named."""

    profiles: tuple[AwsProfile, ...]
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleShown(Event):
    """The service role as it is or will be. Documents are JSON text; `diff` tells how an existing one differs.

    `phrasings`: what changes, warnings and problems are made of, by the finished sentence; without those that say all.
    """

    name: str
    exists: bool | None
    trust: str
    policies: tuple[str, ...]
    changes: tuple[str, ...]
    diff: str = ""
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    phrasings: Mapping[str, Phrasing] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadroomShown(Event):
    """How many more hybrid nodes account and Region take. `activations`: size of each that will be made.

    `phrasings`: what cost and warnings are made of, by the finished sentence; without those that say all.
    """

    tier: str
    nodes: int
    adding: int
    limit: int | None
    fits: bool
    activations: tuple[int, ...]
    cost: str = ""
    warnings: tuple[str, ...] = ()
    phrasings: Mapping[str, Phrasing] = field(default_factory=dict)


CONNECTION_STAGES = ("name", "port", "identity", "log-in", "privilege")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStage(Event):
    """One stage of reaching a server: `stage` is one of CONNECTION_STAGES, which are in their order.

    `outcome` is passed, failed or skipped (not tried); `seconds` since the test began.
    `wording`: what detail and remedy are made of.
    """

    host: str
    stage: str
    outcome: str
    detail: str = ""
    remedy: str = ""
    seconds: float = 0.0
    wording: Wording | None = None

    @property
    def words(self) -> Wording:
        return self.wording or Wording(self.detail, advice=self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretWanted(Event):
    """The engine needs a secret that no source has, and waits for it. `name` is the credential's.

    `once`: it is good once, as the code of an MFA device is, and there is nothing to keep.
    """

    name: str
    question: str
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted(Event):
    """The run entered a phase with `total` servers or things to do."""

    phase: RunPhase
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
class PlanPart(Event):
    """Servers of a plan that is too long for one line (`onboard.model.event_json`): PlanMade has the rest."""

    hosts: tuple[HostPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade(Event):
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsChanged(Event):
    """A change in AWS was made or undone. `subject`: a role's name, an activation's or a node's id.

    `wording`: what `summary` is made of; None where it says all.
    """

    change: ChangeName
    subject: str
    summary: str
    wording: Phrasing | None = None

    @classmethod
    def of(cls, change: ChangeName, subject: str, summary: Text) -> "AwsChanged":
        """With the wording of its summary."""
        return cls(change=change, subject=subject, summary=str(summary), wording=phrasing_of(summary))

    @property
    def sentence(self) -> Text:
        return self.wording.sentence if self.wording else Text(self.summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    host: str
    step: ChangeName


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """`detail` is for people. `instance_id`: where it is known.

    `evidence`: the last lines that the server said where it failed, free of secrets.
    """

    host: str
    step: ChangeName
    outcome: StepOutcome
    detail: str = ""
    instance_id: str | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFinished(Event):
    """A server's end state (contract). `reason` says in one line why it is not well, when no finding does.

    `evidence`: the last lines that the server said, where a step failed. `wording`: what reason and remedy are made of.
    """

    host: str
    status: HostStatus
    instance_id: str | None = None
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    remedy: str = ""
    evidence: str = ""
    wording: Wording | None = None

    @classmethod
    def of(
        cls,
        host: str,
        status: HostStatus,
        *,
        reason: str,
        remedy: str = "",
        instance_id: str | None = None,
        findings: tuple[Finding, ...] = (),
        evidence: str = "",
    ) -> "HostFinished":
        """With the wording of what it says."""
        return cls(
            host=host,
            status=status,
            instance_id=instance_id,
            findings=findings,
            reason=str(reason),
            remedy=str(remedy),
            evidence=evidence,
            wording=wording_of(reason, remedy),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionsSampled(Event):
    """Measuring goes on: `done` of at least `total` rounds; medians so far in ms, of Regions that answered."""

    origin: str
    done: int
    total: int
    medians: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(Harmless):
    """What connecting to a Region took from one place, in milliseconds; None where nothing answered.

    `origin` is the place: THIS_COMPUTER, or a server's name. `via` is direct, tunnel, or the proxy gone through.
    The other fields are those of `model.latency.Latency`.
    """

    origin: str
    via: str
    median_ms: float | None
    spread_ms: float | None
    low_ms: float | None
    high_ms: float | None
    samples: int
    lost: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Event):
    """A Region and how far it is (contract, including the event's name); once for each Region, the nearest first.

    The figures are those that decide, as in RegionsRanked; `measured` has each place's own, side by side. `enabled`
    is None where the account could not be asked. `tied`: its distance equals the recommended one's. `lossy`: it
    loses more connects than the others do.
    """

    region: str
    long_name: str
    origin: str
    median_ms: float | None
    spread_ms: float | None
    low_ms: float | None
    high_ms: float | None
    samples: int
    lost: int
    error: str = ""
    via: str = ""
    enabled: bool | None = None
    recommended: bool = False
    tied: bool = False
    lossy: bool = False
    measured: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionsRanked(Event):
    """What follows from the measurements. `origin` is whose figures decided: this computer's, or the servers'.

    `recommended` is None when nothing could be measured; `ties` cannot be distinguished from it; `why` is for people.
    """

    origin: str
    via: str
    measured: str
    order: tuple[str, ...]
    recommended: str | None
    ties: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun(Harmless):
    """A run as the journal keeps it. Times are ISO 8601 in UTC.

    profile    the profile's name; `path` its file, "" when it had none
    finished   "" for a run that goes on (`held`: some process works on it) or was broken off
    hosts      status → count, of a run that finished
    servers    how many it is about; `proven` of them came online in it and were not undone
    who        the operating system's user, `arn` who that was to AWS; "" where it is not known
    undoes     the run that an undo took back; "" where it is not known
    """

    run: str
    command: str
    profile: str
    path: str
    started: str
    finished: str
    held: bool
    hosts: Mapping[str, int]
    servers: int
    proven: int
    who: str = ""
    arn: str = ""
    undoes: str = ""

    @property
    def is_broken_off(self) -> bool:
        return not self.finished and not self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsListed(Event):
    """The newest runs of this computer, the newest first."""

    runs: tuple[KeptRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Event):
    """An event of an earlier run, read from the journal.

    command   of that run
    time      when it was recorded, ISO 8601 in UTC; "" where that is not known
    """

    command: str
    time: str
    told: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoLine(Harmless):
    """One thing in AWS that an undo would do.

    change   the change in AWS that it is about, by name
    subject  name or id of what is changed
    words    a sentence for people
    stays    it says what undo leaves as it is
    wording  what `words` is made of
    """

    change: str
    subject: str
    words: str
    stays: bool = False
    wording: Wording | None = None

    @classmethod
    def of(cls, change: str, subject: str, sentence: Text, *, stays: bool = False) -> "UndoLine":
        return cls(change=change, subject=subject, words=sentence, stays=stays, wording=wording_of(sentence, ""))

    @property
    def sentence(self) -> Text:
        return self.wording.sentence if self.wording else Text(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoShown(Event):
    """What undoing a run would touch: `servers` that are restored, `nodes` (server → mi- id) that are deregistered,
    and `lines` for everything else in AWS.

    `role`, `deletes_role`, `role_region` and `detaches_policy` say again what lines about the role say, for readers of
    the version before; they go with the next one.
    """

    run: str
    servers: tuple[str, ...]
    nodes: Mapping[str, str]
    lines: tuple[UndoLine, ...] = ()
    role: str = ""
    deletes_role: bool = False
    role_region: str = ""
    detaches_policy: bool = False

    @property
    def touches_anything(self) -> bool:
        return bool(self.servers or self.nodes or any(not line.stays for line in self.lines))


def undo_sentences(lines: Iterable[UndoLine], shown: int = 6) -> tuple[Text, ...]:
    """What the lines say, at most `shown` about one change."""
    of_change: dict[str, list[Text]] = {}
    for line in lines:
        of_change.setdefault(line.change, []).append(line.sentence)
    told: list[Text] = []
    for every in of_change.values():
        told += every[:shown]
        if every[shown:]:
            told.append(Text("And {count} more like these.", count=f"{len(every) - shown:,}"))
    return tuple(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWritten(Event):
    run: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Something a reader of the log wants to know. `level` is info or warning; `host` "" when it is about the run.

    `waiting`: it says what the run waits for, until the next event. `wording`: what `text` is made of.
    """

    text: str
    host: str = ""
    level: str = "info"
    waiting: bool = False
    wording: Wording | None = None

    @classmethod
    def of(cls, text: str, *, host: str = "", level: str = "info", waiting: bool = False) -> "Noted":
        """With the wording of its text."""
        return cls(text=text, host=host, level=level, waiting=waiting, wording=wording_of(text, ""))

    @classmethod
    def warning(cls, text: str, *, host: str = "") -> "Noted":
        return cls.of(text, host=host, level="warning")

    @property
    def sentence(self) -> Text:
        return self.wording.sentence if self.wording else Text(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostForgotten(Event):
    """The draft has another server at this name: what was observed there does not apply. Only the window makes it."""

    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed(Event):
    """What stopped the whole run, in the four parts of OnboardError.

    `wording`: what `what` and `remedy` are made of.
    `kind` is profile (the input is wrong; `problems` holds each mistake), plan (more than was approved), aws or error.
    """

    kind: FailureKind
    what: str
    where: str = ""
    why: str = ""
    remedy: str = ""
    problems: tuple[Problem, ...] = ()
    wording: Wording | None = None

    @property
    def words(self) -> Wording:
        """What and remedy, taken apart as far as they are known."""
        return self.wording or Wording(self.what, advice=self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """Always the last line (contract). `hosts`: status → count; `causes`: what is not well, equal causes grouped."""

    run: str
    hosts: Mapping[str, int]
    causes: tuple[Cause, ...] = ()
