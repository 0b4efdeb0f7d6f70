"""The profile in use: edits, opens and saves it."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from onboard.model.errors import Problem
from onboard.model.profile import Profile
from onboard.profiles.file import load_unfinished
from onboard.wizard import draft as drafts
from onboard.wizard.draft_file import DraftFile


class ProfileEditor(QObject):
    """Signals what happens to `file`, the draft and the file that it belongs to.

    editing           the draft is about to be edited: the profile before, and after
    draft_changed     the profile was edited, opened or saved
    leaving           another profile is about to be used: its path, None before it has one
    opened            another profile is in use; `draft_changed` follows
    mistakes_changed  a field became invalid or valid
    """

    editing = Signal(object, object)
    draft_changed = Signal()
    leaving = Signal(object)
    opened = Signal()
    mistakes_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.file = DraftFile()

    @property
    def draft(self) -> Profile:
        return self.file.draft

    def edit(self, profile: Profile) -> None:
        """Replace the draft."""
        if profile == self.draft:
            return
        self.editing.emit(self.draft, profile)
        self.file.draft = profile
        self.draft_changed.emit()

    def put(self, key: str, value: object) -> Problem | None:
        """Set one key of the draft. Return a Problem, and change nothing, if the value is invalid."""
        result = drafts.changed(self.draft, key, value)
        if isinstance(result, Problem):
            return result
        self.edit(result)
        return None

    def set_mistake(self, key: str, text: str) -> None:
        """Record why the input in a key's field is invalid and not in the draft; "" if it is valid."""
        if self.file.set_mistake(key, text):
            self.mistakes_changed.emit()

    def new(self) -> None:
        """Start with an empty profile."""
        self.use(Profile(), None, None)

    def open(self, path: Path) -> None:
        """Open a profile. Raises ProfileError, and then keeps the current one."""
        profile = load_unfinished(path)
        self.use(profile, profile, path)

    def save(self, path: Path | None = None) -> None:
        """Save to `path`, or where it came from. Raises ProfileError, OnboardError; ValueError without any path."""
        self.file.save(path)
        self.draft_changed.emit()

    def use(self, profile: Profile, saved: Profile | None, path: Path | None) -> None:
        """Replace the profile in use with this draft, as it was last saved in the file at `path`."""
        self.leaving.emit(path)
        self.file.use(profile, saved, path)
        self.opened.emit()
        self.draft_changed.emit()
