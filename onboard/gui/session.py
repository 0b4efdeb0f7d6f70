"""The window's data, put together from its parts. Pages store none of it."""

from pathlib import Path

from PySide6.QtCore import QObject

from onboard.gui.commands import Commands
from onboard.gui.orders import Orders
from onboard.gui.practice import Practice
from onboard.gui.profile_editor import ProfileEditor
from onboard.home import home
from onboard.wizard.view import View


class Session(QObject):
    """Its parts do the work, and signal that something changed; receivers read `view`.

    editor    the profile in use: edited, opened, saved
    orders    the orders given to the engine: those that run or wait, and how they are held
    commands  starts commands and folds their events into States
    practice  the practice cloud and servers
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.editor = ProfileEditor(self)
        self.orders = Orders(self)
        self.commands = Commands(self.editor.file, self.orders, self)
        self.practice = Practice(self.editor, self.orders.engine, self)
        self.editor.editing.connect(self.commands.forget_outdated)
        self.editor.leaving.connect(self.commands.forget_all)
        self.editor.leaving.connect(self.practice.leave)

    @property
    def view(self) -> View:
        file, told, orders = self.editor.file, self.commands.told, self.orders
        return View(
            draft=file.draft,
            saved=file.saved,
            path=file.path,
            states=told.states,
            running=orders.running,
            practice=self.practice.child.is_up,
            held=orders.held,
            logs=told.logs,
            progresses=told.progresses,
            ordered=orders.commands,
            asked=self.commands.asked,
            mistakes=file.mistakes,
            is_replayed=told.is_replayed,
        )

    @property
    def home(self) -> Path:
        """The folder that the engine's own files are in: practice's, or this user's."""
        return self.practice.child.home if self.practice.child.is_up else home()

    def close(self) -> None:
        """End both child processes. Waits until work on servers has reached a point where it can be resumed."""
        self.commands.close()
        self.orders.close()
        self.practice.child.close()
