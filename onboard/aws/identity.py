"""Who AWS says we are."""

from dataclasses import dataclass
from datetime import datetime

from onboard.aws.session import Aws


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller. `expires`: when temporary credentials end; None for lasting ones, or where it cannot be told."""

    account: str
    arn: str
    partition: str
    expires: datetime | None = None


def identify(aws: Aws) -> Identity:
    """Ask sts:GetCallerIdentity. Raises AwsError, also when the Region belongs to another partition."""
    raise NotImplementedError
