"""Read an IAM role."""

from collections.abc import Mapping
from typing import Any

from onboard.aws.failures import asking
from onboard.aws.session import Aws
from onboard.model.errors import AwsError


def find_role(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """The role, with or without its path in `name`; None if it does not exist. Raises AwsError."""
    try:
        with asking("iam:GetRole"):
            return aws.iam.get_role(RoleName=name.rpartition("/")[2])["Role"]
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return None
        raise
