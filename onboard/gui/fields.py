"""Form editors for single profile keys. Valid input goes to the draft; invalid input stays in the field."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLineEdit, QSpinBox

from onboard.gui.profile_editor import ProfileEditor
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.model.errors import Problem
from onboard.model.profile import Profile
from onboard.wizard.draft import tags_from_text, tags_text


class Edits(Protocol):
    """What fields show and edit: the draft of the profile, or a part that is not yet in the draft."""

    @property
    def draft(self) -> Profile: ...

    def put(self, key: str, value: object) -> Problem | None: ...


class Fields:
    """`bind_…` adds a row for a key such as `region.name`; `show` brings the rows up to the draft."""

    def __init__(self, editor: ProfileEditor, form: KeyValueForm, edits: Edits | None = None) -> None:
        """`edits`: shown and edited instead of the draft."""
        self._editor = editor
        self._edits: Edits = edits or editor
        self._form = form
        self._shows: list[Callable[[Profile], None]] = []
        self._typed: set[str] = set()  # keys of fields that are being edited or are invalid

    def bind_text(
        self,
        key: str,
        label: str,
        hint: str = "",
        placeholder: str = "",
        beside: QAbstractButton | None = None,
        needed: str = "",
    ) -> None:
        """A line of text, applied when it loses the focus or Enter is pressed. `needed`: the error for an empty line,
        which is then not applied.
        """

        def read(text: str) -> object:
            return text.strip() or (Problem(key, needed, "") if needed else "")

        self._bind_line(key, label, hint, placeholder, beside, lambda value: str(value or ""), read)

    def bind_list(self, key: str, label: str, hint: str = "", placeholder: str = "") -> None:
        """A line of words separated by commas."""

        def text_of(value: object) -> str:
            return ", ".join(value) if isinstance(value, tuple) else ""

        def words(text: str) -> tuple[str, ...]:
            return tuple(filter(None, map(str.strip, text.split(","))))

        self._bind_line(key, label, hint, placeholder, None, text_of, words)

    def bind_pairs(self, key: str, label: str, hint: str = "", placeholder: str = "") -> None:
        """A line of `KEY=VALUE` pairs separated by commas: tags."""

        def text_of(value: object) -> str:
            return tags_text(value) if isinstance(value, dict) else ""

        self._bind_line(key, label, hint, placeholder, None, text_of, tags_from_text)

    def bind_number(self, key: str, label: str, lowest: int, highest: int, suffix: str = "", hint: str = "") -> None:
        box = QSpinBox()
        box.setRange(lowest, highest)
        box.setSuffix(suffix)
        self._form.add_row(key, label, box, hint)

        def show(profile: Profile) -> None:
            with QSignalBlocker(box):
                box.setValue(int(str(value_of(profile, key))))

        self._shows.append(show)
        box.valueChanged.connect(lambda value: self.put(key, value))

    def bind_check(self, key: str, label: str, text: str, hint: str = "") -> None:
        box = QCheckBox(text)
        self._form.add_row(key, label, box, hint)

        def show(profile: Profile) -> None:
            with QSignalBlocker(box):
                box.setChecked(bool(value_of(profile, key)))

        self._shows.append(show)
        box.toggled.connect(lambda checked: self.put(key, checked))

    def show(self) -> None:
        """Show the draft. A field that is being edited or is invalid is left unchanged."""
        for show in self._shows:
            show(self._edits.draft)

    def forget(self) -> None:
        """Drop invalid input, because another profile was opened."""
        self._typed.clear()
        self._form.clear_errors()
        keys = self._form.keys()
        for key in keys:
            self._editor.set_mistake(key, "")

    def put(self, key: str, value: object) -> None:
        """Set a key of the draft. An invalid value is reported at its row."""
        problem = value if isinstance(value, Problem) else self._edits.put(key, value)
        if problem is None:
            self._typed.discard(key)
            self._editor.set_mistake(key, self._form.set_error(key, ""))
            self.show()
        else:
            self._typed.add(key)
            self._editor.set_mistake(key, self._form.set_error(key, problem.problem, problem.remedy))

    def _bind_line(
        self,
        key: str,
        label: str,
        hint: str,
        placeholder: str,
        beside: QAbstractButton | None,
        text_of: Callable[[object], str],
        read: Callable[[str], object],
    ) -> None:
        """Bind a line: `text_of` turns a value into text, `read` turns text into a value or a Problem."""
        line = QLineEdit()
        line.setPlaceholderText(placeholder)
        self._form.add_row(key, label, line, hint, beside)

        def show(profile: Profile) -> None:
            text = text_of(value_of(profile, key))
            if key not in self._typed and line.text() != text:
                line.setText(text)

        self._shows.append(show)
        line.textEdited.connect(lambda: self._typed.add(key))
        line.editingFinished.connect(lambda: self.put(key, read(line.text())))


def value_of(profile: Profile, key: str) -> object:
    """Return the value of a key such as `network.endpoints.ssm`."""
    value: object = profile
    for name in key.split("."):
        value = getattr(value, name)
    return value
