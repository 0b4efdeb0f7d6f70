"""A desktop notification that something ended. Does nothing where the desktop does not support it."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from onboard.gui import icons


class Notice(QObject):
    """Its tray icon is shown only from a message until the window is activated."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._tray: QSystemTrayIcon | None = None

    def tell(self, title: str, text: str) -> None:
        """Show the notification, unless the window is active."""
        window = self._window.window()
        if window.isActiveWindow():
            return
        QApplication.alert(window)
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(icons.app_icon(), self)
            self._tray.messageClicked.connect(self._come)
            self._tray.activated.connect(self._come)
        self._tray.show()
        self._tray.showMessage(title, text)

    def end(self) -> None:
        """Remove the tray icon."""
        if self._tray is not None:
            self._tray.hide()

    def _come(self) -> None:
        window = self._window.window()
        window.showNormal() if window.isMinimized() else window.show()
        window.raise_()
        window.activateWindow()
        self.end()
