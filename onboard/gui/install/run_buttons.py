"""The buttons that pause, resume and stop a run."""

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtWidgets import QMenu, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import S4
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.tips import set_tip


class PauseButton(Button):
    """Pauses and resumes the run."""

    def __init__(self, session: Session) -> None:
        super().__init__(tr("&Pause"), icon="pause")
        self._session = session
        name_parts(pause=self)
        self.clicked.connect(self._pause_or_go_on)

    def refresh(self) -> None:
        view = self._session.view
        self.setVisible(view.running == "apply")
        self.setText(tr("Res&ume") if view.held == "paused" else tr("&Pause"))
        self.set_icon("play" if view.held == "paused" else "pause")
        self.setEnabled(view.held != "stopping")

    @Slot()
    def _pause_or_go_on(self) -> None:
        if self._session.view.held == "paused":
            self._session.orders.go_on("apply")
        else:
            self._session.orders.pause("apply")


class StopButton(Button):
    """Asks how to stop."""

    def __init__(self, session: Session) -> None:
        super().__init__(tr("&Stop…"), icon="stop")
        self._session = session
        name_parts(stop=self)
        self.clicked.connect(self.choose)

    def refresh(self) -> None:
        self.setVisible(self._session.view.running == "apply")

    @Slot()
    def choose(self) -> None:
        self._menu(self).popup(self.mapToGlobal(QPoint(0, self.height() + S4)))

    def _menu(self, parent: QWidget) -> QMenu:
        """Return the menu, which deletes itself when it closes."""
        menu = QMenu(parent)
        menu.setToolTipsVisible(True)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        after = menu.addAction(tr("Stop &after the servers in progress"))
        set_tip(after, tr("Servers in progress are finished; no others are started. You can resume later."))
        after.triggered.connect(lambda: self._session.orders.stop("apply"))
        now = menu.addAction(tr("Stop &now"))
        set_tip(now, tr("Interrupts everything except package managers and registrations. You can resume later."))
        now.triggered.connect(lambda: self._session.orders.stop_now("apply"))
        menu.setActiveAction(after)
        return menu
