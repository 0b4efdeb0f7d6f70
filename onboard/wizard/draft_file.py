"""The draft of the profile and the file it belongs to, and what an edit of it makes worthless."""

from collections.abc import Sequence
from pathlib import Path

from onboard.model.profile import Host, Profile
from onboard.profiles.file import save, stamp

# A command whose result is worth nothing once this section of the draft changed.
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
    """`mistakes`: key of the profile → what is wrong with what stands in its field, and did not go to the draft."""

    def __init__(self) -> None:
        self.draft = Profile()
        self.saved: Profile | None = None
        self.path: Path | None = None
        self.mistakes: dict[str, str] = {}
        self._stamp: object = None  # of the file, when it was read or written

    def use(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        """Another profile takes the place of the former one."""
        self.draft, self.saved, self.path = profile, saved, path
        self.mistakes.clear()
        self._stamp = stamp(path) if path else None

    def save(self, path: Path | None) -> None:
        """Save to `path`, or where it came from. Raises ProfileError, OnboardError; ValueError without any path."""
        target = path or self.path
        if target is None:
            raise ValueError("no file is chosen")
        self.draft = self.saved = save(self.draft, target)
        self.path, self._stamp = target, stamp(target)

    @property
    def is_changed_elsewhere(self) -> bool:
        """Whether the file is another than the one that was opened or saved."""
        return self.path is not None and stamp(self.path) not in (self._stamp, None)

    def set_mistake(self, key: str, text: str) -> bool:
        """ "" when nothing is wrong with the key's field. Whether anything changed."""
        text = text.rstrip(".")
        if text == self.mistakes.get(key, ""):
            return False
        if text:
            self.mistakes[key] = text
        else:
            del self.mistakes[key]
        return True


def outdated(before: Profile, after: Profile) -> list[str]:
    """Commands whose results are worth nothing after the edit."""
    changed = (section for section in _STALE if _decided(before, section) != _decided(after, section))
    return list(dict.fromkeys(command for section in changed for command in _STALE[section]))


def _decided(profile: Profile, section: str) -> object:
    """A section without what was only observed: evidence for the choice of a Region makes nothing stale."""
    if section == "region":
        return profile.region.model_copy(update={"measured": None})
    return getattr(profile, section)


def moved(before: Sequence[Host], after: Sequence[Host]) -> tuple[set[str], bool]:
    """Names of servers that are gone or are other machines now, and whether one of them still is a name."""
    kept = set(map(id, after))
    changed = [host for host in before if id(host) not in kept]
    names = {host.name for host in changed}
    places = {host.name: host.place for host in after if host.name in names}
    gone = {host.name for host in changed if places.get(host.name) != host.place}
    return gone, not gone.isdisjoint(places)
