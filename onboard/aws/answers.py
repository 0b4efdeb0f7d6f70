"""How a client sends its requests: what counts as an answer of AWS, and what is sent again after a failure.

boto3 repeats every request that failed, even one that AWS may have carried out although its answer was lost, and takes
a proxy's page with status 200 for an empty answer. Clients made by `onboard.aws.session` use these rules instead.
"""

import json
import random
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import OperationModel

CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 15  # seconds
RETRIES = 2  # after the first try; loops that wait longer do their own waiting, which can be cancelled
LIMIT = 20.0  # seconds after the first request of a call, from which on it is not sent again

# Sent once: if the answer is lost, these may have been carried out, and sending them again would do it twice.
ONCE = frozenset({"CreateActivation", "CreateRole", "SendCommand"})
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

_FOREIGN = "OnboardForeignStatus"  # key in a parsed answer that did not come from AWS
_BEGAN = "onboard_began"
_GOOD = range(200, 300)


class NotFromAws(Exception):
    """Something that is not AWS answered: a proxy's page, for instance. `status`: HTTP status of its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def follow_rules(client: Any) -> None:
    """Make a client use these rules. It must have been made without retries of its own (total_max_attempts=1)."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-call.{service}", _begin)
    client.meta.events.register(f"before-parse.{service}", _mark_foreign)
    client.meta.events.register(f"needs-retry.{service}", _seconds_until_next)
    client.meta.events.register(f"after-call.{service}", _refuse_foreign)


def _begin(params: dict[str, Any], **_: Any) -> None:
    params["context"][_BEGAN] = time.monotonic()


def _mark_foreign(
    operation_model: "OperationModel",
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: Any,
) -> None:
    """Mark an answer that is not AWS's. Its body is replaced, because boto3 fails while it reads some of them."""
    if _is_from_aws(operation_model, response_dict):
        return
    customized_response_dict[_FOREIGN] = response_dict["status_code"]
    response_dict["status_code"], response_dict["body"] = SERVER_ERROR, b""


def _is_from_aws(operation: "OperationModel", answer: Mapping[str, Any]) -> bool:
    status, body = answer["status_code"], answer["body"]
    protocol = operation.service_model.resolved_protocol
    if not isinstance(body, bytes):  # a stream
        return True
    if status not in _GOOD and not body:
        return True  # the status says everything
    if protocol in ("json", "rest-json"):
        return _is_json_of_aws(operation, answer, good=status in _GOOD)
    if protocol in ("query", "ec2"):
        root = f"{operation.name}Response" if status in _GOOD else "(ErrorResponse|Response)"
        return re.search(rf"<{root}[\s>]".encode(), body[:1000]) is not None
    return True


def _is_json_of_aws(operation: "OperationModel", answer: Mapping[str, Any], *, good: bool) -> bool:
    try:
        content = json.loads(answer["body"] or b"{}")
    except (ValueError, RecursionError):
        return False
    if not isinstance(content, dict):
        return False
    if not good:
        return True
    members = operation.output_shape.members if operation.output_shape else {}
    if members:
        return any(name in content for name in members)
    return "x-amzn-requestid" in {name.lower() for name in answer["headers"]}  # an empty answer has nothing else


def _refuse_foreign(parsed: Mapping[str, Any], **_: Any) -> None:
    status = parsed.get(_FOREIGN)
    if status is not None:
        raise NotFromAws(status)


def _seconds_until_next(
    response: tuple[Any, Mapping[str, Any]] | None,
    operation: "OperationModel",
    attempts: int,
    caught_exception: Exception | None,
    request_dict: Mapping[str, Any],
    **_: Any,
) -> float | None:
    """Seconds until the request is sent again; None if it is not."""
    if attempts > RETRIES or time.monotonic() - request_dict["context"].get(_BEGAN, 0.0) >= LIMIT:
        return None
    refused = _was_not_carried_out(response, caught_exception)
    if not (refused or (operation.name not in ONCE and _may_pass(response, caught_exception))):
        return None
    return random.random() * float(2 ** (attempts - 1))  # noqa: S311 - spreads clients, as boto3 does


def _was_not_carried_out(response: tuple[Any, Mapping[str, Any]] | None, error: Exception | None) -> bool:
    """Whether AWS certainly did nothing, and may do it if it is asked again."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    if response is None:
        return isinstance(error, EndpointConnectionError | ConnectTimeoutError)
    return response[1].get("Error", {}).get("Code") in THROTTLED


def _may_pass(response: tuple[Any, Mapping[str, Any]] | None, error: Exception | None) -> bool:
    from botocore.exceptions import ConnectionError as NotConnected
    from botocore.exceptions import HTTPClientError

    if response is None:
        return isinstance(error, HTTPClientError | NotConnected)
    http, parsed = response
    return http.status_code >= SERVER_ERROR or _FOREIGN in parsed
