"""Text exactly as it was seen or is to be typed, in the system's fixed font."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QTextOption
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from onboard.gui.text import tr
from onboard.gui.theme import S4, Role, Theme
from onboard.gui.widgets.button import Kind
from onboard.gui.widgets.copy_button import CopyButton

TALLEST = 14  # lines; a longer text scrolls
FRAME = 2 * 8 + 2  # padding and border above and below, as in app.qss
BARE = 2 * 2


class Verbatim(QPlainTextEdit):
    """As tall as its text, up to TALLEST lines. Read only; selecting and copying work."""

    def __init__(self, name: str, text: str = "", *, framed: bool = True, parent: QWidget | None = None) -> None:
        """`name` is for screen readers. `framed`: in a raised box; otherwise like a value within other text."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setProperty("ground", "raised" if framed else "none")
        self._frame = FRAME if framed else BARE
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.setFont(Theme.current().font(Role.FIXED))
        Theme.current().changed.connect(self._restyle)
        self.setPlainText(text)
        self._fit()

    def set_text(self, text: str) -> None:
        if text != self.toPlainText():
            self.setPlainText(text)
            self._fit()

    def _restyle(self) -> None:
        self.setFont(Theme.current().font(Role.FIXED))
        self._fit()

    def _fit(self) -> None:
        # A plain text document reports its height in lines, once it has been laid out for a width.
        lines = min(max(round(self.document().size().height()), 1), TALLEST)
        self.setFixedHeight(round(lines * self.fontMetrics().lineSpacing()) + self._frame)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()
        now = self.viewport().size()
        if now.width() != event.size().width():  # the height brought a scroll bar, and no event reports the new width
            super().resizeEvent(QResizeEvent(now, event.size()))
            self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()


class Commands(QWidget):
    """Commands to type, each with its own copy button. Takes no space while there are none."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """`name` is what a screen reader says."""
        super().__init__(parent)
        self._name = name
        self._shown: tuple[str, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(S4)
        self.hide()

    @property
    def commands(self) -> tuple[str, ...]:
        return self._shown

    def set_commands(self, commands: Sequence[str]) -> None:
        """Show these commands. The same commands again change nothing, so that selected text stays selected."""
        self.setVisible(bool(commands))
        if tuple(commands) == self._shown:
            return
        self._shown = tuple(commands)
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for command in commands:
            self._column.addWidget(Command(self._name, command))


class Command(QWidget):
    """A command to copy."""

    def __init__(self, name: str, command: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = Verbatim(name, command)
        self._copy = CopyButton(tr("Co&py"), lambda: command, kind=Kind.LINK, small=True)
        self._copy.setAccessibleName(tr("Copy: {command}", command=command))
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self._copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S4)
        column.addWidget(self._text)
        column.addLayout(row)
