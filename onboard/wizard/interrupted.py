"""A run that did not get to all of its servers: in a window that is gone, or on the command line."""

from onboard.model.events import KeptRun
from onboard.model.status import HostStatus
from onboard.wizard.view import View


def interrupted(view: View) -> KeptRun | None:
    """The profile's newest run, if it was broken off or stopped and can be resumed; None once it was."""
    run = _newest(view)
    if run is None or run.command != "apply" or run.held or view.state("apply").run:
        return None
    return run if run.is_broken_off or run.hosts.get(HostStatus.SKIPPED) else None


def is_ending(view: View) -> bool:
    """Whether another process is still at work on that run: a window that crashed leaves an engine that ends it."""
    run = _newest(view)
    return run is not None and run.held and not view.state("apply").run


def _newest(view: View) -> KeptRun | None:
    """The newest that changed servers; without a file the profile's name has to do."""
    path = str(view.path or "")
    for run in view.state("runs").runs:
        if run.command in ("apply", "undo") and run.path == path and (path or run.profile == view.draft.name):
            return run
    return None
