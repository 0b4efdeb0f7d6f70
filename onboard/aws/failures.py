"""Errors of boto3 in words for people. AWS's text about signatures is never shown: it repeats headers with tokens."""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from onboard.model.cancel import Cancelled
from onboard.model.errors import AwsError
from onboard.model.words import Remedy, Text, foreign, sh

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)
SERVER_ERROR = 500  # HTTP statuses from here on are not caused by the caller
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_UNKNOWN_KEY = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "InvalidToken"}
)
_BAD_SIGNATURE = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"})
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_CLOCK_TEXT = re.compile(r"signature expired|signature not yet current|is now earlier than", re.IGNORECASE)
_NOT_ALLOWED = re.compile(r"not authorized to perform:?\s+(?P<action>[\w-]+:\w+)(?:\s+on resource:?\s+(?P<on>\S+))?")
_BECAUSE = re.compile(r"(?:because |with )(?P<because>[^.:]*(?:deny|allows|boundary)[^.:]*)", re.IGNORECASE)

_SSO, _CONFIGURE = sh("aws", "sso", "login"), sh("aws", "configure")
_SET_CLOCK = sh("w32tm", "/resync") if sys.platform == "win32" else sh("sudo", "timedatectl", "set-ntp", "true")


class MfaNeeded(Exception):
    """The role to assume needs an MFA code, and there is nobody to ask for it."""


class _Here(threading.local):
    since: float | None = None


_here = _Here()


def asking_for() -> float:
    """How many seconds this thread has been waiting for AWS; 0 if it is not waiting. Safe in a signal handler."""
    return 0.0 if _here.since is None else time.monotonic() - _here.since


