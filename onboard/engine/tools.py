"""What commands work with, made once by the front end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onboard.engine.journal import Journal
from onboard.engine.proof import DEFAULT_PATIENCE, Patience
from onboard.hosts.connection import Connector
from onboard.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Tools:
    """`connector` opens connections; `journal` remembers runs; `cache` is the folder for agent packages.

    `mfa_code` asks a person for the code of an MFA device, with AWS's prompt; None when there is nobody to ask.
    """

    connector: Connector
    journal: Journal
    cache: Path
    patience: Patience = DEFAULT_PATIENCE
    mfa_code: Callable[[str], Secret] | None = None
