"""What this program is, for About, `--version --json` and reports of defects."""

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from onboard import __version__
from onboard.home import home
from onboard.resources import resource

NAME = "Onboard"


@dataclass(frozen=True, slots=True)
class About:
    """`build`: the commit it was built from, and `built` that commit's date; "source" and "" in a checkout.

    program   the folder it runs from
    home      where it keeps its own files
    settings  where the window keeps its look and place (a key of the registry on Windows)
    licences  those of all that the packaged program contains; None in a checkout
    """

    version: str
    build: str
    built: str
    python: str
    system: str
    program: Path
    home: Path
    settings: str
    licences: Path | None

    def to_json(self) -> dict[str, str | None]:
        return {
            "version": self.version,
            "build": self.build,
            "built": self.built,
            "python": self.python,
            "system": self.system,
            "program": str(self.program),
            "home": str(self.home),
            "settings": self.settings,
            "licences": str(self.licences) if self.licences else None,
        }


def about() -> About:
    """Raises OnboardError when the program's own folder cannot be made."""
    stamp = resource("build.json")
    build = json.loads(stamp.read_text(encoding="ascii")) if stamp.is_file() else {"build": "source", "date": ""}
    return About(
        version=__version__,
        build=build["build"],
        built=build["date"],
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        program=Path(sys.executable).parent if is_packaged() else Path(__file__).parent.parent,
        home=home(),
        settings=_settings(),
        licences=_licences(),
    )


def is_packaged() -> bool:
    """Whether this is the packaged program, with its own Python inside."""
    return bool(getattr(sys, "frozen", False))


def _licences() -> Path | None:
    inside = getattr(sys, "_MEIPASS", None)
    return Path(inside) / "licences" if inside else None


def _settings() -> str:
    """Qt's place for them; "" for a user without a home."""
    if sys.platform == "win32":
        return rf"HKEY_CURRENT_USER\Software\{NAME}\{NAME}"
    if sys.platform == "darwin":
        return str(Path.home() / "Library" / "Preferences" / f"com.{NAME.lower()}.{NAME}.plist")
    try:
        return str(platformdirs.user_config_path(NAME) / f"{NAME}.conf")
    except RuntimeError:
        return ""
