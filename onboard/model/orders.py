"""What the window says to the engine child: frozen values, one JSON object a line.

An order starts a command. Its JSON has `id` (a number, which the command's events carry), `do` (see ORDERS), `path` and
`profile` (what the command works on) and the order's own fields. A control concerns an order that runs or waits: its
JSON has `do` (see CONTROLS) and its fields, `number` as `id`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from onboard.model.errors import OnboardError
from onboard.model.plan import Plan as Planned
from onboard.model.profile import Profile

_SHOWN = 3  # mistakes of one order that are reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Base of all orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Order):
    """Whose account it is, and which permissions are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Order):
    """The service role and the activations that would be needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions(Order):
    """Measure the Regions from this computer, and from the servers with these names."""

    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust(Order):
    """Read the servers' host keys.

    `approve`: server → fingerprint of the key that a person has looked at. `known_hosts`: a file with keys to approve.
    """

    approve: Mapping[str, str] = field(default_factory=dict)
    known_hosts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Order):
    """Try the connection to the server with this name."""

    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Order):
    """Check every server. `only` names the checks wanted; all when empty."""

    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Order):
    """Say what apply would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Order):
    """Onboard the servers. `plan` is what was approved; `resume` the id of a run that goes on, "" for a new one."""

    plan: Planned | None = None
    resume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Order):
    """Take back what a run changed."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPreview(Order):
    """Say what undoing a run would touch."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs(Order):
    """List earlier runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRun(Order):
    """Replay an earlier run; "" for the profile's last one."""

    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Order):
    """Write the report of a run to `file`. `format` is html, csv or json."""

    run: str
    format: str
    file: str


ORDERS: Mapping[str, type[Order]] = {
    "account": Account,
    "apply": Apply,
    "check": Check,
    "plan": Plan,
    "preview": Preview,
    "probe": Probe,
    "regions": Regions,
    "report": Report,
    "runs": Runs,
    "show_run": ShowRun,
    "trust": Trust,
    "undo": Undo,
    "undo_preview": UndoPreview,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An order as it was given: its number, and the profile and its file ("" for none) that it is about."""

    number: int
    order: Order
    profile: Profile = field(default_factory=Profile)
    path: str = ""

    def to_json(self) -> str:
        """One line. pydantic writes thousands of servers faster than json."""
        parts = {"id": str(self.number), "do": json.dumps(name_of(self.order)), "path": json.dumps(self.path)}
        parts["profile"] = self.profile.model_dump_json(by_alias=True)
        head = ", ".join(f'"{key}": {value}' for key, value in parts.items())
        # Names in a plan from a saved file are plain text: no reason for a warning.
        own = _adapter(name_of(self.order)).dump_json(self.order, warnings=False).decode()[1:-1]
        return f"{{{head}{', ' if own else ''}{own}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Base of what concerns an order that runs or waits."""

    def to_json(self) -> str:
        fields = _adapter(_CONTROL_NAMES[type(self)]).dump_python(self)
        return json.dumps({"do": _CONTROL_NAMES[type(self)], **{_key(name): fields[name] for name in fields}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Control):
    """Base of those that stop or pause the order of this number."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Hold):
    """Let what is under way finish, and start nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopNow(Hold):
    """Break off what is under way, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Hold):
    """Start nothing new until GoOn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOn(Hold):
    """End a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretAnswer(Control):
    """The answer to SecretWanted. `value`: None when there is none. `keep`: store it in this computer's keyring."""

    name: str
    value: str | None = field(repr=False)
    keep: bool = False


CONTROLS: Mapping[str, type[Control]] = {
    "stop": Stop,
    "stop_now": StopNow,
    "pause": Pause,
    "go_on": GoOn,
    "secret": SecretAnswer,
}
_ORDER_NAMES = {kind: name for name, kind in ORDERS.items()}
_CONTROL_NAMES = {kind: name for name, kind in CONTROLS.items()}


class NotAnOrder(OnboardError):
    """What was given cannot be carried out as an order. `number` is its id, None where it has none."""

    def __init__(self, what: str, *, number: int | None = None, where: str = "", why: str = "") -> None:
        super().__init__(what, where=where, why=why, remedy="Use a window and an engine of the same version")
        self.number = number


def name_of(order: Order) -> str:
    """The command that it starts."""
    return _ORDER_NAMES[type(order)]


def from_json(line: str) -> Ordered | Control:
    """The order or control of a line. Raises NotAnOrder, which repeats no value of the line: one may be a secret."""
    try:
        given = json.loads(line)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise NotAnOrder("A line is not a JSON object")
    number = given["id"] if type(given.get("id")) is int else None
    name = str(given.get("do"))
    try:
        if name in CONTROLS:
            control: Control = _adapter(name).validate_python(_fields(given, CONTROLS[name]))
            return control
        if name not in ORDERS:
            raise NotAnOrder(f"The engine has no command {name[:40]}", number=number)
        if number is None:
            raise NotAnOrder("An order has no id", where=name)
        order = _adapter(name).validate_python(_fields(given, ORDERS[name]))
        profile = Profile.model_validate(given.get("profile") or {})
    except ValidationError as error:
        raise NotAnOrder("An order cannot be read", number=number, where=name, why=_mistakes(error)) from None
    return Ordered(number=number, order=order, profile=profile, path=str(given.get("path", "")))


def _mistakes(error: ValidationError) -> str:
    mistakes = error.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in mistakes[:_SHOWN])


def _fields(given: Mapping[str, Any], kind: type[Order | Control]) -> dict[str, Any]:
    return {name: given[_key(name)] for name in kind.__dataclass_fields__ if _key(name) in given}


def _key(name: str) -> str:
    return "id" if name == "number" else name


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter({**ORDERS, **CONTROLS}[name])
