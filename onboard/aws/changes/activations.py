"""Hybrid activations: as many registrations as a run needs, valid for hours, and deleted when the run ends."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from onboard.aws.changes.base import Activation, Basis, Entry, Made, Need, Part, Planned, RunChange, Undo, Undone
from onboard.aws.failures import GAP, asking, may_pass, persistently
from onboard.aws.headroom import headroom
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.aws.waits import waiting
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.changes import ChangeName, Phase
from onboard.model.errors import AwsError, OnboardError
from onboard.model.events import AwsChanged, Noted, UndoLine
from onboard.model.plan import Change
from onboard.model.profile import Profile
from onboard.model.secret import Secret
from onboard.model.words import Text

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import ActivationTypeDef, DescribeActivationsFilterTypeDef, TagTypeDef

LARGEST = 1000  # registrations of one activation (API reference, CreateActivation)
LONGEST_LIFE = timedelta(days=30) - timedelta(minutes=10)  # AWS's limit, minus what two clocks may differ
LONGEST_TEXT = 256  # characters of description and default instance name
RETRY_FOR = 120  # seconds; Systems Manager sees a new role only after a while
FIRST_WAIT, LONGEST_WAIT = 2.0, 15.0  # seconds


_ROLE_NOT_SEEN = ("nonexistent role or missing ssm service principal", "not existing role")
_GONE = frozenset({"InvalidActivation", "InvalidActivationId"})


@dataclass(frozen=True, slots=True)
class ActivationWish:
    """An activation as it is planned, approved and asked for.

    role  name of the service role with its path
    size  how many servers may register with it
    run   is written into its description, so that `find_activations` finds it after a crash
    """

    role: str
    name: str
    size: int
    expires_in_hours: int
    tags: Mapping[str, str]
    run: str

    @property
    def detail(self) -> dict[str, str]:
        """The details that an approval covers."""
        return {
            "name": self.name,
            "role": self.role,
            "expires_in_hours": str(self.expires_in_hours),
            **{f"tag {key}": value for key, value in sorted(self.tags.items())},
        }


@dataclass(frozen=True, slots=True)
class ActivationState:
    """An activation as AWS describes it."""

    id: str
    description: str
    limit: int
    registrations: int
    expired: bool

    @property
    def left(self) -> int:
        """How many more registrations it accepts."""
        return 0 if self.expired else max(0, self.limit - self.registrations)


class Activations(RunChange):
    """Activations for the servers that a run registers."""

    name = ChangeName.CREATE_ACTIVATION
    title = "An activation"
    ends_with_run = True

    def needs(self, profile: Profile, identity: Identity) -> tuple[Need, ...]:
        return (
            Need(
                (
                    "ssm:CreateActivation",
                    "ssm:AddTagsToResource",
                    "ssm:DescribeActivations",
                    "ssm:DeleteActivation",
                    "ssm:GetServiceSetting",
                )
            ),
            Need(("iam:PassRole",), identity.role_arn(profile.role.name)),
        )

    def plan(self, basis: Basis) -> Planned:
        if not basis.registering:
            return Planned()
        room = headroom(basis.aws, basis.identity, basis.registering)
        if not room.fits:
            raise OnboardError(
                Text("{count} more nodes do not fit into the {tier} tier", count=basis.registering, tier=room.tier),
                where=f"account {basis.identity.account} in {basis.aws.region}",
                why=Text("It has {nodes} hybrid nodes, and its limit is {limit}", nodes=room.nodes, limit=room.limit),
                remedy="Deregister nodes that no longer exist, use another Region, or turn on the advanced tier (paid)",
            )
        wanted = basis.profile.activation
        ours = set[str]()
        parts = tuple(
            NewActivation(
                ActivationWish(basis.role, wanted.name, size, wanted.expires_in_hours, wanted.tags, basis.run), ours
            )
            for size in activation_sizes(basis.registering)
        )
        return Planned(
            changes=(_change([part.wish for part in parts]),),
            parts=parts,
            warnings=(*room.warnings, *((room.cost,) if room.cost else ())),
        )

    def left(self, entries: Iterable[Entry]) -> Mapping[str, str]:
        """`ids`: those created and not deleted, separated by commas; `others`: there may be more, with unknown ids."""
        created, deleted, broken_off = dict[str, None](), set[str](), 0
        for entry in entries:
            if entry.change == ChangeName.CREATE_ACTIVATION and entry.phase == Phase.INTENT:
                broken_off += 1
            elif entry.change == ChangeName.CREATE_ACTIVATION and entry.phase == Phase.UNDONE:
                broken_off = 0
            elif entry.change == ChangeName.CREATE_ACTIVATION:
                broken_off -= 1
                created.update(dict.fromkeys(_id_of(entry)))
            elif entry.change == ChangeName.DELETE_ACTIVATION:
                deleted.update(_id_of(entry))
        ids = ",".join(sorted(created.keys() - deleted))
        # broken off: killed or refused between the request to AWS and the journal entry with the id
        return {**({"ids": ids} if ids else {}), **({"others": "maybe"} if broken_off > 0 else {})}

    def unknown(self, entries: Iterable[Entry]) -> Mapping[str, str]:
        begun = False
        for entry in entries:
            if entry.change == ChangeName.CREATE_ACTIVATION:
                begun = entry.phase != Phase.UNDONE
        return {"others": "maybe"} if begun else {}

    def tell(self, entries: Iterable[Entry]) -> tuple[UndoLine, ...]:
        left = self.left(entries)
        ids = left.get("ids", "").split(",")
        sentence = Text("Activations that this run left behind are deleted.")
        return (UndoLine.of(self.name, ", ".join(ids), sentence),) if left else ()

    def undo(self, undo: Undo) -> Iterator[Undone | Noted]:
        """Delete every activation of the run that may still exist."""
        ids = {found for found in undo.left.get("ids", "").split(",") if found}
        if "others" in undo.left:
            try:
                name = undo.profile.activation.name
                found = persistently(lambda: find_activations(undo.aws, name=name, run=undo.run), undo.cancel)
                ids |= {state.id for state in found}
            except AwsError as error:
                text = Text("Onboard could not check whether this run left an activation behind. {error}", error=error)
                yield Noted.warning(text)
        for activation_id in sorted(ids):
            try:
                persistently(partial(delete_activation, undo.aws, activation_id), undo.cancel)
            except AwsError as error:
                text = Text("Activation {id} could not be deleted. {error}", id=activation_id, error=error)
                yield Noted.warning(text)
                continue
            kept, told = {"id": activation_id}, _deleted(activation_id, Text("Deleted the activation"))
            yield Undone(change=ChangeName.DELETE_ACTIVATION, phase=Phase.DONE, kept=kept, told=told)


@dataclass(frozen=True, slots=True)
class NewActivation(Part):
    """`ours`: ids of the activations that this attempt of the run created so far, shared by all its parts."""

    wish: ActivationWish
    ours: set[str] = field(default_factory=set)

    def planned_undo(self) -> Mapping[str, str]:
        return {"name": self.wish.name}

    def make(self, aws: Aws, cancel: CancelToken) -> Made:
        told: list[AwsChanged] = []
        activation = create_activation(aws, self.wish, cancel, lost=lambda: told.extend(self._delete_lost(aws)))
        self.ours.add(activation.id)
        summary = Text(
            "Created an activation for {size}, valid until {expires} UTC",
            size=self.wish.size,
            expires=f"{activation.expires:%Y-%m-%d %H:%M}",
        )
        told.append(AwsChanged.of(ChangeName.CREATE_ACTIVATION, activation.id, summary))
        return Made(kept={"id": activation.id}, told=tuple(told), activation=activation)

    def _delete_lost(self, aws: Aws) -> Iterator[AwsChanged]:
        """Delete activations of this run that nobody has the code of. What cannot be done now is done at its end."""
        try:
            for found in find_activations(aws, name=self.wish.name, run=self.wish.run):
                if found.id not in self.ours:
                    delete_activation(aws, found.id)
                    lost = Text("Deleted an activation whose code was lost with AWS's answer")
                    yield _deleted(found.id, lost)
        except AwsError:
            return


def _change(wishes: list[ActivationWish]) -> Change:
    """The line of the plan for activations that differ only in size."""
    size = sum(wish.size for wish in wishes)
    return Change.of(
        ChangeName.CREATE_ACTIVATION,
        _creation(len(wishes), size, wishes[0].expires_in_hours),
        detail=wishes[0].detail,
        at_most=size,
    )


def _creation(activations: int, servers: int, hours: int) -> Text:
    if servers == 1:
        return Text("Create an activation for 1 server, valid {hours} h, and delete it when the run ends", hours=hours)
    if activations == 1:
        return Text(
            "Create an activation for {servers} servers, valid {hours} h, and delete it when the run ends",
            servers=f"{servers:,}",
            hours=hours,
        )
    return Text(
        "Create {activations} activations for {servers} servers, valid {hours} h, and delete them when the run ends",
        activations=activations,
        servers=f"{servers:,}",
        hours=hours,
    )


def _deleted(activation_id: str, summary: Text) -> AwsChanged:
    return AwsChanged.of(ChangeName.DELETE_ACTIVATION, activation_id, summary)


def _now() -> datetime:
    return datetime.now(UTC)


def activation_sizes(servers: int) -> tuple[int, ...]:
    """Registration limits of the activations that `servers` need: at most 1,000 each."""
    full, rest = divmod(servers, LARGEST)
    return (LARGEST,) * full + ((rest,) if rest else ())


def create_activation(
    aws: Aws,
    wish: ActivationWish,
    cancel: CancelToken,
    *,
    lost: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = _now,
    wait: Callable[[float], bool] | None = None,
) -> Activation:
    """Create one. Retries for up to two minutes while AWS does not see a new role yet, or throttles, and for half a
    minute while AWS does not answer.

    If AWS did not answer, it may have created one: `lost` is called before it is asked again.
    `clock` in seconds; `wait` sleeps and returns whether to stop (default: `cancel.wait`). Raises AwsError, Cancelled;
    an AwsError is `unanswered` if any of the calls was.
    """
    expires = now() + min(timedelta(hours=wish.expires_in_hours), LONGEST_LIFE)
    labels: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in wish.tags.items()]
    began, pause, doubtful, since = clock(), FIRST_WAIT, False, time.monotonic()
    while True:
        cancel.check()
        try:
            with asking("ssm:CreateActivation"):
                answer = aws.ssm.create_activation(
                    IamRole=wish.role,
                    Description=_description(wish.name, wish.run),
                    DefaultInstanceName=wish.name[:LONGEST_TEXT],
                    RegistrationLimit=wish.size,
                    ExpirationDate=expires,
                    Tags=labels,
                )
                return Activation(
                    id=answer["ActivationId"],
                    code=Secret(answer["ActivationCode"]),
                    limit=wish.size,
                    expires=expires,
                    region=aws.region,
                )
        except AwsError as error:
            error = _explained(error, wish.role)
            patience = GAP if error.unanswered else RETRY_FOR
            doubtful = error.unanswered = doubtful or error.unanswered
            if not _passes(error) or clock() + pause > began + patience:
                raise error from None
            why = error.what
        with waiting("ssm:CreateActivation", since=since, why=why):
            if (wait or cancel.wait)(pause):
                raise Cancelled
        if doubtful:
            lost()
        pause = min(pause * 2, LONGEST_WAIT)


def find_activations(aws: Aws, *, name: str, run: str) -> tuple[ActivationState, ...]:
    """Activations that `run` created under this `name`. Raises AwsError."""
    found = _described(aws, [{"FilterKey": "DefaultInstanceName", "FilterValues": [name[:LONGEST_TEXT]]}])
    return tuple(state for state in found if state.description == _description(name, run))


def activations_of_role(aws: Aws, role: str) -> frozenset[str]:
    """Ids of this Region's activations for `role` (its name with path) that accept registrations. Raises AwsError."""
    found = _described(aws, [{"FilterKey": "IamRole", "FilterValues": [role]}])
    return frozenset(state.id for state in found if state.left)


