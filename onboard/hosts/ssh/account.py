"""The account used on a server. Every use of its password goes through here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from onboard.hosts.credentials import Secrets
from onboard.hosts.lockout import Attempt, Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.model.cancel import CancelToken
from onboard.model.profile import Credential, Host
from onboard.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """The account of `credential` on `host`."""

    host: Host
    credential: Credential
    secrets: Secrets
    lockout: Lockout
    memory: LogInMemory

    @property
    def credential_name(self) -> str:
        return self.host.credential

    @property
    def username(self) -> str:
        return self.credential.username

    @property
    def is_root(self) -> bool:
        return self.username == "root"

    def password(self, cancel: CancelToken) -> Secret | None:
        """None when no source has it. Raises OnboardError, Cancelled."""
        return self.secrets.secret(self.credential_name, cancel)

    @contextmanager
    def turn(self, cancel: CancelToken) -> Iterator[Attempt]:
        """Wait until the password may be tried on this server, and record how that ended. See Lockout.attempt."""
        with self.lockout.attempt(self.username, self.credential_name, self.host.name, cancel) as attempt:
            try:
                yield attempt
            finally:
                if attempt.accepted is False:
                    self.memory.note_refusal(self.credential_name)
