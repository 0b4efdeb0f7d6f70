"""Host names by partition and Region."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.aws.endpoints import (
    WITHOUT_EC2MESSAGES,
    agent_bucket,
    endpoints,
    is_loopback,
    origin,
    version_numbers,
)
from onboard.model.errors import OnboardError
from onboard.model.profile import EndpointOverrides

NONE = EndpointOverrides()


@pytest.mark.parametrize(
    ("region", "partition", "ssm"),
    [
        ("eu-central-1", "aws", "https://ssm.eu-central-1.amazonaws.com"),
        ("cn-north-1", "aws-cn", "https://ssm.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "https://ssm.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "https://ssm.eusc-de-east-1.amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "https://ssm.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_hosts_of_each_partition(region: str, partition: str, ssm: str) -> None:
    assert endpoints(region, partition, NONE).ssm == ssm


def test_the_four_of_an_old_region() -> None:
    assert dict(endpoints("eu-central-1", "aws", NONE, "3.3.4851.0")) == {
        service: f"https://{service}.eu-central-1.amazonaws.com"
        for service in ("ssm", "ssmmessages", "ec2messages", "s3")
    }


def test_new_regions_have_no_ec2messages() -> None:
    for region in WITHOUT_EC2MESSAGES - {"eusc-de-east-1"}:
        assert endpoints(region, "aws", NONE).ec2messages is None
    with pytest.raises(OnboardError, match=r"3\.3\.40\.0"):
        endpoints("mx-central-1", "aws", NONE, "3.2.2303.0")


def test_regions_without_ec2messages_exist() -> None:
    import boto3

    session = boto3.session.Session()
    known = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ssm", partition)
    }
    assert known >= WITHOUT_EC2MESSAGES


def test_overrides_go_before_the_single_endpoint() -> None:
    found = endpoints(
        "eu-central-1", "aws", EndpointOverrides(s3="https://mine"), everything_at="http://127.0.0.1:5000"
    )
    assert dict(found) == {
        "ssm": "http://127.0.0.1:5000",
        "ssmmessages": "http://127.0.0.1:5000",
        "ec2messages": "http://127.0.0.1:5000",
        "s3": "https://mine",
    }


def test_an_unknown_partition_is_refused() -> None:
    with pytest.raises(OnboardError, match="aws-moon"):
        endpoints("x", "aws-moon", NONE)


def test_the_agents_bucket() -> None:
    expected = "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1"
    assert agent_bucket("eu-west-1", "https://s3.eu-west-1.amazonaws.com/") == expected


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://[::1]/x", "http://localhost", "http://127.9.9.9"])
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "",
        "file:///x",
    ],
)
def test_no_loopback(url: str) -> None:
    assert not is_loopback(url)


def test_origins() -> None:
    assert origin("https://A.example/x") == origin("https://a.example:443")
    assert origin("http://a.example") != origin("https://a.example")


@given(st.text())
def test_versions_are_numbers_or_refused(text: str) -> None:
    try:
        numbers = version_numbers(text)
    except OnboardError:
        return
    assert ".".join(map(str, numbers)) == ".".join(str(int(part)) for part in text.split("."))
