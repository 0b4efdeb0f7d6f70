"""The Regions of a partition that have Systems Manager, and which of them an account may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onboard.aws.endpoints import SUFFIXES
from onboard.aws.failures import asking
from onboard.aws.session import Aws
from onboard.model.errors import AwsError, OnboardError
from onboard.model.profile import Profile
from onboard.model.words import Text

COMMERCIAL = "aws"
_OPTED_IN = frozenset({"ENABLED", "ENABLED_BY_DEFAULT", "ENABLING"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A Region that has Systems Manager. `host`: its endpoint's host name."""

    region: str
    long_name: str
    host: str


def offers(partition: str = COMMERCIAL) -> tuple[Offer, ...]:
    """Every Region of the partition that has Systems Manager, from botocore's data. Sends nothing.

    Raises OnboardError for a partition whose host names are not known.
    """
    import botocore.session

    if partition not in SUFFIXES:
        raise OnboardError(
            Text("partition {partition} is unknown", partition=partition),
            remedy=Text("Known partitions: {partitions}", partitions=", ".join(SUFFIXES)),
        )
    session = botocore.session.Session()
    names = _long_names(session, partition)
    return tuple(
        Offer(region, names.get(region, region), f"ssm.{region}.{SUFFIXES[partition]}")
        for region in session.get_available_regions("ssm", partition)
    )


def partition_of(profile: Profile) -> str:
    """The partition of the profile's Region, else of the AWS configuration's Region, else the commercial partition."""
    import botocore.exceptions
    import botocore.session

    session = botocore.session.Session(profile=profile.aws.profile)
    try:
        region = profile.region.name or session.get_config_variable("region")
        return str(session.get_partition_for_region(region)) if region else COMMERCIAL
    except (botocore.exceptions.BotoCoreError, ValueError):  # unknown Region, or unknown profile of ~/.aws
        return COMMERCIAL


def enabled(aws: Aws) -> Mapping[str, bool] | None:
    """Region → whether this account may use it; None if AWS cannot be asked or does not permit the question.

    Calls ec2:DescribeRegions, else account:ListRegions. Either permission is enough, and both are optional.
    """
    for call, ask in (("ec2:DescribeRegions", _by_ec2), ("account:ListRegions", _by_account)):
        try:
            with asking(call):
                found = ask(aws)
        except AwsError:
            continue
        if found:
            return found
    return None


def _by_account(aws: Aws) -> dict[str, bool]:
    pages = aws.client("account").get_paginator("list_regions").paginate()
    regions = [region for page in pages for region in page["Regions"]]
    return {region["RegionName"]: region["RegionOptStatus"] in _OPTED_IN for region in regions}


def _by_ec2(aws: Aws) -> dict[str, bool]:
    regions = aws.client("ec2").describe_regions(AllRegions=True)["Regions"]
    return {region["RegionName"]: region["OptInStatus"] != "not-opted-in" for region in regions}


def _long_names(session: Any, partition: str) -> dict[str, str]:
    for found in session.get_data("endpoints")["partitions"]:
        if found["partition"] == partition:
            return {region: about["description"] for region, about in found["regions"].items()}
    return {}
