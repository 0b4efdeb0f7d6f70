"""A run as one JSON document, from its events in the journal."""

from collections.abc import Iterable, Mapping
from typing import Any

FIELDS = ("status", "instance_id", "reason", "remedy", "findings")


def document(record: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`record`: run, command, profile, started, finished. The newest event about a server or the run wins.

    Shape: run, command, started, finished, account, counts, causes, failure, aws (changes), hosts (each with name,
    status, instance_id, reason, remedy, findings, steps, facts, unknown).
    """
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
            case "run_started":
                for name in event["hosts"]:
                    host(name)
            case "account_identified":
                account = _body(event)
            case "facts_gathered":
                host(event["host"]).update(facts=event["facts"], unknown=event["unknown"])
            case "host_judged":
                host(event["host"]).update(status=event["status"], findings=event["findings"])
            case "step_finished":
                host(event["host"])["steps"][event["step"]] = event["outcome"]
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
        "account": account,
        "counts": finished.get("hosts", {}),
        "causes": finished.get("causes", []),
        "failure": failure,
        "aws": aws,
        "hosts": list(hosts.values()),
    }


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("event", "v")}
