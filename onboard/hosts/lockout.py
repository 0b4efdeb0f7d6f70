"""Prevents lock-outs: a wrong password must not lock an account in a directory that 10,000 servers share.

* A password is first tried alone, on one server. No other server sees it until it has been accepted once.
* Two refusals stop the account everywhere, also across restarts, until `forgive`. A server that accepts later clears
  its own refusal, not those of other servers. After a refusal the password is again tried on one server at a time.
* Log-ins with a key or through ssh-agent are not gated: a refused key reaches no counter of an account.

Accounts are compared without case, as directories do. A password that was accepted before may be on its way to as many
servers as there are workers when the first refusal comes; that many can be refused at once.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock

from onboard.files import write_private
from onboard.model.cancel import CancelToken
from onboard.model.errors import LogInRefused, OnboardError
from onboard.model.words import Text

LIMIT = 2


@dataclass(slots=True)
class Attempt:
    """One use of a password on one server. Left without a verdict when the connection broke before there was one."""

    accepted: bool | None = None


class Lockout:
    """The gate that every password goes through. One for all workers of a process; `path` outlives it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()  # re-entrant: its lock is an RLock
        self._proven: set[tuple[str, str]] = set()
        self._trying: set[str] = set()
        self._refusals: dict[str, list[str]] = _read(path)

    @classmethod
    def of_this_user(cls, home: Path) -> Self:
        """Kept in the program's folder. Raises OnboardError when its file cannot be read."""
        return cls(home / "stopped-accounts.json")

    @contextmanager
    def attempt(self, account: str, credential: str, host: str, cancel: CancelToken) -> Iterator[Attempt]:
        """Wait for the turn to use `account`'s password from `credential` on `host`; set `accepted` inside.

        Raises LogInRefused when the account is stopped, Cancelled on stop_now() while waiting.
        """
        account = account.casefold()
        alone = self._enter(account, credential, host, cancel)
        attempt = Attempt()
        try:
            yield attempt
        finally:
            self._leave(account, credential, host, alone, attempt.accepted)

    def stopped(self) -> Mapping[str, tuple[str, ...]]:
        """Account → servers that refused it, of every account that is stopped."""
        with self._changed:
            return {name: tuple(hosts) for name, hosts in self._refusals.items() if len(hosts) >= LIMIT}

    def forgive(self, account: str) -> None:
        """The user says go on: forget the refusals of `account`."""
        with self._changed:
            self._record(account.casefold(), lambda hosts: [])
            self._changed.notify_all()

    def check(self, account: str, credential: str, host: str) -> None:
        """Raise LogInRefused when the account is stopped: then `host` need not even be called."""
        account = account.casefold()
        with self._changed:
            refused_by = self._refusals.get(account, [])
        if len(refused_by) >= LIMIT:
            raise LogInRefused(
                Text("The password of {account} was not tried", account=account),
                where=host,
                why=Text(
                    "Onboard stopped using the account so that it is not locked out: {servers} refused its password",
                    servers=" and ".join(refused_by),
                ),
                remedy=Text(
                    "Correct the secret of credential {credential}, unlock the account if it is locked, then allow it "
                    "again: in the wizard under Credentials, or on the command line with --forgive {account}",
                    credential=credential,
                    account=account,
                ),
            )

    def _enter(self, account: str, credential: str, host: str, cancel: CancelToken) -> bool:
        with self._changed:
            while True:
                self.check(account, credential, host)
                if (account, credential) in self._proven:
                    return False
                if account not in self._trying:
                    self._trying.add(account)
                    return True
                # Woken by every result; the short limit is for the cancel token, which wakes nobody.
                self._changed.wait(0.1)
                cancel.check_now()

    def _leave(self, account: str, credential: str, host: str, alone: bool, accepted: bool | None) -> None:
        with self._changed:
            try:
                if accepted is False:
                    self._proven.discard((account, credential))
                    self._record(account, lambda hosts: [*hosts, host])
                elif accepted:
                    self._proven.add((account, credential))
                    if host in self._refusals.get(account, []):
                        self._record(account, lambda hosts: [name for name in hosts if name != host])
            finally:
                if alone:
                    self._trying.discard(account)
                self._changed.notify_all()

    def _record(self, account: str, change: Callable[[list[str]], list[str]]) -> None:
        """Change the account's refusals here and in the file, which another process may have written meanwhile."""
        with FileLock(f"{self._path}.lock", mode=0o600):
            refusals = _read(self._path)
            refusals[account] = change(refusals.get(account, []))
            if not refusals[account]:
                del refusals[account]
            write_private(self._path, json.dumps({"refused_by": refusals}, indent=2))
            self._refusals = refusals


def _read(path: Path) -> dict[str, list[str]]:
    """Account → servers that refused it. Raises OnboardError for a file that cannot be read: no file means none."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): [str(host) for host in hosts] for name, hosts in stored["refused_by"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise OnboardError(
            "The list of stopped accounts cannot be read",
            where=str(path),
            why=getattr(error, "strerror", None) or "It is not in the format that this program writes",
            remedy="Repair or remove the file. If you remove it, no account counts as stopped",
        ) from None
