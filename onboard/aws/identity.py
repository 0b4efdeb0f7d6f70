"""Who AWS says we are."""

from dataclasses import dataclass
from datetime import datetime

from onboard.aws.failures import asking
from onboard.aws.session import Aws
from onboard.model.errors import AwsError
from onboard.model.words import Text


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller. `expires`: when temporary credentials end; None for lasting ones, or where it cannot be told."""

    account: str
    arn: str
    partition: str
    expires: datetime | None = None

    def role_arn(self, name: str) -> str:
        """ARN of a role of this account, by its name with path."""
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"


def identify(aws: Aws) -> Identity:
    """Ask sts:GetCallerIdentity. Raises AwsError, also when the Region belongs to another partition."""
    with asking("sts:GetCallerIdentity"):
        answer = aws.sts.get_caller_identity()
        credentials = aws.session.get_credentials()
    arn = answer["Arn"]
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
    # botocore tells the end only here; a missing attribute means lasting credentials.
    expires = getattr(credentials, "_expiry_time", None)
    return Identity(account=answer["Account"], arn=arn, partition=partition, expires=expires)
