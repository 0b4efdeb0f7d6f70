"""Who we are."""

from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from onboard.aws.identity import identify
from onboard.aws.session import Aws, open_aws
from onboard.model.errors import AwsError
from onboard.model.profile import Profile, RegionSection

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud


def test_the_caller(aws: Aws, cloud: "Cloud") -> None:
    identity = identify(aws)
    assert (identity.account, identity.partition) == (cloud.account, "aws")
    assert identity.arn.startswith(f"arn:aws:sts::{cloud.account}:")
    assert identity.expires is None


def test_credentials_of_another_partition_are_told(cloud: "Cloud") -> None:
    aws = open_aws(Profile(region=RegionSection(name="cn-north-1")))
    answer = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me", "UserId": "AIDA"}
    stub = Stubber(aws.sts)
    stub.add_response("get_caller_identity", answer)
    with stub, pytest.raises(AwsError) as caught:
        identify(aws)
    assert "aws-cn" in caught.value.why
