"""Rows of a form: a label, an editor, and below it what is wrong with the input and what would be right."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.text import tr
from onboard.gui.theme import S4, S8, S12, S16, Role
from onboard.gui.widgets.column import Column
from onboard.gui.widgets.label import Glyph, Label, restyle
from onboard.gui.widgets.mark import Mark


class _Below(QWidget):
    """The line under an editor: a hint, or what is wrong."""

    def __init__(self, hint: str, parent: QWidget) -> None:
        super().__init__(parent)  # without a parent it would appear as a separate window
        self.hint = hint
        self._glyph = Glyph(Mark.BAD.glyph, Mark.BAD.tone, word=tr("Problem"))
        self._text = Label(role=Role.CAPTION, tone="muted", wrap=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S4)
        row.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        self.say("")

    def say(self, error: str) -> None:
        self._glyph.setVisible(bool(error))
        self._text.setText(error or self.hint)
        self._text.set_tone("bad" if error else "muted")
        self.setVisible(bool(error or self.hint))


def indent(editor: QWidget) -> None:
    """Align the number of a spin box with the text of other editors. Style sheets cannot set its left padding."""
    inner = editor.findChild(QLineEdit) if isinstance(editor, QAbstractSpinBox) else None
    if inner is not None:
        inner.setTextMargins(S12 - 1, 0, 0, 0)


class KeyValueForm(QWidget):
    """Rows are identified by `key`: the key of the profile if the row edits one, so that problems find their row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(S16)
        self._grid.setVerticalSpacing(S12)
        self._grid.setColumnStretch(1, 1)
        self._rows: dict[str, tuple[QLabel, QWidget, _Below]] = {}

    def add_row(
        self, key: str, label: str, editor: QWidget, hint: str = "", beside: QAbstractButton | None = None
    ) -> None:
        """Add a row. `label` has its Alt letter: `tr("&Role name")`. `hint` explains the value while it is valid.

        `beside`: a widget to the right of the editor that helps to fill it in.
        """
        name = QLabel(label)  # not Label: the buddy's Alt letter must be underlined, which plain text does not do
        name.setBuddy(editor)
        indent(editor)
        name.setProperty("tone", "muted")
        editor.setAccessibleName(label.replace("&", ""))
        below = _Below(hint, self)
        name_parts(**{f"{key}-below": below})
        value = Column()
        value.setSpacing(S4)
        line = QHBoxLayout()
        line.setSpacing(S8)
        line.addWidget(editor, 1)
        if beside is not None:
            line.addWidget(beside)
        value.addLayout(line)
        value.addWidget(below)
        row = self._grid.rowCount()
        name.setMinimumHeight(editor.sizeHint().height())
        self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addLayout(value, row, 1)
        self._rows[key] = (name, editor, below)
        self.set_error(key, "")

    def set_error(self, key: str, problem: str, remedy: str = "") -> str:
        """Show what is wrong with a row and what would be right; "" if nothing is wrong.

        Returns the text that the row shows. Raises KeyError if there is no such row.
        """
        _, editor, below = self._rows[key]
        sentences = [part.rstrip(".") + "." for part in (problem, remedy) if part]
        text = " ".join(part[:1].upper() + part[1:] for part in sentences)
        restyle(editor, "invalid", "true" if problem else "false")
        editor.setAccessibleDescription(text or below.hint)
        below.say(text)
        return text

    def clear_errors(self) -> None:
        for key in self._rows:
            self.set_error(key, "")

    def keys(self) -> tuple[str, ...]:
        return tuple(self._rows)

    def editor(self, key: str) -> QWidget:
        return self._rows[key][1]

    def set_row_visible(self, key: str, visible: bool) -> None:
        """Show or hide a row, for rows that depend on a choice. A row that is shown again has no error."""
        name, editor, below = self._rows[key]
        name.setVisible(visible)
        editor.setVisible(visible)
        below.say("")
        below.setVisible(visible and bool(below.hint))
