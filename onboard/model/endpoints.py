"""The four AWS endpoints that a managed node needs."""

from collections.abc import Iterator
from dataclasses import dataclass

# First agent that takes commands from ssmmessages (2024-02-07); earlier ones need ec2messages. Source:
# AWS Systems Manager User Guide, "Reference: ec2messages, ssmmessages, and other API operations"
FIRST_WITHOUT_EC2MESSAGES = (3, 3, 40, 0)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs as the servers see them (`https://ssm.eu-central-1.amazonaws.com`).

    `ec2messages` is None where agents need only ssmmessages (Regions launched in 2024 or later).
    """

    ssm: str
    ssmmessages: str
    ec2messages: str | None
    s3: str

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(service, URL) of each endpoint that exists."""
        named = (
            ("ssm", self.ssm),
            ("ssmmessages", self.ssmmessages),
            ("ec2messages", self.ec2messages),
            ("s3", self.s3),
        )
        return iter([(service, url) for service, url in named if url is not None])
