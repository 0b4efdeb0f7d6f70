"""The live log: time, server, event. It follows new lines while scrolled to the end, and otherwise stays in place."""

from collections import deque
from collections.abc import Iterable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.text import say
from onboard.gui.theme import Role, Theme
from onboard.wizard.log import KEPT, Line

BATCH = 100  # lines written at a time; the others wait until the event loop has run
_TONES = {"info": "text", "well": "ok", "warning": "warn", "bad": "bad"}


class LogView(QPlainTextEdit):
    """Takes lines in batches, keeps the last KEPT, and shows those of the selected servers.

    A line is turned into text only when it is written: in a quick run most are dropped before that.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """`name` is for screen readers."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setMaximumBlockCount(KEPT)
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._waiting: deque[Line] = deque(maxlen=KEPT)  # to be written
        self._writer = QTimer(self, singleShot=True, interval=0)
        self._writer.timeout.connect(self._go_on)
        name_parts(writer=self._writer)
        self._servers: frozenset[str] = frozenset()
        Theme.current().changed.connect(self._restyle)
        self._restyle()

    def append(self, lines: Iterable[Line]) -> None:
        """Add a batch, the oldest first."""
        batch = list(lines)[-KEPT:]
        self._lines.extend(batch)
        self._waiting.extend(line for line in batch if self._is_shown(line))
        self._go_on()

    def show_servers(self, servers: Iterable[str]) -> None:
        """Show only lines of these servers; all lines if none are given."""
        wanted = frozenset(servers)
        if wanted != self._servers:
            self._servers = wanted
            self._rewrite()

    def clear_lines(self) -> None:
        self._lines.clear()
        self._waiting.clear()
        self.clear()

    def _is_shown(self, line: Line) -> bool:
        return not self._servers or line.host in self._servers

    def _restyle(self) -> None:
        self.setFont(Theme.current().font(Role.FIXED))
        self._rewrite()

    def _rewrite(self) -> None:
        self.clear()
        self._waiting = deque((line for line in self._lines if self._is_shown(line)), KEPT)
        self._go_on()
        self._to_end()

    def _go_on(self) -> None:
        self._write([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
        if self._waiting:
            self._writer.start()

    def _write(self, lines: list[Line]) -> None:
        if not lines:
            return
        bar = self.verticalScrollBar()
        at_end, place, count = self._is_at_end(), bar.value(), self.blockCount()
        theme = Theme.current()
        formats = {tone: _format(theme, tone) for tone in {"muted", *_TONES.values()}}
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        empty = self.document().isEmpty()
        for line in lines:
            if not empty:
                cursor.insertBlock()
            empty = False
            text = say(line.text)
            if line.time is not None:
                cursor.insertText(f"{line.time:%H:%M:%S} ", formats["muted"])
            cursor.insertText(f"{line.host} {text}" if line.host else text, formats[_TONES[line.level]])
        cursor.endEditBlock()
        if at_end:
            self._to_end()
        else:  # lines removed at the top shift the text being read: scroll along
            dropped = max(count + len(lines) - KEPT, 0)
            bar.setValue(max(place - dropped, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        at_end = self._is_at_end()
        super().resizeEvent(event)
        if at_end:
            self._to_end()

    def _is_at_end(self) -> bool:
        return self.verticalScrollBar().value() >= self.verticalScrollBar().maximum()

    def _to_end(self) -> None:
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())


def _format(theme: Theme, tone: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(theme.colour(tone))
    return made
