"""Opens SSH connections.

The order never changes: reach the server, exchange keys, judge the host key, and only then authenticate.
"""

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping
from functools import partial

import paramiko

from onboard.hosts.credentials import Secrets
from onboard.hosts.dial import DIRECT, TICK, Dialler
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.account import Account
from onboard.hosts.ssh.connection import SshConnection
from onboard.hosts.ssh.known_hosts import KnownHosts, Trust
from onboard.hosts.ssh.log_in import LogIn
from onboard.hosts.ssh.private_key import load_key
from onboard.hosts.ssh.refusals import runs_windows, untrusted, where_and_why
from onboard.hosts.ssh.transport import (
    DEFAULT_LIMITS,
    Limits,
    SshTransport,
    handshake,
    said_by,
)
from onboard.model.cancel import CancelToken
from onboard.model.errors import HostError, LogInBroken, LogInRefused, LogInUntried, OnboardError
from onboard.model.profile import Credential, CredentialKind, Host
from onboard.model.secret import Secret
from onboard.model.words import Text

_WINDOWS = re.compile(r"windows|winsshd", re.IGNORECASE)  # OpenSSH for Windows, Bitvise
_SSH_KINDS = (CredentialKind.SSH_KEY, CredentialKind.SSH_PASSWORD, CredentialKind.SSH_AGENT)


class SshConnector:
    """Opens SSH connections. One for all workers of a run: it keeps the keys it loaded."""

    def __init__(
        self,
        credentials: Mapping[str, Credential],
        *,
        secrets: Secrets,
        known_hosts: KnownHosts,
        lockout: Lockout,
        memory: LogInMemory,
        dialler: Dialler = DIRECT,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._credentials = credentials
        self._secrets = secrets
        self._known_hosts = known_hosts
        self._lockout = lockout
        self._memory = memory
        self._dialler = dialler
        self._limits = limits
        self._keys: dict[str, paramiko.PKey | LogInRefused] = {}
        self._keys_lock = threading.Lock()

    def connect(self, host: Host, cancel: CancelToken) -> "SshConnection":
        """Raises HostUnreachable (LogInBroken), HostUntrusted, LogInRefused (LogInUntried), Cancelled."""
        cancel.check()
        with _as_untried(host):
            account = Account(host, self._credential(host), self._secrets, self._lockout, self._memory)
            proof = self._proof(account, cancel)
        transport = self._logged_in(account, proof, cancel)
        return SshConnection(
            account,
            transport,
            cancel,
            self._limits,
            proof if isinstance(proof, Secret) else None,
            another=partial(self._logged_in, account, proof, cancel),
            warning=transport.host_key_shown().weakness,
        )

    def _logged_in(self, account: Account, proof: paramiko.PKey | Secret | None, cancel: CancelToken) -> SshTransport:
        """A new connection: reached, its host key judged, logged in."""
        host = account.host
        expected = self._known_hosts.expect(host.place)
        transport = handshake(host, expected.algorithms, cancel, self._limits, self._dialler)
        try:
            key = transport.host_key_shown()
            verdict = expected.judge(key)
            if verdict.trust is not Trust.TRUSTED:
                raise untrusted(host, key, verdict)
            if _WINDOWS.search(transport.software):
                raise runs_windows(host, transport.software)
            try:
                with _as_refusal(host):
                    self._log_in(account, proof, transport, cancel)
            except (paramiko.SSHException, EOFError, OSError) as error:
                cancel.check_now()
                raise LogInBroken(
                    "The connection broke during the log-in",
                    where=host.name,
                    why=said_by(error),
                    remedy="Try again; the server's sshd log says why it closed the connection",
                ) from None
        except BaseException:
            transport.hang_up()
            raise
        return transport

    def _credential(self, host: Host) -> Credential:
        credential = self._credentials.get(host.credential)
        if credential is None or credential.kind not in _SSH_KINDS:
            name = host.credential
            why = (
                Text("Credential {credential} is not in the profile", credential=name)
                if credential is None
                else Text("Credential {credential} is of kind {kind}", credential=name, kind=credential.kind)
            )
            raise LogInRefused(
                "There is no credential to log in with",
                where=host.name,
                why=why,
                remedy="Give the server a credential of kind ssh-key, ssh-password or ssh-agent",
            )
        return credential

    def _proof(self, account: Account, cancel: CancelToken) -> paramiko.PKey | Secret | None:
        """What to log in with: a key, a password, or None for ssh-agent. Loaded before the server is called."""
        if account.credential.kind is CredentialKind.SSH_KEY:
            return self._key(account, cancel)
        if account.credential.kind is CredentialKind.SSH_PASSWORD:
            self._lockout.check(account.username, account.credential_name, account.host.name)
            secret = account.password(cancel)
            if secret is None:
                raise LogInRefused(
                    "There is no password to log in with",
                    where=account.host.name,
                    why=Text(
                        "Neither the environment, secret_command nor the keyring has one for credential {credential}",
                        credential=account.credential_name,
                    ),
                    remedy="Store it in the keyring (service onboard), or set secret_command",
                )
            return secret
        return None

    def _key(self, account: Account, cancel: CancelToken) -> paramiko.PKey:
        """Load the credential's key once, however many servers use it; a failure is kept as well."""
        name = account.credential_name
        while not self._keys_lock.acquire(timeout=TICK):
            cancel.check_now()
        try:
            if name not in self._keys:
                try:
                    self._keys[name] = load_key(name, account.credential, self._secrets, cancel)
                except LogInRefused as error:
                    self._keys[name] = error
                    self._memory.note_refusal(name)
            key = self._keys[name]
        finally:
            self._keys_lock.release()
        if isinstance(key, LogInRefused):
            raise LogInRefused(key.what, where=account.host.name, why=key.why, remedy=key.remedy)
        return key

    def _log_in(
        self, account: Account, proof: paramiko.PKey | Secret | None, transport: SshTransport, cancel: CancelToken
    ) -> None:
        transport.auth_timeout = self._limits.log_in
        transport.break_off_on(cancel)
        log_in = LogIn(account, transport, cancel)
        if isinstance(proof, Secret):
            log_in.with_password(proof)
            return
        more = log_in.with_key(proof) if proof is not None else log_in.with_agent()
        if not more:
            return
        # AuthenticationMethods publickey,password: the key was accepted, and the account's password is wanted too.
        secret = account.password(cancel)
        if secret is None or not {"password", "keyboard-interactive"} & set(more):
            raise LogInRefused(
                "The server requires more than a key",
                where=account.host.name,
                why=Text("It accepted the key and then asks for {methods}", methods=" or ".join(more)),
                remedy=Text(
                    "Give credential {credential} the account's password as its secret",
                    credential=account.credential_name,
                ),
            )
        log_in.with_password(secret, allowed=more)


@contextlib.contextmanager
def _as_untried(host: Host) -> Iterator[None]:
    """Whatever fails here fails before the server is contacted."""
    try:
        yield
    except OnboardError as error:
        why = error.why if isinstance(error, HostError) else where_and_why(error)
        raise LogInUntried(error.what, where=host.name, why=why, remedy=error.remedy) from None


@contextlib.contextmanager
def _as_refusal(host: Host) -> Iterator[None]:
    """Report a failure to get the secret as a refused log-in to this server only."""
    try:
        yield
    except HostError:
        raise
    except OnboardError as error:
        raise LogInRefused(error.what, where=host.name, why=where_and_why(error), remedy=error.remedy) from None
