"""A run as the reports show it: what the journal keeps of it, and the State at the end of its events."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from onboard.model.causes import causes_of
from onboard.model.event_json import event_from_json
from onboard.model.events import Event
from onboard.model.finding import Cause
from onboard.model.state import HostState, State, fold
from onboard.model.status import HostStatus


@dataclass(frozen=True, slots=True)
class Report:
    """A run. `profile` is its file, "" without one; times are ISO 8601 in UTC, `finished` None when it never ended."""

    run: str
    command: str
    profile: str
    started: str
    finished: str | None
    state: State

    def outcome(self, host: HostState) -> HostStatus | None:
        """How the run ended for this server; None when it was interrupted before."""
        return host.outcome(self.command)

    @property
    def causes(self) -> tuple[Cause, ...]:
        return causes_of(self.state.hosts.values())


def report_of(record: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Report:
    """`record`: run, command, profile, started, finished; `events`: the run's, in their JSON form."""
    state = fold(event for line in events if (event := event_from_json(line)))
    state.command = record["command"]  # also of a run that ended before its first event
    return Report(**record, state=state)


def system(host: HostState) -> str:
    """The name of the server's operating system; "" when it is not known."""
    return str(host.facts.get("operating_system", {}).get("name", ""))


def document(report: Report) -> dict[str, Any]:
    """The JSON report.

    Shape: run, command, profile (its file), profile_name, started, finished, who (this computer's user), account,
    counts, causes, failure, aws (changes), hosts (each with name, status, judged, instance_id, reason, remedy,
    evidence, findings, steps, facts, unknown). A server's `status` is how it ended, null when the run was interrupted
    before; `judged` is what the checks made of it.
    """
    state = report.state
    return {
        "run": report.run,
        "command": report.command,
        "profile": report.profile,
        "started": report.started,
        "finished": report.finished,
        "who": state.who or None,
        "profile_name": state.profile,
        "account": _body(state.account),
        "counts": state.counts(),
        "causes": [asdict(cause) for cause in report.causes],
        "failure": _body(state.failure),
        "aws": [_body(change) for change in state.aws_changes],
        "hosts": [_host(host, report) for host in state.hosts.values()],
    }


def _host(host: HostState, report: Report) -> dict[str, Any]:
    return {
        "name": host.name,
        "status": report.outcome(host),
        "judged": host.judged,
        "instance_id": host.instance_id,
        "reason": host.reason,
        "remedy": host.remedy,
        "evidence": host.evidence,
        "findings": [asdict(finding) for finding in host.findings],
        "steps": host.steps,
        "facts": host.facts,
        "unknown": host.unknown,
    }


def _body(event: Event | None) -> dict[str, Any] | None:
    return {key: value for key, value in event.to_json().items() if key not in ("event", "v")} if event else None
