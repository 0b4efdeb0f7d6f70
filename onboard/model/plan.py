"""What will be done, as values that can be read, saved, compared and approved before anything is."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change that will be made, in AWS or on a server.

    name     the step or AWS change, an imperative: `install_agent`, `create_activation`
    summary  what will be, in one line for people
    detail   what an approval must cover, by name: versions, hashes, paths, policies as text. Values that differ
             every time although the change is the same (ids, nonces, times) do not belong here: two plans of an
             unchanged world are equal
    at_most  of how many (servers to register, to ask), 0 where that says nothing; fewer than approved is fine
    """

    name: str
    summary: str
    detail: dict[str, str] = field(default_factory=dict)
    at_most: int = 0

    def covers(self, other: "Change") -> bool:
        """Whether who approved this change has approved `other`. The summary is for people and decides nothing."""
        return (self.name, self.detail) == (other.name, other.detail) and other.at_most <= self.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """A server's changes, in the order they are made; empty when it is as it should be."""

    host: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """AWS changes first, then those of each server. `warnings` shout: no signature check, cost of the advanced tier."""

    account: str
    region: str
    aws: tuple[Change, ...] = ()
    hosts: tuple[HostPlan, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.aws and not any(host.changes for host in self.hosts)

    def exceeds(self, approved: "Plan") -> tuple[str, ...]:
        """What this plan would do that `approved` does not contain, one line each; () when it is covered."""
        if (self.account, self.region) != (approved.account, approved.region):
            return (f"account {self.account} in {self.region}, approved for {approved.account} in {approved.region}",)
        lines = [f"AWS: {change.summary}" for change in _uncovered(self.aws, approved.aws)]
        allowed = {host.host: host.changes for host in approved.hosts}
        for host in self.hosts:
            changes = _uncovered(host.changes, allowed.get(host.host, ()))
            lines += [f"{host.host}: {change.summary}" for change in changes]
        return tuple(lines)


def _uncovered(changes: tuple[Change, ...], approved: tuple[Change, ...]) -> list[Change]:
    return [change for change in changes if not any(known.covers(change) for known in approved)]
