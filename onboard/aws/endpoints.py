"""Where managed nodes reach AWS: host names by partition and Region, and the Region's agent bucket."""

import ipaddress
import re
from urllib.parse import urlsplit

from onboard.model.endpoints import FIRST_WITHOUT_EC2MESSAGES, Endpoints
from onboard.model.errors import OnboardError
from onboard.model.profile import EndpointOverrides
from onboard.model.words import Text

# DNS suffix of AWS's API hosts, by partition. Source: botocore's endpoints.json.
SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-us-gov": "amazonaws.com",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}

# Regions launched in 2024 or later offer no ec2messages. Source: AWS's user guide, "Reference: ec2messages,
# ssmmessages, and other API operations"; launch dates from AWS's announcements (Malaysia 2024-08, Mexico and
# Thailand 2025-01, Taipei 2025-06, New Zealand 2025-09, European Sovereign Cloud 2026-01). The ISO Regions' dates are
# not published in one place, so they are not listed here: nodes there may be given an endpoint that they do not need.
WITHOUT_EC2MESSAGES = frozenset(
    {"ap-southeast-5", "ap-southeast-7", "mx-central-1", "ap-east-2", "ap-southeast-6", "eusc-de-east-1"}
)


def endpoints(
    region: str,
    partition: str,
    overrides: EndpointOverrides,
    agent_version: str | None = None,
    *,
    everything_at: str | None = None,
) -> Endpoints:
    """The URLs that servers of `region` need: `overrides` first, else `everything_at`, else AWS's own.

    `everything_at` is the only endpoint of a private or practice cloud (`Aws.single_endpoint`). Raises OnboardError for
    an unknown partition, and for an `agent_version` (if given) that cannot work in the Region.
    """
    if partition not in SUFFIXES:
        raise OnboardError(
            Text("partition {partition} is unknown", partition=partition),
            where=region,
            remedy=Text(
                "Known partitions: {partitions}. Set network.endpoints for this one", partitions=", ".join(SUFFIXES)
            ),
        )

    def url(service: str) -> str:
        return everything_at or f"https://{service}.{region}.{SUFFIXES[partition]}"

    ec2messages = overrides.ec2messages
    if ec2messages is None and region not in WITHOUT_EC2MESSAGES:
        ec2messages = url("ec2messages")
    if ec2messages is None and agent_version is not None and version_numbers(agent_version) < FIRST_WITHOUT_EC2MESSAGES:
        raise OnboardError(
            Text("agent {version} cannot work in {region}", version=agent_version, region=region),
            where="agent.version",
            why="The Region has no ec2messages endpoint, and agents before 3.3.40.0 need one",
            remedy="Choose agent.version 3.3.40.0 or later",
        )
    return Endpoints(
        ssm=overrides.ssm or url("ssm"),
        ssmmessages=overrides.ssmmessages or url("ssmmessages"),
        ec2messages=ec2messages,
        s3=overrides.s3 or url("s3"),
    )


def agent_bucket(region: str, s3: str) -> str:
    """URL of AWS's bucket with the agent's packages, in path style, below the S3 endpoint `s3`."""
    return f"{s3.rstrip('/')}/amazon-ssm-{region}"


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of a URL; equal for two URLs of the same server. ValueError if it is not http or https."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http or https URL: {url}")
    return parts.scheme, parts.hostname.lower(), parts.port or (443 if parts.scheme == "https" else 80)


def is_loopback(url: str) -> bool:
    """Whether the URL stays on this computer."""
    try:
        host = origin(url)[1]
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def version_numbers(version: str) -> tuple[int, ...]:
    """An agent version (`3.3.4851.0`) in comparable form. Raises OnboardError if it is not one."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}){1,5}", version):
        raise OnboardError(
            Text("{version} is not an agent version", version=repr(version)), remedy="A version looks like 3.3.4851.0"
        )
    return tuple(int(part) for part in version.split("."))