def delete_activation(aws: Aws, activation_id: str) -> bool:
    """Delete it; False if it no longer exists. Registered nodes stay. Raises AwsError."""
    try:
        with asking("ssm:DeleteActivation"):
            aws.ssm.delete_activation(ActivationId=activation_id)
    except AwsError as error:
        if error.code in _GONE:
            return False
        raise
    return True


def _description(name: str, run: str) -> str:
    mark = f" (Onboard run {run})"
    return name[: LONGEST_TEXT - len(mark)] + mark


def _passes(error: AwsError) -> bool:
    """Whether waiting may help."""
    return may_pass(error) or _is_role_not_seen(error)


def _is_role_not_seen(error: AwsError) -> bool:
    return any(text in error.why.lower() for text in _ROLE_NOT_SEEN)


def _explained(error: AwsError, role: str) -> AwsError:
    """The error, with a remedy if this call knows one."""
    if not _is_role_not_seen(error):
        return error
    return AwsError(
        Text("Systems Manager cannot use role {role}", role=role),
        where=error.where,
        why=error.why,
        remedy="Check that the role exists, that role.name has its path, and that its trust policy lets "
        "ssm.amazonaws.com assume it for this account and Region",
        code=error.code,
    )


def _described(aws: Aws, filters: "list[DescribeActivationsFilterTypeDef]") -> list[ActivationState]:
    with asking("ssm:DescribeActivations"):
        pages = aws.ssm.get_paginator("describe_activations").paginate(
            Filters=filters, PaginationConfig={"PageSize": 50}
        )
        return [_state(item) for page in pages for item in page["ActivationList"]]


def _state(item: "ActivationTypeDef") -> ActivationState:
    return ActivationState(
        id=item["ActivationId"],
        description=item.get("Description", ""),
        limit=item.get("RegistrationLimit", 1),
        registrations=item.get("RegistrationsCount", 0),
        expired=item.get("Expired", False),
    )


def _id_of(entry: Entry) -> tuple[str, ...]:
    """The activation's id; empty if a damaged journal does not contain it."""
    return tuple(value for name, value in entry.data.items() if name == "id")
