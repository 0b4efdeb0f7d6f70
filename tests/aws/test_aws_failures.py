"""What people read when AWS refuses."""

import traceback

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from onboard.aws.answers import NotFromAws
from onboard.aws.failures import MfaNeeded, asking
from onboard.model.errors import AwsError


def told(error: Exception, call: str = "ssm:CreateActivation") -> AwsError:
    with pytest.raises(AwsError) as caught, asking(call):
        raise error
    return caught.value


def refused(code: str, message: str = "", operation: str = "CreateActivation") -> AwsError:
    return told(ClientError({"Error": {"Code": code, "Message": message}}, operation))


@pytest.mark.parametrize(
    ("code", "message", "what", "remedy"),
    [
        ("ExpiredTokenException", "The security token included in the request is expired", "expired", "aws sso login"),
        ("InvalidClientTokenId", "", "does not know these credentials", "opt-in"),
        ("UnrecognizedClientException", "", "does not know these credentials", "Region"),
        ("SignatureDoesNotMatch", "The request signature we calculated", "secret access key is wrong", "again"),
        ("InvalidSignatureException", "Signature expired: 2026 is now earlier than 2026", "clock", "timedatectl"),
        ("SignatureDoesNotMatch", "Signature not yet current: 2026", "clock", "timedatectl"),
        ("RequestTimeTooSkewed", "", "clock", "timedatectl"),
        ("ThrottlingException", "Rate exceeded", "throttles", "Wait"),
        ("OptInRequired", "You are not subscribed", "not enabled", "Enable"),
        (
            "TagPolicyViolation",
            "The tag policy does not allow x for team",
            "tag policy",
            "Correct the tags",
        ),
        ("ValidationException", "Tag policies do not allow team", "tag policy", "Correct the tags"),
        ("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", "limit", "Service Quotas"),
        ("ServiceQuotaExceededException", "Too many", "limit", "Service Quotas"),
        ("TooManyTagsError", "50", "limit", "Delete"),
        ("RequestLimitExceeded", "", "throttles", "Wait"),
        ("ExpiredToken", "The security token included in the request is expired", "expired", "--resume"),
    ],
)
def test_refusals(code: str, message: str, what: str, remedy: str) -> None:
    error = refused(code, message)
    assert what in error.what
    assert remedy in error.remedy
    assert (error.code, error.where) == (code, "ssm:CreateActivation")


def test_trouble_of_aws_itself_is_told_apart() -> None:
    answer = {"Error": {"Code": "ServiceUnavailable"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
    error = told(ClientError(answer, "CreateActivation"))  # type: ignore[arg-type]
    assert "an internal error" in error.what
    assert "Wait" in error.remedy


def test_a_missing_permission_is_named() -> None:
    error = refused(
        "AccessDeniedException",
        "User: arn:aws:iam::1:user/me is not authorized to perform: iam:PassRole on resource: "
        "arn:aws:iam::1:role/X because no identity-based policy allows the iam:PassRole action",
    )
    assert error.what == "permission iam:PassRole is missing"
    assert error.remedy == "Allow iam:PassRole on arn:aws:iam::1:role/X for the identity that Onboard uses"
    assert "no identity-based policy" in error.why


@pytest.mark.parametrize(
    ("message", "because"),
    [
        (
            "User: x is not authorized to perform: iam:GetRole because no identity-based policy allows the iam:GetRole",
            "no identity-based policy allows the iam:GetRole",
        ),
        (
            "x is not authorized to perform: ssm:SendCommand with an explicit deny in a policy: arn:aws:o::1:p/1. Ask.",
            "an explicit deny in a policy: arn:aws:o::1:p/1",
        ),
    ],
)
def test_why_it_is_denied_is_said_to_its_end(message: str, because: str) -> None:
    assert refused("AccessDeniedException", message).why == f"AWS says: {because}"


def test_an_explicit_deny_is_told_apart() -> None:
    error = refused(
        "AccessDenied",
        "User: x is not authorized to perform: ssm:CreateActivation with an explicit deny in a service control policy",
    )
    assert "denies ssm:CreateActivation" in error.remedy
    assert "explicit deny in a service control policy" in error.why


def test_a_denial_without_details_names_the_call() -> None:
    assert refused("AccessDenied").what == "permission ssm:CreateActivation is missing"


def test_what_fails_while_credentials_are_fetched_is_named() -> None:
    assert refused("AccessDenied", operation="AssumeRole").where == "sts:AssumeRole"


def test_text_about_signatures_is_never_repeated() -> None:
    message = "The Canonical String should have been 'x-amz-security-token:canary-7aa1'"
    for code in ("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"):
        error = refused(code, message)
        everything = "".join(traceback.format_exception(error)) + repr(error) + str(error)
        assert "canary-7aa1" not in everything


def test_other_refusals_repeat_what_aws_says() -> None:
    error = refused("ValidationException", "Nonexistent role")
    assert error.why == "ValidationException: Nonexistent role"


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (NoCredentialsError(), "no AWS credentials"),
        (PartialCredentialsError(provider="env", cred_var="x"), "no AWS credentials"),
        (ProfileNotFound(profile="me"), "no AWS profile 'me'"),
        (UnauthorizedSSOTokenError(), "log-in has expired"),
        (CredentialRetrievalError(provider="custom-process", error_msg="canary-9"), "could not be fetched"),
        (ProxyConnectionError(proxy_url="http://proxy:3128", error="x"), "proxy cannot be reached"),
        (SSLError(endpoint_url="https://x", error="x"), "the connection to https://x is not trusted"),
        (ConnectTimeoutError(endpoint_url="https://x"), "https://x cannot be reached"),
        (BotoCoreError(), "could not be asked"),
        (ResponseParserError("canary-9"), "not come from AWS"),
        (NotFromAws(407), "the proxy wants a user name"),
        (NotFromAws(200), "not come from AWS"),
        (NotFromAws(502), "a proxy on the way"),
        (MfaNeeded(), "MFA"),
    ],
)
def test_nothing_answered(error: Exception, what: str) -> None:
    translated = told(error)
    assert what in translated.what
    assert "canary-9" not in str(translated)


def test_what_is_no_error_of_boto3_passes() -> None:
    with pytest.raises(KeyError), asking("x"):
        raise KeyError("bug")
