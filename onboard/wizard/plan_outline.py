"""A plan as people read it: changes in AWS, then servers grouped by their changes, then servers left unchanged."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from onboard.checks.blocking import MUST_BE_KNOWN
from onboard.model.causes import causes_of
from onboard.model.finding import Cause, Verdict
from onboard.model.plan import Change, Group, Plan, groups_of
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus


@dataclass(frozen=True, slots=True)
class Outline:
    """`groups`: the largest first; `settled`: servers that need no change; `left_out`: causes with their servers."""

    aws: tuple[Change, ...] = ()
    groups: tuple[Group, ...] = ()
    settled: tuple[str, ...] = ()
    left_out: tuple[Cause, ...] = ()

    @property
    def servers(self) -> int:
        """The number of servers that are changed."""
        return sum(len(group.names) for group in self.groups)

    @property
    def left_out_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for cause in self.left_out for name in cause.hosts))


def outline_of(plan: Plan, state: State) -> Outline:
    """`state`: the State of the command that made the plan; it says how each server that is not in the plan ended."""
    groups = groups_of(plan.hosts)
    settled = [name for group in groups if not group.changes for name in group.names]
    planned = {host.host for host in plan.hosts}
    others = [host for name, host in state.hosts.items() if name not in planned and host.status is not None]
    settled += [host.name for host in others if host.status is HostStatus.ONLINE]
    return Outline(
        aws=plan.aws,
        groups=tuple(sorted((group for group in groups if group.changes), key=lambda group: -len(group.names))),
        settled=tuple(settled),
        left_out=tuple(cause for cause in causes_of(host for host in others if not _is_well(host)) if _blocks(cause)),
    )


def _is_well(host: HostState) -> bool:
    return host.status is not None and host.status.is_well


def _blocks(cause: Cause) -> bool:
    return cause.status is Verdict.FAIL or (cause.status is Verdict.UNKNOWN and cause.check in MUST_BE_KNOWN)


def matching(outline: Outline, text: str) -> Outline:
    """The parts that contain `text`: changes by their words and values, servers by name, causes by their summary."""
    wanted = text.strip().lower()
    if not wanted:
        return outline
    groups = []
    for group in outline.groups:
        whole = any(_holds(change, wanted) for change in group.changes)
        names = group.names if whole else _named(group.names, wanted)
        if names:
            groups.append(Group(group.changes, names))
    left_out = []
    for cause in outline.left_out:
        names = cause.hosts if wanted in cause.summary.lower() else _named(cause.hosts, wanted)
        if names:
            left_out.append(replace(cause, hosts=names))
    return Outline(
        aws=tuple(change for change in outline.aws if _holds(change, wanted)),
        groups=tuple(groups),
        settled=_named(outline.settled, wanted),
        left_out=tuple(left_out),
    )


def _named(names: Iterable[str], wanted: str) -> tuple[str, ...]:
    return tuple(name for name in names if wanted in name.lower())


def _holds(change: Change, wanted: str) -> bool:
    texts = (change.name, change.summary, *change.detail, *change.detail.values(), *change.before.values())
    return any(wanted in text.lower() for text in texts)
