"""Policies and diffs: a long text in the system's fixed font, to read and copy."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from onboard.gui.theme import Role, Theme

_TONES = {"+": "ok", "-": "bad"}


class TextView(QPlainTextEdit):
    """`set_text` shows a text as it is; `set_diff` shows a unified diff, coloured, with its + and − kept."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """`name` is for screen readers."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._is_diff = False
        Theme.current().changed.connect(self._restyle)
        self._restyle()

    def set_text(self, text: str) -> None:
        self._show(text, is_diff=False)

    def set_diff(self, diff: str) -> None:
        self._show(diff, is_diff=True)

    def _show(self, text: str, *, is_diff: bool) -> None:
        if (text, is_diff) == (self.toPlainText(), self._is_diff):
            return
        self._is_diff = is_diff
        self.setPlainText(text)
        self._colour()

    def _restyle(self) -> None:
        self.setFont(Theme.current().font(Role.FIXED))
        self._colour()

    def _colour(self) -> None:
        """Colour the background of each line over the full width. Other lines are reset: the theme may have changed."""
        theme = Theme.current()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        block = self.document().firstBlock()
        while block.isValid():
            tone = _tone(block.text()) if self._is_diff else ""
            ground, letters = QTextBlockFormat(), QTextCharFormat()
            ground.setBackground(QBrush(theme.colour(f"{tone}_soft")) if tone in ("ok", "bad") else QBrush())
            letters.setForeground(theme.colour(tone or "text"))
            cursor.setPosition(block.position())
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.setBlockFormat(ground)
            cursor.setCharFormat(letters)
            block = block.next()
        cursor.endEditBlock()


def _tone(line: str) -> str:
    if line.startswith(("@@", "---", "+++")):
        return "muted"
    return _TONES.get(line[:1], "")
