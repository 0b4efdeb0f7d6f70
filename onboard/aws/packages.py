"""The agent's package: fetched once, its signature verified, then used."""

from dataclasses import dataclass
from pathlib import Path

from onboard.aws.session import Aws
from onboard.model.cancel import CancelToken
from onboard.model.package import Package
from onboard.model.profile import Profile


@dataclass(frozen=True, slots=True)
class Fetched:
    """A package and what a plan must say about it."""

    package: Package
    warnings: tuple[str, ...] = ()


def fetch_package(
    aws: Aws, profile: Profile, *, kind: str, arch: str, cache: Path, cancel: CancelToken, version: str | None = None
) -> Fetched:
    """The agent package for `kind` (deb, rpm) and `arch` (amd64, arm64), from `profile.agent.source`.

    `version` (default `profile.agent.version`): latest, stable or a number. Kept below `cache`. Raises OnboardError
    (not to be had, signature wrong, not what was asked for), Cancelled on stop_now().
    """
    raise NotImplementedError
