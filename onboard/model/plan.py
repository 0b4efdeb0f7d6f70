"""What will be done, as values that can be read, saved, compared and approved before anything is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onboard.model.changes import ChangeName
from onboard.model.harmless import Harmless
from onboard.model.place import Place
from onboard.model.words import Phrasing, Text, merged_text, phrasing_of, texts_of

# (change, detail) → value that later versions add so that less is changed: a plan approved before covers it.
CHANGES_LESS = {(ChangeName.CONFIGURE_AGENT, "Profile.ShareCreds"): "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Harmless):
    """One change that will be made, in AWS or on a server.

    name     the step or AWS change, an imperative: `install_agent`, `create_activation`
    summary  what will be, in one line for people. What changes from server to server goes into a `Text` as a value
    detail   what an approval must cover, by name: versions, hashes, paths, policies as text. Values that differ
             every time although the change is the same (ids, nonces, times) do not belong here: two plans of an
             unchanged world are equal
    at_most  of how many (servers to register, to ask), 0 where that says nothing; fewer than approved is fine
    before   what stands there now, by the name that `detail` gives it, where something that exists is altered. It is
             for people: an approval is of what will be. Never a secret, also none that the server keeps in clear
    wording  what `summary` is made of; None where it says all
    """

    name: ChangeName
    summary: str
    detail: dict[str, str] = field(default_factory=dict)
    at_most: int = 0
    before: dict[str, str] = field(default_factory=dict)
    wording: Phrasing | None = None

    @classmethod
    def of(
        cls,
        name: ChangeName,
        summary: Text,
        *,
        detail: Mapping[str, str] | None = None,
        at_most: int = 0,
        before: Mapping[str, str] | None = None,
    ) -> "Change":
        """With the wording of its summary."""
        return cls(
            name=name,
            summary=str(summary),
            detail=dict(detail or {}),
            at_most=at_most,
            before=dict(before or {}),
            wording=phrasing_of(summary),
        )

    @property
    def sentence(self) -> Text:
        return self.wording.sentence if self.wording else Text(self.summary)

    @property
    def template(self) -> str:
        return self.wording.template if self.wording else self.summary

    @property
    def altered(self) -> tuple[tuple[str, str, str], ...]:
        """(name, value now, value that will be) of everything that exists and is altered."""
        return tuple((name, old, self.detail[name]) for name, old in self.before.items() if name in self.detail)

    def covers(self, other: "Change") -> bool:
        """Whether who approved this change has approved `other`. `summary`, `wording` and `before` decide nothing."""
        known = {key: value for key, value in other.detail.items() if key in self.detail or not other.is_less(key)}
        return (self.name, self.detail) == (other.name, known) and other.at_most <= self.at_most

    def is_less(self, key: str) -> bool:
        """Whether that detail only keeps something as it is."""
        return CHANGES_LESS.get((self.name, key)) == self.detail[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan(Harmless):
    """A server's changes, in the order they are made; empty when it is as it should be.

    `address`, `port` and `way` are its place, as plain values for the saved file. "" and 0 in plans that were saved
    before they stood there.
    """

    host: str
    address: str = ""
    port: int = 0
    way: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @classmethod
    def at(cls, place: Place, host: str, changes: tuple[Change, ...]) -> "HostPlan":
        return cls(host=host, address=place.address, port=place.port, way=place.way, changes=changes)

    @property
    def place(self) -> Place | None:
        """None in a plan that was saved before it said where its servers are."""
        return Place(self.address, self.port, self.way) if self.address else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Harmless):
    """AWS changes first, then those of each server.

    warnings   shout: no signature check, cost of the advanced tier
    phrasings  what warnings are made of, by the warning; without those that say all
    """

    account: str
    region: str
    aws: tuple[Change, ...] = ()
    hosts: tuple[HostPlan, ...] = ()
    warnings: tuple[str, ...] = ()
    phrasings: Mapping[str, Phrasing] = field(default_factory=dict)

    @property
    def warning_texts(self) -> tuple[Text, ...]:
        return texts_of(self.warnings, self.phrasings)

    @property
    def is_empty(self) -> bool:
        return not self.aws and not any(host.changes for host in self.hosts)

    def exceeds(self, approved: "Plan") -> tuple[str, ...]:
        """What this plan would do that `approved` does not contain, one line each; () when it is covered."""
        if (self.account, self.region) != (approved.account, approved.region):
            return (f"account {self.account} in {self.region}, approved for {approved.account} in {approved.region}",)
        lines = [f"AWS: {change.summary}" for change in _uncovered(self.aws, approved.aws)]
        allowed = {host.host: host for host in approved.hosts}
        for host in self.hosts:
            known = allowed.get(host.host, HostPlan(host=host.host))
            if known.place and host.place != known.place:
                lines.append(f"{host.host}: it is at {host.place}, approved at {known.place}")
                continue
            lines += [f"{host.host}: {change.summary}" for change in _uncovered(host.changes, known.changes)]
        return tuple(lines)


# Who has servers onboarded has them asked: every apply does, also of servers that need nothing else.
ASKING = frozenset({ChangeName.PLACE_NONCE, ChangeName.CONFIRM})


def _uncovered(changes: tuple[Change, ...], approved: tuple[Change, ...]) -> list[Change]:
    more = [change for change in changes if change.name not in ASKING]
    return [change for change in more if not any(known.covers(change) for known in approved)]


@dataclass(frozen=True, slots=True)
class Group:
    """Servers that get the same changes.

    In `changes`, values of a summary that differ from server to server are merged: `Add 1–5 of …`.
    """

    changes: tuple[Change, ...]
    names: tuple[str, ...]


def groups_of(hosts: Iterable[HostPlan]) -> list[Group]:
    """The servers of a plan by what is done to them, in the order of the first server of each group."""
    alike: dict[tuple[object, ...], list[HostPlan]] = {}
    for host in hosts:
        alike.setdefault(tuple(map(_key, host.changes)), []).append(host)
    return [Group(_merged([host.changes for host in one]), tuple(host.host for host in one)) for one in alike.values()]


def _key(change: Change) -> tuple[object, ...]:
    """What makes changes the same: all that an approval covers, what stands there now, and the summary's template.

    Not sorted, to save time: a step lists its values in a fixed order.
    """
    return change.name, change.template, *change.detail.items(), None, *change.before.items()


def _merged(servers: Sequence[tuple[Change, ...]]) -> tuple[Change, ...]:
    """The changes of servers of one group as those of one server."""
    first = servers[0]
    if all(changes == first for changes in servers):
        return first
    return tuple(
        Change.of(
            same[0].name,
            merged_text(change.sentence for change in same),
            detail=same[0].detail,
            at_most=same[0].at_most,
            before=same[0].before,
        )
        for same in zip(*servers, strict=True)
    )


def plan_from_json(data: Mapping[str, Any]) -> Plan:
    """A plan from its `asdict` form, as saved files and the journal hold it. KeyError or TypeError for others."""
    return Plan(
        account=data["account"],
        region=data["region"],
        aws=tuple(map(_change_from_json, data["aws"])),
        hosts=tuple(
            HostPlan(
                **{
                    **host,
                    "way": tuple(host.get("way", ())),
                    "changes": tuple(map(_change_from_json, host["changes"])),
                }
            )
            for host in data["hosts"]
        ),
        warnings=tuple(data["warnings"]),
        phrasings={warning: Phrasing(**parts) for warning, parts in data.get("phrasings", {}).items()},
    )


def _change_from_json(data: Mapping[str, Any]) -> Change:
    wording = data.get("wording")
    return Change(**{**data, "wording": Phrasing(**wording) if wording else None})
