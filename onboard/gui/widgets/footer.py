"""The line at the bottom: what blocks or warns, in words; Back; and one button that names the next page."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.text import tr
from onboard.gui.theme import S8, S12, S16
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.label import ElidedLabel, Glyph, Line
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.tips import set_tip


class Footer(QFrame):
    """Emits `back` and `forward` when these buttons are pressed."""

    back = Signal()
    forward = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "surface")
        self._command = ""
        self._glyph = Glyph(Mark.WARN.glyph, Mark.WARN.tone)
        self._message = ElidedLabel(tone="muted")
        self._copy = CopyButton(tr("Copy as comman&d"), lambda: self._command, kind=Kind.LINK)
        set_tip(self._copy, tr("Copies the command line that does the same"))
        self.back_button = Button(tr("&Back"))
        self.primary = Button("", kind=Kind.PRIMARY)
        self.back_button.clicked.connect(self.back)
        self.primary.clicked.connect(self.forward)
        name_parts(
            message=self._message, glyph=self._glyph, copy=self._copy, primary=self.primary, back=self.back_button
        )
        row = QHBoxLayout()
        row.setContentsMargins(S16, S12, S16, S12)
        row.setSpacing(S8)
        row.addWidget(self._glyph)
        row.addWidget(self._message)
        row.addWidget(self._copy)
        row.addStretch()
        row.addWidget(self.back_button)
        row.addWidget(self.primary)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(Line())
        column.addLayout(row)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_message("")
        self.offer_command("")
        self.set_back(False)
        self.set_primary("")

    def set_message(self, text: str, mark: Mark | None = None) -> None:
        """Set a message that blocks (`Mark.BAD`), warns (`Mark.WARN`) or informs (None)."""
        words = {Mark.BAD: tr("Blocked"), Mark.WARN: tr("Warning")}
        self._glyph.setVisible(mark is not None)
        if mark is not None:
            self._glyph.set_mark(mark, words.get(mark, ""))
        self._message.setText(text)
        self._message.setVisible(bool(text))

    def offer_command(self, command: str) -> None:
        """Set the command line that does the same as this page; "" if there is none."""
        if command != self._command:
            self._copy.rest()
        self._command = command
        self._copy.setVisible(bool(command))

    def set_back(self, possible: bool) -> None:
        self.back_button.setVisible(possible)

    def set_primary(self, text: str, *, enabled: bool = True, tip: str = "") -> None:
        """`text` names where the button goes: `tr("&Next: {page}", page=…)`; "" if the page has its own button."""
        self.primary.setText(text)
        self.primary.setEnabled(enabled)
        set_tip(self.primary, tip)
        self.primary.setVisible(bool(text))

    def message(self) -> str:
        return self._message.text()
