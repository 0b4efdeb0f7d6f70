"""What an empty place shows: what it is for, and the first action."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from onboard.gui.theme import S8, S16, S24, Role
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.label import Label


class EmptyState(QWidget):
    """Centres its content; the parent places the widget itself."""

    acted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        centre = Qt.AlignmentFlag.AlignHCenter
        self._title = Label(role=Role.SECTION, wrap=True)
        self._text = Label(tone="muted", wrap=True)
        self._button = Button("")
        self._button.clicked.connect(self.acted)
        column = QVBoxLayout(self)
        column.setContentsMargins(S24, S24, S24, S24)
        column.setSpacing(S8)
        column.addStretch()
        for label in (self._title, self._text):
            label.setAlignment(centre)
            column.addWidget(label)
        column.addSpacing(S16 - S8)
        column.addWidget(self._button, 0, centre)
        column.addStretch()
        self.set_texts("", "")

    @property
    def has_text(self) -> bool:
        return bool(self._title.text())

    def set_texts(self, title: str, text: str, action: str = "", icon: str = "") -> None:
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._button.setText(action)
        self._button.setVisible(bool(action))
        self._button.set_icon(icon)
