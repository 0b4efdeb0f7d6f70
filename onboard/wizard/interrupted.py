"""Runs that did not reach all of their servers, whether in an earlier window or on the command line."""

from pathlib import Path

from onboard.model.changes import FailureKind
from onboard.model.events import KeptRun
from onboard.model.status import HostStatus
from onboard.wizard.view import EMPTY, View


def interrupted(view: View) -> KeptRun | None:
    """The profile's newest run, if it was interrupted or stopped and can be resumed; None once it was resumed."""
    run = _newest(view)
    if run is None or run.command != "apply" or not _is_interrupted(run):
        return None
    known = view.state("apply").run
    return run if not known or (view.is_replayed and known == run.run) else None


def _is_interrupted(run: KeptRun) -> bool:
    return not run.held and (run.is_broken_off or bool(run.hosts.get(HostStatus.SKIPPED)))


def is_resumable(view: View) -> bool:
    """Whether the run shown did not reach all of its servers and nothing prevents it from being resumed."""
    state = view.state("apply")
    skipped = any(host.finished and host.status is HostStatus.SKIPPED for host in state.hosts.values())
    refused = state.failure is not None and state.failure.kind == FailureKind.PLAN  # resuming would be refused again
    stays = not state.run or view.running or view.undo is not EMPTY or refused
    return not stays and (skipped or not state.finished)


def interrupted_anywhere(view: View) -> KeptRun | None:
    """The newest run of any profile whose file is still there, if that profile's last run was interrupted."""
    seen: set[str] = set()
    for run in view.state("runs").runs:
        if run.command not in ("apply", "undo") or not run.path or run.path in seen:
            continue
        seen.add(run.path)
        if run.command == "apply" and _is_interrupted(run) and Path(run.path).is_file():
            return run
    return None


def is_ending(view: View) -> bool:
    """Whether another process still works on that run: the engine of a window that crashed finishes what it began."""
    run = _newest(view)
    return run is not None and run.held and not view.state("apply").run


def _newest(view: View) -> KeptRun | None:
    """The newest run that changed servers. A profile without a file is matched by its name."""
    path = str(view.path or "")
    for run in view.state("runs").runs:
        if run.command in ("apply", "undo") and run.path == path and (path or run.profile == view.draft.name):
            return run
    return None
