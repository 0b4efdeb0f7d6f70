"""The title of a page, and one or two sentences that explain what matters on it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.theme import S4, S24, Role, Theme
from onboard.gui.widgets.column import Column
from onboard.gui.widgets.label import Label

LINE_LENGTH = 88  # longest line that is easy to read, in average characters


class PageHeader(QWidget):
    """Title and lead on the left, actions on the right."""

    def __init__(self, title: str, lead: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = Label(title, role=Role.TITLE, wrap=True)
        self._lead = Label(lead, tone="muted", wrap=True)
        name_parts(title=self._title, lead=self._lead)
        texts = Column()
        texts.setSpacing(S4)
        texts.addWidget(self._title)
        texts.addWidget(self._lead)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(S4)
        self._actions.setAlignment(Qt.AlignmentFlag.AlignBottom)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S24)
        row.addLayout(texts, 1000)
        row.addStretch(1)
        row.addLayout(self._actions)
        self.setSizePolicy(
            QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum
        )  # Fixed would cut off a lead that wraps
        self.set_lead(lead)
        self._limit()
        Theme.current().changed.connect(self._limit)

    def set_title(self, title: str) -> None:
        self._title.setText(title)

    def set_lead(self, lead: str) -> None:
        self._lead.setText(lead)
        self._lead.setVisible(bool(lead))

    def add_action(self, button: QWidget) -> None:
        """Add a button on the right, in reading order."""
        self._actions.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)

    def _limit(self) -> None:
        metrics = QFontMetrics(Theme.current().font(Role.BODY))
        self._lead.setMaximumWidth(metrics.averageCharWidth() * LINE_LENGTH)
