"""Exit codes (contract). Those of errors are in their classes, in model/errors.py."""

from onboard.cli.signals import INTERRUPTED
from onboard.model.errors import EXIT_CODES, OnboardError
from onboard.model.state import State

WELL = 0
NOT_WELL = OnboardError.exit_code


def exit_code(state: State, *, interrupted: bool) -> int:
    """How a run's end reads for a shell."""
    if interrupted:
        return INTERRUPTED
    if state.failure:
        return EXIT_CODES[state.failure.kind]
    well = all(host.status is not None and host.status.is_well for host in state.hosts.values())
    return WELL if well else NOT_WELL
