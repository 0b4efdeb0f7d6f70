"""The profiles of the AWS configuration (~/.aws/config and ~/.aws/credentials), and what kind each is."""

import os
from collections.abc import Mapping
from typing import Any

from onboard.aws.failures import asking
from onboard.model.events import AwsProfile

# The key that identifies each kind, in the order in which botocore would use it.
# Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
_KINDS = (
    ("role_arn", "assume-role"),
    ("sso_session", "sso"),
    ("sso_start_url", "sso"),
    ("login_session", "login"),
    ("credential_process", "process"),
    ("aws_access_key_id", "keys"),
)


def aws_profiles() -> tuple[tuple[AwsProfile, ...], str]:
    """The profiles in file order, and the name of the one used by default ("" if there is no default).

    Raises AwsError when the configuration cannot be read. The result contains no secret.
    """
    import botocore.session

    with asking("AWS configuration"):
        found: Mapping[str, Mapping[str, Any]] = botocore.session.Session(profile=None).full_config["profiles"]
    named = os.environ.get("AWS_PROFILE", "")
    default = named or ("default" if "default" in found else "")
    return tuple(_profile(name, values) for name, values in found.items()), default


def _profile(name: str, values: Mapping[str, Any]) -> AwsProfile:
    kind = next((kind for key, kind in _KINDS if key in values), "unknown")
    if kind == "assume-role" and "web_identity_token_file" in values:
        kind = "web-identity"
    detail = values.get("role_arn") or values.get("sso_session") or values.get("sso_start_url") or ""
    return AwsProfile(name=name, kind=kind, region=str(values.get("region", "")), detail=str(detail))
