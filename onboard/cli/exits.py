"""Exit codes (contract)."""

from onboard.model.state import State

WELL = 0
NOT_WELL = 1
WRONG_INPUT = 2
AWS_REFUSED = 3
INTERRUPTED = 130


def exit_code(state: State, *, interrupted: bool) -> int:
    """How a run's end reads for a shell."""
    if interrupted:
        return INTERRUPTED
    if state.failure:
        return {"profile": WRONG_INPUT, "plan": WRONG_INPUT, "aws": AWS_REFUSED}.get(state.failure.kind, NOT_WELL)
    well = all(host.status is not None and host.status.is_well for host in state.hosts.values())
    return WELL if well else NOT_WELL
