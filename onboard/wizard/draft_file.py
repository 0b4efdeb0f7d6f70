"""The draft of the profile, the file it belongs to, and which results an edit makes stale."""

from collections.abc import Sequence
from pathlib import Path

from onboard.model.profile import Host, Profile
from onboard.profiles.file import save, stamp

# Section of the draft → the commands whose results are stale once it changes.
_STALE = {
    "aws": ("account", "preview", "plan"),
    "hosts": ("plan",),
    "credentials": ("plan",),
    "region": ("preview", "check", "plan"),
    "role": ("preview", "plan"),
    "activation": ("plan",),
    "network": ("check", "plan"),
    "agent": ("plan",),
    "run": ("plan",),
}


class DraftFile:
    """`mistakes`: key of the profile → what is wrong with the value in its field, which was not put into the draft."""

    def __init__(self) -> None:
        self.draft = Profile()
        self.saved: Profile | None = None
        self.path: Path | None = None
        self.mistakes: dict[str, str] = {}
        self._stamp: object = None  # of the file when it was last read or written

    def use(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        """Replace the current profile with this one."""
        self.draft, self.saved, self.path = profile, saved, path
        self.mistakes.clear()
        self._stamp = stamp(path) if path else None

    def save(self, path: Path | None) -> None:
        """Save to `path`, or to the file opened. Raises ProfileError, OnboardError; ValueError without a path."""
        target = path or self.path
        if target is None:
            raise ValueError("no file is chosen")
        self.draft = self.saved = save(self.draft, target)
        self.path, self._stamp = target, stamp(target)

    @property
    def is_changed_elsewhere(self) -> bool:
        """Whether the file has changed since it was opened or saved here."""
        return self.path is not None and stamp(self.path) not in (self._stamp, None)

    def set_mistake(self, key: str, text: str) -> bool:
        """Record what is wrong with the field of `key`; "" when nothing is. Returns whether that changed anything."""
        text = text.rstrip(".")
        if text == self.mistakes.get(key, ""):
            return False
        if text:
            self.mistakes[key] = text
        else:
            del self.mistakes[key]
        return True


def outdated(before: Profile, after: Profile) -> list[str]:
    """Commands whose results are stale after the edit."""
    changed = (section for section in _STALE if _decided(before, section) != _decided(after, section))
    return list(dict.fromkeys(command for section in changed for command in _STALE[section]))


def _decided(profile: Profile, section: str) -> object:
    """A section without what was only observed: evidence for the choice of a Region does not make any result stale."""
    if section == "region":
        return profile.region.model_copy(update={"measured": None})
    return getattr(profile, section)


def moved(before: Sequence[Host], after: Sequence[Host]) -> tuple[set[str], bool]:
    """Names of servers that are gone or now mean a different machine; and whether any of these names is still used."""
    kept = set(map(id, after))
    changed = [host for host in before if id(host) not in kept]
    names = {host.name for host in changed}
    places = {host.name: host.place for host in after if host.name in names}
    gone = {host.name for host in changed if places.get(host.name) != host.place}
    return gone, not gone.isdisjoint(places)
