"""Which Regions there are, and which of them an account may use."""

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from onboard.aws.regions import enabled, offers, partition_of
from onboard.aws.session import Aws
from onboard.model.errors import OnboardError
from onboard.model.profile import AwsSection, Profile, RegionSection
from onboard.resources import text

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud


def test_every_region_of_a_partition_has_its_long_name_and_endpoint() -> None:
    found = {offer.region: offer for offer in offers()}
    assert len(found) >= 34
    assert found["eu-central-1"].long_name == "Europe (Frankfurt)"
    assert found["eu-central-1"].host == "ssm.eu-central-1.amazonaws.com"
    assert not any(region.startswith(("cn-", "us-gov-")) for region in found)
    assert [offer.host for offer in offers("aws-cn")] == [
        "ssm.cn-north-1.amazonaws.com.cn",
        "ssm.cn-northwest-1.amazonaws.com.cn",
    ]
    with pytest.raises(OnboardError, match="Known partitions: aws, aws-cn"):
        offers("aws-moon")


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc"])
def test_every_region_has_a_place_on_the_map(partition: str) -> None:
    rows = csv.DictReader(text("map/regions.csv").splitlines())
    placed = {(row["region"], row["partition"], row["name"]) for row in rows}
    assert {(offer.region, partition, offer.long_name) for offer in offers(partition)} <= placed


def test_the_partition_is_the_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert partition_of(Profile()) == "aws"
    assert partition_of(Profile(region=RegionSection(name="cn-north-1"))) == "aws-cn"
    assert partition_of(Profile(region=RegionSection(name="eu-nowhere-1"))) == "aws"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    assert partition_of(Profile()) == "aws-us-gov"
    assert partition_of(Profile(aws=AwsSection(profile="none-such"))) == "aws"


def test_the_account_says_which_are_enabled(aws: Aws, cloud: "Cloud") -> None:
    found = enabled(aws)
    assert found is not None
    assert found["eu-central-1"] is True
    assert found["eu-central-2"] is False
    assert not [call for call in cloud.calls.after(0) if call.mutating]


class Refusing:
    """Stands where the session's clients are. `pages`: what account:ListRegions answers; None refuses it."""

    def __init__(self, pages: list[dict[str, Any]] | None) -> None:
        self._pages = pages
        self.asked: list[str] = []

    def client(self, service: str) -> Any:
        self.asked.append(service)
        return self

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self) -> Iterator[dict[str, Any]]:
        if self._pages is None:
            raise self._denied("ListRegions")
        return iter(self._pages)

    def describe_regions(self, **_: object) -> dict[str, Any]:
        raise self._denied("DescribeRegions")

    def _denied(self, operation: str) -> ClientError:
        return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)


def test_without_permission_it_is_not_known() -> None:
    account = Refusing(None)
    assert enabled(account) is None  # type: ignore[arg-type]
    assert account.asked == ["ec2", "account"]


def test_all_pages_of_the_account_are_read() -> None:
    pages = [
        {"Regions": [{"RegionName": "eu-central-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"}]},
        {"Regions": [{"RegionName": "eu-central-2", "RegionOptStatus": "DISABLED"}]},
        {"Regions": [{"RegionName": "af-south-1", "RegionOptStatus": "ENABLED"}]},
    ]
    account = Refusing(pages)
    assert enabled(account) == {"eu-central-1": True, "eu-central-2": False, "af-south-1": True}  # type: ignore[arg-type]
    assert account.asked == ["ec2", "account"]
