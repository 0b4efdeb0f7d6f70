"""A status: a glyph and a line of text."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from onboard.gui.theme import S8, Role
from onboard.gui.widgets.label import Glyph, Label
from onboard.gui.widgets.mark import Mark


class StatusLine(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = Glyph(Mark.TODO.glyph, Mark.TODO.tone)
        self._text = Label(role=Role.STRONG, wrap=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S8)
        row.addWidget(self._mark)
        row.addWidget(self._text, 1)

    def show_status(self, mark: Mark, word: str, text: str) -> None:
        """`word` is the screen reader text for the mark."""
        self._mark.set_mark(mark, word)
        self._text.setText(text)
