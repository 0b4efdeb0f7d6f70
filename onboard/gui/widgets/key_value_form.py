"""Rows of a form: a name, what is typed or chosen, and below it what is wrong, in words, with what would be right."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QWidget

from onboard.gui.text import tr
from onboard.gui.theme import S4, S8, S12, S16, Role
from onboard.gui.widgets.column import Column
from onboard.gui.widgets.label import Glyph, Label, restyle
from onboard.gui.widgets.mark import Mark


class _Below(QWidget):
    """The line under an editor: a hint, or what is wrong."""

    def __init__(self, hint: str, parent: QWidget) -> None:
        super().__init__(parent)  # without one it would come up as a window of its own
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
    """Have a spin box's figure begin where other editors' text does. Style sheets have no say in its left padding."""
    inner = editor.findChild(QLineEdit) if isinstance(editor, QAbstractSpinBox) else None
    if inner is not None:
        inner.setTextMargins(S12 - 1, 0, 0, 0)


class KeyValueForm(QWidget):
    """Rows are known by `key`, which is the profile's key where the row edits one: problems find their row by it."""

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
        """`label` has its Alt letter: `tr("&Role name")`. `hint` says what is meant, as long as nothing is wrong.

        `beside`: what helps to fill the editor, at its right.
        """
        name = QLabel(label)  # not Label: a buddy's letter has to be underlined, which plain text would not do
        name.setBuddy(editor)
        indent(editor)
        name.setProperty("tone", "muted")
        editor.setAccessibleName(label.replace("&", ""))
        below = _Below(hint, self)
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
        """What is wrong with a row and what would be right; "" when nothing is. KeyError when there is no such row.

        Returns what the row says now.
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
        """Rows that do not matter for what was chosen are not there. A row that comes back has forgotten its error."""
        name, editor, below = self._rows[key]
        name.setVisible(visible)
        editor.setVisible(visible)
        below.say("")
        below.setVisible(visible and bool(below.hint))
