"""A check: one prerequisite, judged. To add one, write a file here and list it in `onboard.checks.catalog`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from onboard.facts.base import Fact, Facts, Unknown
from onboard.model.endpoints import Endpoints
from onboard.model.family import ONLY_POSIX, Family
from onboard.model.finding import Finding, Verdict
from onboard.model.profile import Host, Profile
from onboard.model.words import Text, joined


@dataclass(frozen=True, slots=True)
class Context:
    """What a judgement may look at besides facts. A check never connects.

    known_nodes   mi- ids of the servers' registrations that are of this account and Region; None when AWS was not asked
    """

    profile: Profile
    region: str
    account: str
    endpoints: Endpoints
    known_nodes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A prerequisite of one server. `judge` is pure; a crash in it counts as unknown.

    name      reads as the healthy state: `clock_in_sync`
    needs     the facts it looks at
    judge     (facts, host, context) → finding; or None where the check does not apply to this server
    families  of servers that it is for; it says nothing of any other
    short     what people call it, in a word or two: `Clock`
    why       one sentence on what goes wrong when it fails
    """

    name: str
    needs: tuple[Fact[Any], ...]
    judge: Callable[[Facts, Host, Context], Finding | None]
    families: frozenset[Family] = ONLY_POSIX
    _: KW_ONLY
    short: Text
    why: Text


@dataclass(frozen=True, slots=True)
class FleetCheck:
    """A prerequisite that only all servers together show: those of its families.

    `judge`: facts by host name → findings by host name.
    """

    name: str
    needs: tuple[Fact[Any], ...]
    judge: Callable[[Mapping[str, Facts], Sequence[Host], Context], Mapping[str, Finding]] = field(repr=False)
    families: frozenset[Family] = ONLY_POSIX
    _: KW_ONLY
    short: Text
    why: Text


def passed(check: str, summary: str, evidence: str = "") -> Finding:
    return Finding(check=check, status=Verdict.PASS, summary=str(summary), evidence=evidence)


def warned(check: str, summary: str, *, remedy: str, evidence: str = "", fix: str = "") -> Finding:
    return Finding.of(check, Verdict.WARN, summary, remedy=remedy, evidence=evidence, fix=fix)


def failed(check: str, summary: str, *, remedy: str, evidence: str = "", fix: str = "") -> Finding:
    return Finding.of(check, Verdict.FAIL, summary, remedy=remedy, evidence=evidence, fix=fix)


def not_known(check: str, what: str, why: Unknown | str, *, remedy: str = "Check this server again") -> Finding:
    """`what` could not be learned, an indirect question: `whether the clock is right`."""
    reason = why.reason if isinstance(why, Unknown) else why
    return Finding.of(check, Verdict.UNKNOWN, joined("not known", what), remedy=remedy, evidence=reason)
