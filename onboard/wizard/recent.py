"""Recently opened profiles, the newest first."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from onboard.files import write_private
from onboard.home import home
from onboard.model.errors import OnboardError
from onboard.wizard.view import View

FILE = "recent.json"
KEPT = 10


@dataclass(frozen=True, slots=True)
class Recent:
    """A profile as last seen. `opened`: ISO 8601 in UTC; `online`: number of servers online, None before a run."""

    path: str
    name: str
    servers: int
    region: str
    opened: str
    online: int | None = None


def recents() -> list[Recent]:
    """The recent profiles whose files still exist."""
    try:
        listed = json.loads((home() / FILE).read_text(encoding="utf-8"))
        found = [Recent(**one) for one in listed]
    except (OSError, ValueError, TypeError):
        return []
    return [one for one in found if Path(one.path).is_file()]


def remember(view: View) -> None:
    """Put the view's profile first in the list. A list that cannot be written is not worth an error."""
    if view.path is None or view.practice:
        return
    state, path = view.state("apply"), str(view.path)
    has_run = bool(state.run) and not view.is_replayed  # an earlier run may have been undone since
    listed = recents()
    known = next((one.online for one in listed if one.path == path), None)
    now = Recent(
        path=path,
        name=view.draft.name or view.path.stem,
        servers=len(view.draft.hosts),
        region=view.draft.region.name or "",
        opened=datetime.now(UTC).isoformat(timespec="seconds"),
        online=view.online if has_run else known,
    )
    others = [one for one in listed if one.path != path]
    with suppress(OnboardError):
        write_private(home() / FILE, json.dumps([asdict(one) for one in [now, *others][:KEPT]]))
