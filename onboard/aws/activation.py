"""Hybrid activations: exactly sized, short-lived, deleted when done; and how many nodes the account still takes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from onboard.aws.failures import DENIED, THROTTLED, asking
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import AwsError
from onboard.model.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import ActivationTypeDef, DescribeActivationsFilterTypeDef, TagTypeDef

LARGEST = 1000  # registrations of one activation (API reference, CreateActivation)
LONGEST_LIFE = timedelta(days=30) - timedelta(minutes=10)  # AWS's limit, less what two clocks may differ
LONGEST_TEXT = 256  # characters of description and default instance name
RETRY_FOR = 120  # seconds; a new role is seen by Systems Manager after some
FIRST_WAIT, LONGEST_WAIT = 2.0, 15.0  # seconds

STANDARD_LIMIT = 1000  # hybrid nodes of one account and Region in the standard tier
TIER_SETTING = "/ssm/managed-instance/activation-tier"
NODE_HOUR = 0.00695  # US dollars a node and hour in the advanced tier, as published in 2024; indicative
HOURS_A_MONTH = 730

_ROLE_NOT_SEEN = ("nonexistent role or missing ssm service principal", "not existing role")
_GONE = frozenset({"InvalidActivation", "InvalidActivationId"})


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
    description: str
    limit: int
    registrations: int
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
    full, rest = divmod(servers, LARGEST)
    return (LARGEST,) * full + ((rest,) if rest else ())


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
    expires = now() + min(timedelta(hours=expires_in_hours), LONGEST_LIFE)
    labels: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in tags.items()]
    deadline, pause = clock() + RETRY_FOR, FIRST_WAIT
    while True:
        cancel.check()
        try:
            with asking("ssm:CreateActivation"):
                answer = aws.ssm.create_activation(
                    IamRole=role,
                    Description=_description(name, run),
                    DefaultInstanceName=name[:LONGEST_TEXT],
                    RegistrationLimit=size,
                    ExpirationDate=expires,
                    Tags=labels,
                )
            break
        except AwsError as error:
            error = _explained(error, role)
            if not _passes(error) or clock() + pause > deadline:
                raise error from None
        if (wait or cancel.wait)(pause):
            raise Cancelled
        pause = min(pause * 2, LONGEST_WAIT)
    return Activation(
        id=answer["ActivationId"],
        code=Secret(answer["ActivationCode"]),
        limit=size,
        expires=expires,
        region=aws.region,
    )


def find_activations(aws: Aws, *, name: str, run: str) -> tuple[ActivationState, ...]:
    """Activations that `run` created under this `name`. Raises AwsError."""
    found = _described(aws, [{"FilterKey": "DefaultInstanceName", "FilterValues": [name[:LONGEST_TEXT]]}])
    return tuple(state for state in found if state.description == _description(name, run))


def activations_of_role(aws: Aws, role: str) -> frozenset[str]:
    """Ids of this Region's activations that still take registrations for `role` (its name with path). AwsError."""
    found = _described(aws, [{"FilterKey": "IamRole", "FilterValues": [role]}])
    return frozenset(state.id for state in found if state.left)


def delete_activation(aws: Aws, activation_id: str) -> bool:
    """Delete it; False when it was gone already. Registered nodes stay. Raises AwsError."""
    try:
        with asking("ssm:DeleteActivation"):
            aws.ssm.delete_activation(ActivationId=activation_id)
    except AwsError as error:
        if error.code in _GONE:
            return False
        raise
    return True


def headroom(aws: Aws, identity: Identity, adding: int) -> Headroom:
    """Ask for tier and count of hybrid nodes. Raises AwsError."""
    nodes = _count(aws)
    warnings = []
    try:
        tier, pending = _tier(aws)
    except AwsError as error:
        if error.code not in DENIED:
            raise
        tier, pending = "", False
        warnings.append(f"Which instance tier account {identity.account} has in {aws.region} is unknown: {error.what}.")
    total = nodes + adding
    if pending:
        warnings.append(f"The instance tier is being changed to {tier}; that takes some minutes.")
    if tier != "advanced" and total > STANDARD_LIMIT:
        over = total - STANDARD_LIMIT
        warnings.append(
            f"{nodes} hybrid nodes and {adding} more are {over} over the {STANDARD_LIMIT:,} of the standard tier: "
            f"change to the advanced tier first ({_cost(total)})."
        )
    return Headroom(
        tier=tier,
        nodes=nodes,
        adding=adding,
        limit=None if tier in ("advanced", "") else STANDARD_LIMIT,
        cost=_cost(total) if tier == "advanced" else "",
        warnings=tuple(warnings),
    )


def _description(name: str, run: str) -> str:
    mark = f" (Onboard run {run})"
    return name[: LONGEST_TEXT - len(mark)] + mark


def _passes(error: AwsError) -> bool:
    """Whether waiting may cure it."""
    return error.code in THROTTLED or _is_role_not_seen(error)


def _is_role_not_seen(error: AwsError) -> bool:
    return any(text in error.why.lower() for text in _ROLE_NOT_SEEN)


def _explained(error: AwsError, role: str) -> AwsError:
    """The error with a remedy, where this call knows one."""
    if not _is_role_not_seen(error):
        return error
    return AwsError(
        f"Systems Manager cannot use role {role}",
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


def _count(aws: Aws) -> int:
    with asking("ssm:DescribeInstanceInformation"):
        pages = aws.ssm.get_paginator("describe_instance_information").paginate(
            Filters=[{"Key": "ResourceType", "Values": ["ManagedInstance"]}], PaginationConfig={"PageSize": 50}
        )
        return sum(len(page["InstanceInformationList"]) for page in pages)


def _tier(aws: Aws) -> tuple[str, bool]:
    """(standard or advanced, whether it is being changed)."""
    with asking("ssm:GetServiceSetting"):
        setting = aws.ssm.get_service_setting(SettingId=TIER_SETTING)["ServiceSetting"]
    return setting.get("SettingValue", "standard"), setting.get("Status", "").startswith("Pending")


def _cost(nodes: int) -> str:
    month = nodes * NODE_HOUR * HOURS_A_MONTH
    return f"about ${month:,.0f} a month for {nodes:,} nodes at ${NODE_HOUR} a node and hour; see AWS's price list"
