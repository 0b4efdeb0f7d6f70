"""A surface that groups related content."""

from PySide6.QtWidgets import QFrame, QWidget

from onboard.gui.theme import S8, S12, S16, Role
from onboard.gui.widgets.column import Column
from onboard.gui.widgets.label import Label, restyle


class Card(QFrame):
    """Content goes into `body`. `accent` draws the border in the accent colour: for the choice made or suggested."""

    def __init__(self, title: str = "", *, accent: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body = Column(self)
        self.body.setContentsMargins(S16, S12, S16, S12)
        self.body.setSpacing(S8)
        self.set_accent(accent)
        if title:
            self.setAccessibleName(title)
            self.body.addWidget(Label(title, role=Role.SECTION, wrap=True))

    def set_accent(self, accent: bool) -> None:
        restyle(self, "card", "accent" if accent else "plain")
