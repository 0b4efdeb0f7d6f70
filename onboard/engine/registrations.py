"""The registrations that a run's activations hold, handed out to its workers."""

import threading

from onboard.aws.changes.base import Activation
from onboard.model.errors import OnboardError
from onboard.steps.base import Registration


class Registrations:
    """Hands out registrations to workers; the codes are kept only in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[tuple[Activation, int]] = []

    def add(self, activation: Activation) -> None:
        self._open.append((activation, activation.limit))

    def take(self) -> Registration:
        """Take one registration. Raises OnboardError if none is left, which the plan's count rules out."""
        with self._lock:
            while self._open:
                activation, left = self._open[0]
                if left > 0:
                    self._open[0] = (activation, left - 1)
                    return Registration(activation.id, activation.code, activation.region)
                self._open.pop(0)
        raise OnboardError("This run's activations have no registrations left", remedy="Resume the run")
