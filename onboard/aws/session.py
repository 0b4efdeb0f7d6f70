"""The way to AWS: one boto3 session, its clients made when needed, by any thread."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from onboard.model.profile import Profile
from onboard.model.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient


class Aws:
    """Clients of one account and Region. Threads may share it."""

    @property
    def region(self) -> str:
        raise NotImplementedError

    @property
    def partition(self) -> str:
        """The Region's partition: aws, aws-cn, aws-us-gov, …"""
        raise NotImplementedError

    @property
    def ssm(self) -> "SSMClient":
        raise NotImplementedError

    @property
    def iam(self) -> "IAMClient":
        raise NotImplementedError

    @property
    def sts(self) -> "STSClient":
        raise NotImplementedError

    @property
    def s3_endpoint(self) -> str:
        """URL of S3 as this computer reaches it."""
        raise NotImplementedError

    @property
    def single_endpoint(self) -> str | None:
        """Origin of a private or practice cloud: where SSM and S3 are one custom endpoint; None with AWS's own."""
        raise NotImplementedError


def open_aws(profile: Profile, *, mfa_code: Callable[[str], Secret] | None = None) -> Aws:
    """A session from boto3's standard sources; sends nothing.

    The Region is the profile's, else the session's. `mfa_code` is asked (with the prompt) where a role needs MFA.
    Raises AwsError (unknown profile of ~/.aws, broken configuration) and ProfileError (no Region).
    """
    raise NotImplementedError
