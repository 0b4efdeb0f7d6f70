"""A run as one JSON document, from its events in the journal."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from onboard.model.causes import causes_of
from onboard.model.event_json import event_from_json
from onboard.model.events import Event
from onboard.model.state import HostState, fold
from onboard.model.status import HostStatus


def document(record: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`record`: run, command, profile, started, finished. What the run's State says at the end of its events.

    Shape: run, command, profile (its file), profile_name, started, finished, account, counts, causes, failure,
    aws (changes), hosts (each with name, status, instance_id, reason, remedy, findings, steps, facts, unknown).
    """
    state = fold(event for line in events if (event := event_from_json(line)))
    return {
        **record,
        "profile_name": state.profile,
        "account": _body(state.account),
        "counts": state.counts() if state.finished else {},
        "causes": [asdict(cause) for cause in causes_of(state.hosts.values())] if state.finished else [],
        "failure": _body(state.failure),
        "aws": [_body(change) for change in state.aws_changes],
        "hosts": [_host(host) for host in state.hosts.values()],
    }


def _host(host: HostState) -> dict[str, Any]:
    return {
        "name": host.name,
        "status": host.status,
        "instance_id": host.instance_id,
        "reason": host.reason,
        "remedy": host.remedy,
        "findings": [asdict(finding) for finding in host.findings],
        "steps": host.steps,
        "facts": host.facts,
        "unknown": host.unknown,
    }


def _body(event: Event | None) -> dict[str, Any] | None:
    return {key: value for key, value in event.to_json().items() if key not in ("event", "v")} if event else None


def why(host: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, remedy) of everything that is not well about a server of a document, the worst first."""
    told = [finding for status in _WORST_FIRST for finding in host["findings"] if finding["status"] == status]
    reasons = [(finding["summary"], finding["remedy"]) for finding in told]
    failed = any(finding["status"] == "fail" for finding in told)
    if host.get("reason") and not failed and host["status"] not in WELL:
        reasons.insert(0, (host["reason"], host.get("remedy") or ""))
    return reasons


def system(host: Mapping[str, Any]) -> str:
    """The name of the server's operating system; "" when it is not known."""
    return str(host.get("facts", {}).get("operating_system", {}).get("name", ""))


def activations_left(document: Mapping[str, Any]) -> list[str]:
    """Ids of activations that the run made and did not delete."""
    ids = {change: [c["subject"] for c in document["aws"] if c["change"] == change] for change in _ACTIVATION}
    return [one for one in ids["create_activation"] if one not in ids["delete_activation"]]


_ACTIVATION = ("create_activation", "delete_activation")
_WORST_FIRST = ("fail", "unknown", "warn")
WELL = tuple(status.value for status in HostStatus if status.is_well)
