"""How many more hybrid nodes an account can have in a Region, and what they cost."""

from dataclasses import dataclass

from onboard.aws.failures import DENIED, asking
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.errors import AwsError
from onboard.model.words import Text

STANDARD_LIMIT = 1000  # hybrid nodes per account and Region in the standard tier
TIER_SETTING = "/ssm/managed-instance/activation-tier"
NODE_HOUR = 0.00695  # US dollars per node and hour in the advanced tier, as published in 2024; indicative
HOURS_A_MONTH = 730


@dataclass(frozen=True, slots=True)
class Headroom:
    """How many more hybrid nodes this account can have in this Region.

    tier      standard, advanced, or "" if the caller may not read it
    nodes     hybrid nodes that exist now
    adding    nodes to be added
    limit     of the tier; None in the advanced tier
    cost      one indicative line, "" if free
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


def headroom(aws: Aws, identity: Identity, adding: int) -> Headroom:
    """Ask AWS for the tier and the number of hybrid nodes. Raises AwsError."""
    nodes = _count(aws)
    warnings = []
    try:
        tier, pending = _tier(aws)
    except AwsError as error:
        if error.code not in DENIED:
            raise
        tier, pending = "", False
        warnings.append(
            Text(
                "The instance tier of account {account} in {region} is unknown: {error}.",
                account=identity.account,
                region=aws.region,
                error=error.what,
            )
        )
    total = nodes + adding
    if pending:
        warnings.append(Text("The instance tier is being changed to {tier}; this takes a few minutes.", tier=tier))
    if tier != "advanced" and total > STANDARD_LIMIT:
        warnings.append(
            Text(
                "{nodes} hybrid nodes and {adding} more are {over} over the {limit} of the standard tier: "
                "change to the advanced tier first ({cost}).",
                nodes=nodes,
                adding=adding,
                over=total - STANDARD_LIMIT,
                limit=f"{STANDARD_LIMIT:,}",
                cost=_cost(total),
            )
        )
    return Headroom(
        tier=tier,
        nodes=nodes,
        adding=adding,
        limit=None if tier in ("advanced", "") else STANDARD_LIMIT,
        cost=_cost(total) if tier == "advanced" else "",
        warnings=tuple(warnings),
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


def _cost(nodes: int) -> Text:
    return Text(
        "about ${month} a month for {nodes} nodes at ${hour} per node and hour; see AWS's price list",
        month=f"{nodes * NODE_HOUR * HOURS_A_MONTH:,.0f}",
        nodes=f"{nodes:,}",
        hour=NODE_HOUR,
    )
