"""Recovery of the draft after a crash: a copy is kept in the program's own folder while the draft is edited."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from onboard.files import write_private
from onboard.home import home
from onboard.model.errors import OnboardError
from onboard.model.profile import Profile
from onboard.wizard.view import View

FOLDER = "drafts"


@dataclass(frozen=True, slots=True)
class Left:
    """A draft left by a window that closed unexpectedly. `file` is the copy itself, `path` the file of the profile."""

    file: Path
    draft: Profile
    saved: Profile | None
    path: Path | None


def keep(view: View) -> None:
    """Write the copy of this process's draft. Raises OnboardError."""
    folder = home() / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OnboardError(
            "Unsaved changes could not be backed up", where=str(folder), why=error.strerror or str(error)
        ) from None
    content = {
        "draft": view.draft.model_dump(mode="json", by_alias=True),
        "saved": view.saved.model_dump(mode="json", by_alias=True) if view.saved else None,
        "path": str(view.path) if view.path else None,
    }
    write_private(_own(), json.dumps(content))


def forget(file: Path | None = None) -> None:
    """Delete the copy of a draft that was saved or discarded: this process's own, or a given one that was left."""
    (file or _own()).unlink(missing_ok=True)


def left_behind() -> Iterator[Left]:
    """Drafts of windows that no longer exist, the newest first. Damaged files are skipped."""
    files = (home() / FOLDER).glob("*.json")
    for file in sorted(files, key=lambda file: file.stat().st_mtime, reverse=True):
        if file == _own() or _is_alive(file.stem):
            continue
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(file.read_text(encoding="utf-8"))
            yield Left(
                file=file,
                draft=Profile.model_validate(content["draft"]),
                saved=Profile.model_validate(content["saved"]) if content["saved"] else None,
                path=Path(content["path"]) if content["path"] else None,
            )


def _own() -> Path:
    return home() / FOLDER / f"{os.getpid()}.json"


def _is_alive(process: str) -> bool:
    if not process.isdigit():
        return False
    if os.name == "nt":
        return _is_alive_on_windows(int(process))
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_alive_on_windows(process: int) -> bool:
    import ctypes

    query = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
    handle = ctypes.windll.kernel32.OpenProcess(query, False, process)  # type: ignore[attr-defined]
    if handle:
        ctypes.windll.kernel32.CloseHandle(handle)  # type: ignore[attr-defined]
    return bool(handle)