@contextmanager
def asking(call: str) -> Iterator[None]:
    """Turn what boto3 raises inside into AwsError, KeyboardInterrupt into Cancelled.

    `call` as IAM names it: `ssm:CreateActivation`.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    before, _here.since = _here.since, time.monotonic()
    try:
        yield
    except KeyboardInterrupt:  # stops without waiting for an answer
        raise Cancelled from None
    except ClientError as error:
        raise _refused(call, error) from None
    except BotoCoreError as error:
        raise _not_asked(call, error) from None
    except ResponseParserError:
        raise AwsError(
            "the answer did not come from AWS",
            where=call,
            why="It is not in AWS's format; it may be a log-in page or a proxy's error page",
            remedy="Check the proxy, and the endpoint URL if one is set",
        ) from None
    except (OSError, json.JSONDecodeError) as error:  # botocore wraps all of these except those of a credential_process
        did = (
            Text(
                "The credential_process of the AWS configuration could not be started: {reason}", reason=error.strerror
            )
            if isinstance(error, OSError)
            else Text("The credential_process of the AWS configuration did not print JSON")
        )
        raise AwsError(
            "the credentials could not be fetched",
            where=call,
            why=did,
            remedy="Run it by hand; it must print the credentials as JSON in the format that AWS documents",
        ) from None
    except MfaNeeded:
        raise AwsError(
            "the role needs a code from your MFA device",
            where=call,
            code="MfaNeeded",
            remedy="Enter the code when asked, or log in with the AWS CLI first and use those credentials",
        ) from None
    finally:
        _here.since = before


def _refused(call: str, error: "ClientError") -> AwsError:
    """AWS answered with an error."""
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    service = call.partition(":")[0]
    made = error.operation_name  # differs from `call` where credentials are fetched first: AssumeRole
    if made and call != f"{service}:{made}" and made.startswith(("AssumeRole", "GetRoleCredentials", "CreateToken")):
        call = f"sts:{made}"

    def failed(what: str, why: str, remedy: str) -> AwsError:
        return AwsError(what, where=call, why=why, remedy=remedy, code=code)

    if code in _CLOCK or (code in _BAD_SIGNATURE and _CLOCK_TEXT.search(message)):
        return failed(
            "this computer's clock is wrong",
            "AWS refuses requests whose time differs from its own by more than 5 minutes",
            Remedy("Correct the clock, then try again", _SET_CLOCK),
        )
    if code in _EXPIRED:
        return failed(
            "the credentials have expired",
            "They were temporary credentials",
            Remedy("Log in again, then try again. With single sign-on", _SSO),
        )
    if code in _BAD_SIGNATURE:
        return failed(
            "the secret access key is wrong",
            "AWS knows the access key id, but the signature made with the secret key does not match",
            "Enter the secret access key again, without blanks or quotes around it",
        )
    if code in _UNKNOWN_KEY:
        return failed(
            "AWS does not know these credentials here",
            "The access key is wrong, deleted or inactive, a session token is missing, the Region is not enabled in "
            "the account, or it belongs to another partition (China, GovCloud)",
            "Check the key and the Region; enable opt-in Regions under Account in the AWS console",
        )
    if code == "OptInRequired":
        return failed(
            "the Region or service is not enabled in this account",
            message,
            "Enable it under Account in the AWS console, or choose another Region",
        )
    if code in DENIED:
        return failed(*_denied(call, message))
    if code in THROTTLED:
        return failed(
            "AWS throttles the account's requests",
            "This program and others in the account make too many calls at the same time",
            "Wait a minute and try again",
        )
    why = f"{code}: {message}" if code else message
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= SERVER_ERROR:
        remedy = "Wait a few minutes and try again; https://health.aws.amazon.com shows larger outages"
        return failed("AWS had an internal error", why, remedy)
    return failed("AWS refused", why, "")


def _denied(call: str, message: str) -> tuple[str, str, str]:
    """What, why and remedy for a missing permission."""
    found = _NOT_ALLOWED.search(message)
    action = found["action"] if found else call
    resource = f" on {found['on'].rstrip('.')}" if found and found["on"] else ""
    because = _BECAUSE.search(message)
    why = Text("AWS says: {because}", because=because["because"].strip()) if because else ""
    if "explicit deny" in message:
        remedy = Text("A policy denies {action}; ask the account's administrators to change it", action=action)
    else:
        remedy = Text("Allow {what} for the identity that Onboard uses", what=f"{action}{resource}")
    return Text("permission {action} is missing", action=action), why, remedy


def _not_asked(call: str, error: "BotoCoreError") -> AwsError:
    """boto3 found no credentials, or nothing answered."""
    from botocore import exceptions as boto

    def failed(what: str, why: str, remedy: str) -> AwsError:
        return AwsError(what, where=call, why=why, remedy=remedy)

    details = getattr(error, "kwargs", {})
    endpoint = str(details.get("endpoint_url", ""))
    match error:
        case boto.NoCredentialsError() | boto.PartialCredentialsError():
            return failed(
                "no AWS credentials were found",
                "Neither the environment, ~/.aws nor single sign-on has complete credentials",
                Remedy(
                    "Name a profile in aws.profile, or log in: with single sign-on, or with an access key",
                    _SSO,
                    _CONFIGURE,
                ),
            )
        case boto.ProfileNotFound():
            return failed(
                Text("there is no AWS profile {profile}", profile=repr(details.get("profile", ""))),
                "~/.aws/config and ~/.aws/credentials do not contain it",
                Remedy(
                    "Correct aws.profile or AWS_PROFILE, or create it",
                    sh("aws", "configure", "--profile", foreign(str(details.get("profile", "")))),
                ),
            )
        case boto.SSOError() | boto.TokenRetrievalError() | boto.NoAuthTokenError() | boto.LoginError():
            return failed(
                "you are not logged in, or the log-in has expired",
                "Single sign-on has no valid token",
                Remedy("Log in, then try again", _SSO),
            )
        case boto.RefreshWithMFAUnsupportedError():
            return failed("the credentials have expired", "Renewing them needs an MFA code", "Run Onboard again")
        case boto.CredentialRetrievalError():
            provider = str(details.get("provider", "unknown"))
            return failed(
                "the credentials could not be fetched",
                Text(
                    "Their source failed: {source}",
                    source="credential_process" if provider == "custom-process" else provider,
                ),
                Remedy(
                    "Send the same request with the AWS CLI to see its message", sh("aws", "sts", "get-caller-identity")
                ),
            )
        case boto.ProxyConnectionError():
            return failed("the proxy cannot be reached", str(error), "Correct HTTPS_PROXY, or NO_PROXY for AWS's hosts")
        case boto.SSLError():
            return failed(
                Text("the connection to {endpoint} is not trusted", endpoint=endpoint),
                "Its certificate is not trusted here: a proxy inspects TLS, or the root certificates are out of date",
                "Put the proxy's CA certificate in a file and name it in AWS_CA_BUNDLE",
            )
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError() | boto.ReadTimeoutError():
            return failed(
                Text("{endpoint} cannot be reached", endpoint=endpoint),
                "It did not answer; name resolution, a route, a firewall or a proxy may be the cause",
                "Check the Region's name, the network, HTTPS_PROXY and, if one is set, the endpoint URL",
            )
        case boto.HTTPClientError() | boto.ConnectionError():
            return failed("the connection to AWS broke", "", "Check the network, then try again")
        case boto.NoRegionError():
            return failed("no Region is set", "", "Set region.name")
        case _:
            return failed("AWS could not be asked", str(error), "")
