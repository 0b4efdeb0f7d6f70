"""A run as one JSON document, from its events in the journal."""

from collections.abc import Iterable, Mapping
from typing import Any

from onboard.model.status import HostStatus

FIELDS = ("status", "instance_id", "reason", "remedy", "findings")


def document(record: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`record`: run, command, profile, started, finished. The newest event about a server or the run wins.

    Shape: run, command, profile (its file), profile_name, started, finished, account, counts, causes, failure,
    aws (changes), hosts (each with name, status, instance_id, reason, remedy, findings, steps, facts, unknown).
    """
    profile_name = ""
    account: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None
    finished: Mapping[str, Any] = {}
    aws: list[Mapping[str, Any]] = []
    hosts: dict[str, dict[str, Any]] = {}

    def host(name: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"name": name, "status": None, "instance_id": None, "steps": {}, "findings": []}
        return hosts.setdefault(name, empty)

    for event in events:
        match event["event"]:
            case "run_started":  # again when it was resumed
                profile_name, failure, finished = event["profile"], None, {}
                for name in event["hosts"]:
                    host(name)
            case "account_identified":
                account = _body(event)
            case "facts_gathered":
                host(event["host"]).update(facts=event["facts"], unknown=event["unknown"])
            case "host_judged":
                host(event["host"]).update(status=event["status"], findings=event["findings"])
            case "step_finished":
                one = host(event["host"])
                one["steps"][event["step"]] = event["outcome"]
                one["instance_id"] = event.get("instance_id") or one["instance_id"]
            case "host_finished":
                host(event["host"]).update({key: event[key] for key in FIELDS if event[key] or key != "findings"})
            case "aws_changed":
                aws.append(_body(event))
            case "run_failed":
                failure = _body(event)
            case "run_finished":
                finished = event
    return {
        **record,
        "profile_name": profile_name,
        "account": account,
        "counts": finished.get("hosts", {}),
        "causes": finished.get("causes", []),
        "failure": failure,
        "aws": aws,
        "hosts": list(hosts.values()),
    }


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


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("event", "v")}
