"""A button that copies a text and briefly confirms it."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from onboard.gui.text import tr
from onboard.gui.widgets.button import Button, Kind

MOMENT = 2000  # ms


class CopyButton(Button):
    """`copied_text` returns the text when the button is pressed."""

    def __init__(
        self,
        text: str,
        copied_text: Callable[[], str],
        *,
        kind: Kind = Kind.PLAIN,
        small: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, icon="copy", kind=kind, small=small, parent=parent)
        self._label = text
        self._copied_text = copied_text
        self._moment = QTimer(self, singleShot=True, interval=MOMENT)
        self._moment.timeout.connect(self.rest)
        self.clicked.connect(self._copy)

    def rest(self) -> None:
        """Show again what the button does; call it too when the text to copy has changed."""
        self._moment.stop()
        self.setText(self._label)
        self.set_icon("copy")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._copied_text())
        self.setText(tr("Copied"))
        self.set_icon("check")
        self._moment.start()
