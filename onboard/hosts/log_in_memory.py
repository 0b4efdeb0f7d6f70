"""What the connectors of one run learn while they log in, for the log-ins that follow."""

import threading


class LogInMemory:
    """One for all connectors and workers of a run. Credentials go by their names in the profile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_for_password: set[str] = set()
        self._refused: set[str] = set()

    def note_privilege_password(self, credential: str) -> None:
        """A server required the password again before it let the account act as root."""
        with self._lock:
            self._asked_for_password.add(credential)

    def wants_privilege_password(self, credential: str) -> bool:
        with self._lock:
            return credential in self._asked_for_password

    def note_refusal(self, credential: str) -> None:
        """A server refused its password, or its key file could not be used with the passphrase at hand."""
        with self._lock:
            self._refused.add(credential)

    @property
    def refused(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._refused)
