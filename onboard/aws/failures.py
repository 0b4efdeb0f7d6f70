"""Errors of boto3 in words for people. AWS's text about signatures is never shown: it repeats headers with tokens."""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from onboard.aws.answers import SERVER_ERROR, THROTTLED, NotFromAws
from onboard.aws.waits import waiting
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import AwsError
from onboard.model.words import Remedy, Text, foreign, phrase, sh

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

THROTTLES = phrase("AWS throttles the account's requests")
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})

T = TypeVar("T")

GAP = 30.0  # seconds for which a call that AWS does not answer is repeated, so that a short outage does no harm
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0  # seconds

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_UNKNOWN_KEY = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "InvalidToken"}
)
_BAD_SIGNATURE = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"})
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_CLOCK_TEXT = re.compile(r"signature expired|signature not yet current|is now earlier than", re.IGNORECASE)
_NOT_ALLOWED = re.compile(r"not authorized to perform:?\s+(?P<action>[\w-]+:\w+)(?:\s+on resource:?\s+(?P<on>\S+))?")
_BECAUSE = re.compile(r"(?:because |with )(?P<because>.*?(?:deny|allows|boundary).*?)(?:\.\s|\.?$)", re.IGNORECASE)
_LIMIT = re.compile(r"(?<!Request)LimitExceeded|QuotaExceeded|TooManyTags")
_TAG_POLICY = re.compile(r"tag ?polic(y|ies)", re.IGNORECASE)
_TUNNEL = re.compile(r"Tunnel connection failed: (?P<status>\d{3})(?P<reason>[^'\")]*)")
_OPENSSL = re.compile(r"(?:certificate verify failed: |\[SSL: \w+\] )(?P<why>.*?)\.? ?\(_ssl")
_OTHER_NAME = re.compile(r"hostname \S+ doesn't match (either of )?[^\")]+")  # said by urllib3
_BROKE = re.compile(r"EOF occurred|UNEXPECTED_EOF|Connection reset", re.IGNORECASE)
PROXY_LOG_IN = 407  # HTTP status

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

    `call` as IAM names it: `ssm:CreateActivation`. Read its answer inside as well: one that cannot be read, because a
    part is missing, for example, did not come from AWS.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    before, _here.since = _here.since, time.monotonic()
    try:
        with waiting(call):
            yield
    except KeyboardInterrupt:  # stops without waiting for an answer
        raise Cancelled from None
    except ClientError as error:
        raise _refused(call, error) from None
    except BotoCoreError as error:
        raise _not_asked(call, error) from None
    except NotFromAws as error:
        raise _foreign(call, error.status) from None
    except ResponseParserError:
        raise _foreign(call) from None
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
    except (LookupError, TypeError, AttributeError, ValueError):
        if ":" not in call:
            raise  # no answer is read here: a defect
        raise _foreign(call) from None
    except MfaNeeded:
        raise AwsError(
            "the role needs a code from your MFA device",
            where=call,
            code="MfaNeeded",
            remedy="Enter the code when asked, or log in with the AWS CLI first and use those credentials",
        ) from None
    finally:
        _here.since = before


def persistently(ask: Callable[[], T], cancel: CancelToken | None = None) -> T:
    """Call `ask`, which can be repeated safely, again for up to GAP seconds while AWS does not answer or throttles.

    Ends with its last AwsError after that, or once `cancel` stops everything.
    """
    began, pause = time.monotonic(), FIRST_PAUSE
    while True:
        try:
            return ask()
        except AwsError as error:
            if not may_pass(error) or time.monotonic() + pause > began + GAP:
                raise
            with waiting(error.where, since=began, why=error.what):
                if (cancel or CancelToken()).wait_now(pause):
                    raise
        pause = min(pause * 2, LONGEST_PAUSE)


def may_pass(error: AwsError) -> bool:
    """Whether AWS may answer if it is asked again a little later."""
    return error.unanswered or error.code in THROTTLED


def _foreign(call: str, status: int = 0) -> AwsError:
    """Something that is not AWS answered."""
    if status == PROXY_LOG_IN:
        return _proxy_wants_log_in(call, f"{status} Proxy Authentication Required")
    if status >= SERVER_ERROR:
        return AwsError(
            "AWS, or a proxy on the way to it, had an internal error",
            where=call,
            why=Text("The answer has HTTP status {status} and is not in AWS's format", status=status),
            remedy="Wait a few minutes and try again; if it stays, check the proxy, and the endpoint URL if one is set",
            unanswered=True,
        )
    return AwsError(
        "the answer did not come from AWS",
        where=call,
        why=Text(
            "It has HTTP status {status} and is not in AWS's format; it may be a log-in page or a proxy's error page",
            status=status,
        )
        if status
        else "It is not in AWS's format; it may be a log-in page or a proxy's error page",
        remedy="Check the proxy, and the endpoint URL if one is set",
        unanswered=True,
    )


