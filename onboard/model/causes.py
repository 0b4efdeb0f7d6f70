"""Equal causes, grouped: "412 servers: clock 7 minutes slow"."""

from collections.abc import Iterable
from dataclasses import dataclass

from onboard.model.finding import Cause, Finding, Verdict
from onboard.model.outcome import WORST_FIRST, troubles
from onboard.model.state import HostState
from onboard.model.words import Wording, merged


@dataclass(frozen=True, slots=True)
class CauseKey:
    """What makes causes equal: the templates of what is wrong and of what to do, not the values in them."""

    check: str
    status: Verdict
    template: str
    advice: str


def key_of(finding: Finding) -> CauseKey:
    words = finding.words
    return CauseKey(finding.check, finding.status, words.template, words.advice)


def causes_of(hosts: Iterable[HostState]) -> tuple[Cause, ...]:
    """Everything that is not well, the worst and the most frequent first."""
    groups: dict[CauseKey, list[tuple[str, Wording]]] = {}
    for host in hosts:
        for finding in troubles(host):
            groups.setdefault(key_of(finding), []).append((host.name, finding.words))
    causes = [
        cause_of(key, [name for name, _ in members], merged(words for _, words in members))
        for key, members in groups.items()
    ]
    return tuple(sorted(causes, key=lambda cause: (WORST_FIRST.index(cause.status), -len(cause.hosts))))


def cause_of(key: CauseKey, hosts: Iterable[str], words: Wording) -> Cause:
    return Cause(
        check=key.check,
        status=key.status,
        summary=words.sentence,
        remedy=words.remedy,
        hosts=tuple(hosts),
        wording=words,
    )
