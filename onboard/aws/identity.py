"""The caller's identity, as AWS reports it."""

from dataclasses import dataclass
from datetime import datetime

from onboard.aws.failures import asking
from onboard.aws.session import Aws
from onboard.model.errors import AwsError
from onboard.model.words import Text


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller. `expires`: when temporary credentials expire; None for permanent ones, or if it is unknown."""

    account: str
    arn: str
    partition: str
    expires: datetime | None = None

    def role_arn(self, name: str) -> str:
        """The ARN of a role in this account, from its name with path."""
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"


def fetch_credentials(aws: Aws) -> None:
    """Fetch the credentials now, which may ask a person for an MFA code. Raises AwsError."""
    with asking("sts:GetCallerIdentity"):
        credentials = aws.session.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()


def identify(aws: Aws) -> Identity:
    """Call sts:GetCallerIdentity. Raises AwsError, also when the Region belongs to a different partition."""
    with asking("sts:GetCallerIdentity"):
        answer = aws.sts.get_caller_identity()
        credentials = aws.session.get_credentials()
        arn, account = answer["Arn"], answer["Account"]
        partition = arn.split(":")[1]
    if aws.region_is_decided and partition != aws.partition:
        raise AwsError(
            Text("Region {region} is not in the account's partition", region=aws.region),
            where="sts:GetCallerIdentity",
            why=Text("The account is in {account}, the Region in {region}", account=partition, region=aws.partition),
            remedy=Text(
                "Choose a Region of {account}, or credentials for {region}", account=partition, region=aws.partition
            ),
        )
    # botocore has the expiry only in this attribute; permanent credentials do not have it.
    expires = getattr(credentials, "_expiry_time", None)
    return Identity(account=account, arn=arn, partition=partition, expires=expires)
