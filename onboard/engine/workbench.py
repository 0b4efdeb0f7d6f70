"""The tools that commands work with, made here for the command line and the engine child."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from onboard.engine.journal import Journal
from onboard.engine.proof import DEFAULT_PATIENCE, Patience
from onboard.hosts.connection import Connector
from onboard.hosts.connectors import Connectors, Means
from onboard.hosts.credentials import Prompt, Secrets
from onboard.hosts.dial import DIRECT, Dialler
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.profile import Credential
from onboard.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Tools:
    """What a command uses.

    connector    opens connections
    journal      records runs
    cache        the folder for agent packages
    known_hosts  the host keys that are trusted
    patience     how long a proof may take
    mfa_code     asks a person for an MFA code, with AWS's prompt; None if there is nobody to ask
    memory       what was learned while logging in
    dialler      how the connector reaches servers, for commands that look at a server without logging in
    """

    connector: Connector
    journal: Journal
    cache: Path
    known_hosts: KnownHosts
    patience: Patience = DEFAULT_PATIENCE
    mfa_code: Callable[[str], Secret] | None = None
    memory: LogInMemory = field(default_factory=LogInMemory)
    dialler: Dialler = DIRECT


@contextmanager
def workbench(
    folder: Path,
    credentials: Mapping[str, Credential],
    *,
    prompt: Prompt | None = None,
    mfa_code: Callable[[str], Secret] | None = None,
    known_hosts: KnownHosts | None = None,
    patience: Patience = DEFAULT_PATIENCE,
    forgive: Iterable[str] = (),
    dialler: Dialler = DIRECT,
    keyring: bool = True,
) -> Iterator[Tools]:
    """The tools of a command whose own files are in `folder`.

    `prompt` asks a person for a secret. `known_hosts`: by default this user's. `forgive`: accounts that may be used
    again although servers refused them. `keyring`: whether secrets are looked for there.
    """
    known = known_hosts or KnownHosts.of_this_user(folder)
    lockout = Lockout.of_this_user(folder)
    for account in forgive:
        lockout.forgive(account)
    secrets = Secrets(credentials, prompt=prompt, keyring=keyring)
    means = Means(credentials, secrets, known, lockout, dialler=dialler)
    with closing(Journal(folder)) as journal:
        yield Tools(
            Connectors(means), journal, folder / "packages", known, patience, mfa_code, means.memory, means.dialler
        )
