"""What commands work with, made once by the front end."""

from dataclasses import dataclass
from pathlib import Path

from onboard.engine.journal import Journal
from onboard.engine.proof import DEFAULT_PATIENCE, Patience
from onboard.hosts.connection import Connector


@dataclass(frozen=True, slots=True)
class Tools:
    """`connector` opens connections; `journal` remembers runs; `cache` is the folder for agent packages."""

    connector: Connector
    journal: Journal
    cache: Path
    patience: Patience = DEFAULT_PATIENCE
