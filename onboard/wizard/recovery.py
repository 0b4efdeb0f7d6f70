"""What survives a crash of the window: the draft, kept beside the program's own files while it is edited."""

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
    """A draft that a window left which did not end by itself. `file` is where it lies, `path` the profile's file."""

    file: Path
    draft: Profile
    saved: Profile | None
    path: Path | None


def keep(view: View) -> None:
    """Keep the draft of this process. Raises OnboardError."""
    folder = home() / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OnboardError("The draft was not kept", where=str(folder), why=error.strerror or str(error)) from None
    content = {
        "draft": view.draft.model_dump(mode="json", by_alias=True),
        "saved": view.saved.model_dump(mode="json", by_alias=True) if view.saved else None,
        "path": str(view.path) if view.path else None,
    }
    write_private(_own(), json.dumps(content))


def forget(file: Path | None = None) -> None:
    """The draft is saved, or given up: this process's, or one that was left."""
    (file or _own()).unlink(missing_ok=True)


def left_behind() -> Iterator[Left]:
    """Drafts of windows that are not there any more, the newest first. Damaged files are passed over."""
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
