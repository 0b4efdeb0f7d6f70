"""An agent package on this computer."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """A verified agent package. `version` was read from inside it; `kind` is deb or rpm, `arch` amd64 or arm64."""

    path: Path
    kind: str
    arch: str
    version: str
    sha256: str
