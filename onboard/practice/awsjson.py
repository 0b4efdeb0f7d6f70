"""The AWS JSON 1.1 protocol of Systems Manager: errors, validation and pages.

Limits come from botocore's model of the service, so that they are AWS's own and not a copy.
Source of the wording: answers from AWS; of the shapes: botocore's ssm/service-2.json.
"""

import base64
import binascii
import functools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

Item = TypeVar("Item")

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "long": int, "boolean": bool, "timestamp": (int, float, str),
    "list": list, "structure": dict, "map": dict,
}  # fmt: skip


class AwsError(Exception):
    """An error answer: AWS's code, its text and the HTTP status."""

    def __init__(self, code: str, message: str | None = None, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status

    def as_json(self) -> bytes:
        """The body that AWS sends; some errors have no message."""
        body = {"__type": self.code} if self.message is None else {"__type": self.code, "message": self.message}
        return json.dumps(body).encode()


def validation_error(*problems: str) -> AwsError:
    """ValidationException over the problems found, as AWS words it."""
    found = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
    return AwsError("ValidationException", f"{found} detected: {'; '.join(problems)}")


@functools.cache
def _ssm_model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("ssm", "service-2"))


def validate(operation: str, request: Any) -> None:
    """Raise ValidationException unless `request` is within the limits of the operation's model."""
    shape = _ssm_model().operation_model(operation).input_shape
    if shape is None:
        return
    problems = list(_problems(shape, request, ""))
    if problems:
        raise validation_error(*problems)


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not _has_type(value, shape.type_name):
        raise AwsError("SerializationException", f"{path or 'body'} must be of type {shape.type_name}")
    size = value if shape.type_name in ("integer", "long") else len(value) if hasattr(value, "__len__") else None
    for constraint in _broken_constraints(shape, value, size):
        shown = "***" if shape.metadata.get("sensitive") else _shown(value)
        yield f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            inner = f"{path}.{_lower_first(name)}" if path else _lower_first(name)
            if value.get(name) is not None:
                yield from _problems(member, value[name], inner)
            elif name in shape.required_members:
                yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _problems(shape.value, item, f"{path}.{key}.member")


def _has_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES.get(name, object))


def _broken_constraints(shape: Shape, value: Any, size: int | float | None) -> Iterator[str]:
    what = "value" if shape.type_name in ("integer", "long") else "length"
    limits = shape.metadata
    if size is not None and shape.type_name != "timestamp":
        if "min" in limits and size < limits["min"]:
            yield f"have {what} greater than or equal to {limits['min']}"
        if "max" in limits and size > limits["max"]:
            yield f"have {what} less than or equal to {limits['max']}"
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"satisfy enum value set: [{', '.join(shape.enum)}]"
    if "pattern" in limits and not _pattern(limits["pattern"]).search(value):
        yield f"satisfy regular expression pattern: {limits['pattern']}"


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    # Python's re has no \p{…}. Every pattern of the model that uses it allows letters, numbers and "_" together.
    spaces = " \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", spaces)):
        text = text.replace(java, python)
    return re.compile(text)


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


def page(items: Sequence[Item], request: dict[str, Any], default: int) -> tuple[Sequence[Item], dict[str, str]]:
    """The page of `items` that a request asks for, and {"NextToken": …} if there are more.

    Raises InvalidNextToken for a token that no answer contained.
    """
    start = _offset(request["NextToken"]) if request.get("NextToken") else 0
    end = start + int(request.get("MaxResults") or default)
    more = {"NextToken": _token(end)} if end < len(items) else {}
    return items[start:end], more


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(b"practice:%d" % offset).decode()


def _offset(token: str) -> int:
    try:
        plain = base64.urlsafe_b64decode(token.encode())
        prefix, _, number = plain.partition(b":")
        if prefix == b"practice":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise AwsError("InvalidNextToken", "The specified token isn't valid.")


def parsed_json(text: str | bytes) -> Any:
    """Parse JSON; raises SerializationException."""
    try:
        return json.loads(text)
    except ValueError:
        raise AwsError("SerializationException") from None
