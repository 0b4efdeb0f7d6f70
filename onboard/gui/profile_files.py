"""The profile's file: new, open, save, and the questions before unsaved changes are lost."""

from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMainWindow

from onboard.gui.dialogs import ask, save_path, show_error
from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.model.changes import CHANGING
from onboard.model.errors import OnboardError
from onboard.wizard import recent, recovery

AUTOSAVE = 2_000  # milliseconds after the last edit


class ProfileFiles(QObject):
    """Shows its dialogs over `window`. Also keeps unsaved changes in case of a crash."""

    begun = Signal()
    """Emitted when a new, empty profile is used."""

    opened = Signal()
    """Emitted when a profile was opened or restored."""

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self._autosave = QTimer(self, singleShot=True, interval=AUTOSAVE)
        self._autosave.timeout.connect(self._keep_draft)
        name_parts(autosave=self._autosave)
        session.editor.draft_changed.connect(self._autosave.start)

    @Slot()
    def new(self) -> None:
        if self.may_discard():
            self._session.editor.new()
            self.begun.emit()

    @Slot()
    def choose(self) -> None:
        kinds = tr("Profiles (*.toml);;All files (*)")
        name, _ = QFileDialog.getOpenFileName(self._window, tr("Open a profile"), "", kinds)
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> bool:
        """Open a profile if unsaved changes may be discarded. Return False, and show why, if it cannot be read."""
        if not self.may_discard():
            return False
        path = path.absolute()  # runs and recent profiles are stored by absolute path
        try:
            self._session.editor.open(path)
        except OnboardError as error:
            show_error(self._window, tr("The profile was not opened"), error)
            return False
        recent.remember(self._session.view)
        self.opened.emit()
        return True

    def take_up(self, left: recovery.Left) -> None:
        """Restore a draft that a crash left."""
        if self.may_discard():
            self._session.editor.use(left.draft, left.saved, left.path)
            recovery.forget(left.file)
            self.opened.emit()

    @Slot()
    def save(self) -> bool:
        self.take_typing()
        path = self._session.view.path
        if path is None:
            return self.save_as()
        if self._session.editor.file.is_changed_elsewhere:
            text = tr(
                "{name} was changed by another program since it was opened. Saving will overwrite those changes.",
                name=path.name,
            )
            replace, cancel = tr("&Replace it"), tr("&Cancel")
            if ask(self._window, tr("Save the profile"), text, replace, cancel, default=1) != 0:
                return False
        return self._save(path)

    @Slot()
    def save_as(self) -> bool:
        self.take_typing()
        kinds = {"toml": tr("Profiles (*.toml)")}
        path = save_path(self._window, tr("Save the profile"), Path("onboard.toml"), kinds)
        return path is not None and self._save(path)

    def _save(self, path: Path) -> bool:
        try:
            self._session.editor.save(path)
        except OnboardError as error:
            show_error(self._window, tr("The profile was not saved"), error)
            return False
        recovery.forget()
        recent.remember(self._session.view)
        return True

    def take_typing(self) -> None:
        """Apply the input of the focused field, as if it had lost the focus."""
        field = self._window.focusWidget()
        if field is not None:
            field.clearFocus()
            field.setFocus(Qt.FocusReason.OtherFocusReason)

    def may_discard(self) -> bool:
        """Ask if a run is in progress or changes are unsaved. Return whether both may be given up."""
        self.take_typing()
        if not self._may_stop():
            return False
        view = self._session.view
        if not view.is_edited or self._session.practice.owns(view.path):
            return True
        answer = ask(
            self._window,
            tr("Unsaved changes"),
            tr("The profile has unsaved changes. Save them?"),
            tr("&Save"),
            tr("&Discard"),
            tr("&Cancel"),
            default=0,
        )
        return self.save() if answer == 0 else answer == 1

    def _may_stop(self) -> bool:
        if self._session.view.running not in CHANGING:
            return True
        text = tr("Stop it? Servers in progress finish their step (up to a minute). You can resume later.")
        return ask(self._window, tr("A run is in progress"), text, tr("&Stop"), tr("&Keep running"), default=1) == 0

    # In case of a crash

    @Slot()
    def _keep_draft(self) -> None:
        view = self._session.view
        try:
            if view.is_edited and not self._session.practice.owns(view.path):
                recovery.keep(view)
            else:
                recovery.forget()
        except OnboardError as error:
            self._window.statusBar().showMessage(str(error), 10_000)

    def close(self) -> None:
        """Delete the saved draft, because the window closes normally."""
        self._autosave.stop()
        recovery.forget()