def _proxy_wants_log_in(call: str, said: str) -> AwsError:
    return AwsError(
        "the proxy wants a user name and a password",
        where=call,
        why=Text("It answered: {said}", said=said),
        remedy="Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, or ask for a proxy that needs no log-in",
    )


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
            Remedy(
                "Log in again, then try again; an apply that they stopped continues with apply --resume RUN. "
                "With single sign-on",
                _SSO,
            ),
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
            THROTTLES,
            "This program and others in the account make too many calls at the same time",
            "Wait a minute and try again",
        )
    why = f"{code}: {message}" if code else message
    if _TAG_POLICY.search(code) or _TAG_POLICY.search(message):
        return failed(
            "a tag policy of the organization does not allow these tags",
            why,
            "Correct the tags in the profile (activation.tags, tags of the servers), or ask the organization's "
            "administrators to change the tag policy",
        )
    if _LIMIT.search(code):
        return failed(
            Text("a limit of the account is reached ({code})", code=code),
            why,
            "Delete what is no longer needed, or ask for a higher limit under Service Quotas in the AWS console; "
            "then try again",
        )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status == PROXY_LOG_IN:
        return _proxy_wants_log_in(call, f"{status} Proxy Authentication Required")
    if status >= SERVER_ERROR:
        remedy = "Wait a few minutes and try again; https://health.aws.amazon.com shows larger outages"
        return AwsError("AWS had an internal error", where=call, why=why, remedy=remedy, code=code, unanswered=True)
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

    def failed(what: str, why: str, remedy: str, *, unanswered: bool = False) -> AwsError:
        return AwsError(what, where=call, why=why, remedy=remedy, unanswered=unanswered)

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
            return _proxy_failed(call, str(error), str(details.get("error", "")))
        case boto.SSLError() if not _BROKE.search(str(error)):
            return failed(
                Text("the connection to {endpoint} is not trusted", endpoint=endpoint), *_tls_words(str(error))
            )
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError() | boto.ReadTimeoutError():
            return failed(
                Text("{endpoint} cannot be reached", endpoint=endpoint),
                "It did not answer; name resolution, a route, a firewall or a proxy may be the cause",
                "Check the Region's name, the network, HTTPS_PROXY and, if one is set, the endpoint URL",
                unanswered=True,
            )
        case boto.HTTPClientError() | boto.ConnectionError():
            remedy = "Check the network, then try again"
            return failed("the connection to AWS broke", "", remedy, unanswered=True)
        case boto.NoRegionError():
            return failed("no Region is set", "", "Set region.name")
        case _:
            return failed("AWS could not be asked", str(error), "")


def _proxy_failed(call: str, message: str, said: str) -> AwsError:
    """The proxy did not connect to AWS. `said`: the HTTP library's error, which has the proxy's answer."""
    refused = _TUNNEL.search(said)
    if refused is None:
        return AwsError(
            "the proxy cannot be reached",
            where=call,
            why=message,
            remedy="Correct HTTPS_PROXY, or NO_PROXY for AWS's hosts",
            unanswered=True,
        )
    answer = f"{refused['status']}{refused['reason']}".strip()
    if int(refused["status"]) == PROXY_LOG_IN:
        return _proxy_wants_log_in(call, answer)
    return AwsError(
        "the proxy refuses to connect to AWS",
        where=call,
        why=Text("It answered: {said}", said=answer),
        remedy="Have AWS's hosts allowed on the proxy, or correct HTTPS_PROXY, or NO_PROXY for AWS's hosts",
        unanswered=int(refused["status"]) >= SERVER_ERROR,
    )


def _tls_words(said: str) -> tuple[str, str]:
    """Why and remedy, from OpenSSL's message about a connection that it refused."""
    found, other_name = _OPENSSL.search(said), _OTHER_NAME.search(said)
    why = other_name[0].strip() if other_name else found["why"].strip() if found else ""
    low = why.lower()
    if "expired" in low or "not yet valid" in low:
        cause = "the certificate is out of date, or this computer's clock is wrong"
        remedy: str = Remedy("Check the clock; if it is right, the certificate must be renewed", _SET_CLOCK)
    elif other_name or "mismatch" in low or "not valid for" in low:
        cause = "the certificate is for another host, so something else answers there"
        remedy = "Check the endpoint URL, name resolution and HTTPS_PROXY"
    elif "wrong version" in low or "record layer" in low:
        cause = "what answers there does not speak TLS"
        remedy = "Check whether the endpoint URL and HTTPS_PROXY begin with the right scheme, http or https"
    else:
        cause = "its certificate is not trusted here: a proxy inspects TLS, or the root certificates are out of date"
        remedy = "Put the proxy's CA certificate in a file and name it in AWS_CA_BUNDLE"
    if not why:
        return cause[0].upper() + cause[1:], remedy
    return Text("TLS says: {said}. That is, {cause}", said=why, cause=cause), remedy
