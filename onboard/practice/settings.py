"""The practice cloud's settings: faults to switch on, and the clock that it uses.

Tests set them in process; other processes send them as JSON to POST /practice/settings.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onboard.practice.faults import Fault, FaultKind

AGENT_VERSIONS = ("3.3.4851.0", "3.3.4793.0", "3.3.4624.0")


@dataclass(slots=True)
class Throttle:
    """Makes one operation answer "Rate exceeded".

    `next_calls` refuses that many calls and then ends; `per_second` permanently limits the calls per second.
    """

    next_calls: int = 0
    per_second: float | None = None
    _allowance: float = field(default=0.0, repr=False)
    _seen: float | None = field(default=None, repr=False)

    def refuses(self, now: float) -> bool:
        """Whether a call made at `now` (seconds) is refused; counts the call."""
        if self.next_calls > 0:
            self.next_calls -= 1
            return True
        if self.per_second is None:
            return False
        capacity = max(1.0, self.per_second)
        elapsed = capacity if self._seen is None else max(0.0, now - self._seen) * self.per_second
        self._seen = now
        self._allowance = min(capacity, self._allowance + elapsed)
        if self._allowance < 1:
            return True
        self._allowance -= 1
        return False


@dataclass(slots=True)
class Settings:
    """What can be changed while the cloud runs. Times are in seconds."""

    clock: Callable[[], float] = time.time
    """Returns seconds since the epoch; tests can replace it."""
    clock_offset_s: float = 0.0
    """Added to the clock, to advance expiry, heartbeats and time limits without waiting."""
    role_delay_s: float = 0.0
    """How long a new role is "Nonexistent role", to simulate IAM's eventual consistency."""
    heartbeat_limit_s: float = 600.0
    """A node without a report for longer than this is ConnectionLost; agents report every 300 s."""
    poll_hold_s: float = 20.0
    """How long GetMessages waits for a message before it returns an empty answer."""
    standard_tier_nodes: int = 1000
    """Nodes an account may have in a Region before it needs the advanced tier."""
    agent_versions: tuple[str, ...] = AGENT_VERSIONS
    """Agent versions in AWS's bucket, newest first; the first is both latest and stable."""
    break_download_after: int | None = None
    """The next download of a package ends early, after this many bytes, once."""
    ssmmessages: bool = True
    """Whether agents get a control channel; if not, an open one is closed when a command is sent, and AWS's denial of
    the next one sends the agent to ec2messages."""
    ec2messages: bool = True
    """Whether agents can poll for messages; Regions launched in 2024 or later do not offer it."""
    throttles: dict[str, Throttle] = field(default_factory=dict)
    """Operation name, or "*" for those not named → how it is throttled."""
    faults: dict[str, Fault] = field(default_factory=dict)
    """Operation name, or "*" for those not named, agents' calls excepted → what becomes of its calls."""

    def now(self) -> float:
        """The cloud's time in seconds since the epoch."""
        return self.clock() + self.clock_offset_s

    def throttled(self, operation: str) -> bool:
        """Whether this call of `operation` is refused with "Rate exceeded"; counts the call."""
        throttle = self.throttles.get(operation) or self.throttles.get("*")
        return throttle is not None and throttle.refuses(self.now())

    def fault_of(self, operation: str, *, by_agent: bool) -> FaultKind | None:
        """What becomes of this call of `operation`, None if nothing special; counts the call."""
        fault = self.faults.get(operation) or (None if by_agent else self.faults.get("*"))
        return fault.kind if fault is not None and fault.befalls(operation) else None

    def answered(self, operation: str) -> None:
        """Take note that a call of `operation` was answered."""
        for fault in self.faults.values():
            fault.answered(operation)

    def update(self, changes: Mapping[str, Any]) -> None:
        """Apply settings from JSON: all of them, or none.

        `throttles` is {operation: {"next_calls": N, "per_second": X} or null}, `faults` is
        {operation: {"kind": "lost", "calls": N, "after": operation} or null}; the channels are true or false;
        the rest are numbers.
        Raises ValueError that names what is wrong.
        """
        changed: dict[str, Any] = {}
        for name, value in changes.items():
            if name == "throttles":
                changed[name] = self._throttles_with(value)
            elif name == "faults":
                changed[name] = self._faults_with(value)
            elif name == "break_download_after" and value is None:
                changed[name] = None
            elif name in _SWITCHES:
                if not isinstance(value, bool):
                    raise ValueError(f"{name!r} must be true or false, not {value!r}")
                changed[name] = value
            elif name in _WHOLE_NUMBERS or name in _SECONDS:
                changed[name] = _number(name, value, int if name in _WHOLE_NUMBERS else float)
            else:
                raise ValueError(f"unknown setting {name!r}")
        for name, value in changed.items():
            setattr(self, name, value)

    def _throttles_with(self, changes: Any) -> dict[str, Throttle]:
        if not isinstance(changes, Mapping):
            raise ValueError("'throttles' must be an object")
        throttles = dict(self.throttles)
        for operation, wanted in changes.items():
            throttles.pop(operation, None)
            if wanted is None:
                continue
            if not isinstance(wanted, Mapping) or set(wanted) - {"next_calls", "per_second"}:
                raise ValueError(f"throttle of {operation!r} takes next_calls and per_second")
            rate = wanted.get("per_second")
            throttles[operation] = Throttle(
                next_calls=int(_number("next_calls", wanted.get("next_calls", 0), int)),
                per_second=None if rate is None else float(_number("per_second", rate, float)),
            )
        return throttles

    def _faults_with(self, changes: Any) -> dict[str, Fault]:
        if not isinstance(changes, Mapping):
            raise ValueError("'faults' must be an object")
        faults = dict(self.faults)
        for operation, wanted in changes.items():
            faults.pop(operation, None)
            if wanted is not None:
                faults[operation] = _fault(operation, wanted)
        return faults

    def as_json(self) -> dict[str, Any]:
        """The settings in the form that POST /practice/settings accepts."""
        return {
            **{name: getattr(self, name) for name in (*_SECONDS, *_WHOLE_NUMBERS, *_SWITCHES)},
            "throttles": {
                operation: {"next_calls": throttle.next_calls, "per_second": throttle.per_second}
                for operation, throttle in self.throttles.items()
            },
            "faults": {
                operation: {"kind": fault.kind, "calls": fault.calls, "after": fault.after}
                for operation, fault in self.faults.items()
            },
        }


_SECONDS = ("clock_offset_s", "role_delay_s", "heartbeat_limit_s", "poll_hold_s")
_SWITCHES = ("ssmmessages", "ec2messages")
_WHOLE_NUMBERS = ("standard_tier_nodes", "break_download_after")


def _fault(operation: str, wanted: Any) -> Fault:
    kinds = [kind.value for kind in FaultKind]
    if not isinstance(wanted, Mapping) or set(wanted) - {"kind", "calls", "after"} or wanted.get("kind") not in kinds:
        raise ValueError(f"fault of {operation!r} takes kind ({', '.join(kinds)}), calls and after")
    calls = wanted.get("calls")
    return Fault(
        FaultKind(wanted["kind"]),
        None if calls is None else int(_number("calls", calls, int)),
        str(wanted.get("after", "")),
    )


def _number(name: str, value: Any, kind: type[int] | type[float]) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (kind is int and value != int(value)):
        raise ValueError(f"{name!r} must be a number, not {value!r}")
    return kind(value)
