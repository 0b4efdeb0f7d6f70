"""Practice in the window: starts the practice cloud and servers, and lets the engine work on them."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from onboard.gui.engine_child import EngineChild
from onboard.gui.practice_child import PracticeChild
from onboard.gui.profile_editor import ProfileEditor
from onboard.gui.text import tr
from onboard.model.profile import Profile


class Practice(QObject):
    """Opens practice's own profile once practice is up, and ends practice when another profile is used.

    started  the cloud and servers are being started
    ready    practice is up and its profile is open
    failed   practice did not start, or ended unexpectedly: what happened, and why
    """

    started = Signal()
    ready = Signal()
    failed = Signal(str, str)

    def __init__(self, editor: ProfileEditor, engine: EngineChild, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editor, self._engine = editor, engine
        self._before: Profile | None = None  # the draft when practice was started
        self.child = PracticeChild(self)
        self.child.ready.connect(self._is_up)
        self.child.failed.connect(self._did_not_start)
        self.child.ended.connect(self._ended)

    def start(self, hosts: int | None = None, *more: str) -> None:
        """Start practice with so many servers, and with `more` arguments of `onboard practice`."""
        self._before = self._editor.draft
        self.started.emit()
        self.child.start([*([f"--hosts={hosts}"] if hosts is not None else []), *more])

    def owns(self, path: Path | None) -> bool:
        """Whether this profile's file belongs to practice and is deleted with it, so that there is nothing to save."""
        return self.child.is_running and path is not None and path.parent == self.child.folder

    @Slot(object)
    def leave(self, path: Path | None) -> None:
        """End practice, unless the profile that will be used is its own."""
        if self.child.is_running and not self.owns(path):
            self.child.close()
            self._engine.use(None)

    @Slot()
    def _is_up(self) -> None:
        if self._editor.draft != self._before:
            self.child.close()
            why = tr("The open profile was edited in the meantime, and the changes would have been lost")
            self.failed.emit(tr("Practice was not opened"), why)
            return
        self._engine.use(self.child.environment())
        self._editor.open(self.child.folder / "profile.toml")
        self.ready.emit()

    @Slot(str)
    def _did_not_start(self, said: str) -> None:
        self.failed.emit(tr("Practice did not start"), said)

    @Slot(str)
    def _ended(self, said: str) -> None:
        """Practice ended: its cloud, servers and profile are gone."""
        self._engine.use(None)
        self._editor.new()
        self.failed.emit(tr("Practice stopped unexpectedly"), said)
