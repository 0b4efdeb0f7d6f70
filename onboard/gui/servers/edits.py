"""Undoable edits of the draft's servers and credentials."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

from onboard.gui.session import Session
from onboard.model.profile import Profile


class Edits(QObject):
    """`stack` holds what can be undone. It is cleared when the draft is edited elsewhere."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self._session = session
        self._known: tuple[object, object] = ((), {})

    def draft_changed(self) -> None:
        edited = self._session.view.draft
        if self._known != (edited.hosts, edited.credentials):
            self.stack.clear()  # another profile was opened, or edited elsewhere, so the stack no longer applies
            self._known = (edited.hosts, edited.credentials)

    def change(self, profile: Profile, words: str) -> None:
        """Edit the servers and credentials of the draft. `words` name it for Undo."""
        before = self._session.view.draft
        if (before.hosts, before.credentials) != (profile.hosts, profile.credentials):
            self.stack.push(_Edit(self, before, profile, words))

    def put(self, profile: Profile) -> None:
        """Put the servers and credentials of `profile` into the draft."""
        self._known = (profile.hosts, profile.credentials)
        now = {"hosts": profile.hosts, "credentials": profile.credentials}
        self._session.editor.edit(self._session.view.draft.model_copy(update=now))


class _Edit(QUndoCommand):
    """Holds whole lists: they are immutable and share the servers that did not change."""

    def __init__(self, edits: Edits, before: Profile, after: Profile, words: str) -> None:
        super().__init__(words)
        self._edits, self._before, self._after = edits, before, after

    def redo(self) -> None:
        self._edits.put(self._after)

    def undo(self) -> None:
        self._edits.put(self._before)
