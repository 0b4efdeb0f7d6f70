"""Editors of single keys of the profile, in a form: what is typed goes to the draft, what is wrong stays typed."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLineEdit, QSpinBox

from onboard.gui.session import Session
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.model.errors import Problem
from onboard.model.profile import Profile
from onboard.wizard.draft import tags_from_text, tags_text


class Edits(Protocol):
    """What fields show and edit: the session's draft, or a part of it that is not taken up yet."""

    @property
    def draft(self) -> Profile: ...

    def put(self, key: str, value: object) -> Problem | None: ...


class Fields:
    """`bind_…` adds a row for a key such as `region.name`; `show` brings the rows up to the draft."""

    def __init__(self, session: Session, form: KeyValueForm, edits: Edits | None = None) -> None:
        """`edits`: in place of the session's draft."""
        self._session = session
        self._edits: Edits = edits or session
        self._form = form
        self._shows: list[Callable[[Profile], None]] = []
        self._typed: set[str] = set()  # keys of fields that are being typed in, or hold something wrong

    def bind_text(
        self,
        key: str,
        label: str,
        hint: str = "",
        placeholder: str = "",
        beside: QAbstractButton | None = None,
        needed: str = "",
    ) -> None:
        """A line of text, taken when it is left or Enter is pressed. `needed`: what is said of an empty line, which
        is not taken then.
        """

        def read(text: str) -> object:
            return text.strip() or (Problem(key, needed, "") if needed else "")

        self._bind_line(key, label, hint, placeholder, beside, lambda value: str(value or ""), read)

    def bind_list(self, key: str, label: str, hint: str = "", placeholder: str = "") -> None:
        """Words with commas between them."""

        def text_of(value: object) -> str:
            return ", ".join(value) if isinstance(value, tuple) else ""

        def words(text: str) -> tuple[str, ...]:
            return tuple(filter(None, map(str.strip, text.split(","))))

        self._bind_line(key, label, hint, placeholder, None, text_of, words)

    def bind_pairs(self, key: str, label: str, hint: str = "", placeholder: str = "") -> None:
        """`KEY=VALUE` with commas between them: tags."""

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
        """Show the draft. A field that is being typed in, or holds something wrong, is left as it is."""
        for show in self._shows:
            show(self._edits.draft)

    def forget(self) -> None:
        """Another profile is there: what was typed and was wrong belonged to the former one."""
        self._typed.clear()
        self._form.clear_errors()
        keys = self._form.keys()
        for key in keys:
            self._session.set_mistake(key, "")

    def put(self, key: str, value: object) -> None:
        """Set a key of the draft; what is wrong with the value is said at its row."""
        problem = value if isinstance(value, Problem) else self._edits.put(key, value)
        if problem is None:
            self._typed.discard(key)
            self._session.set_mistake(key, self._form.set_error(key, ""))
            self.show()
        else:
            self._typed.add(key)
            self._session.set_mistake(key, self._form.set_error(key, problem.problem, problem.remedy))

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
        """`text_of` a value is what the line shows, and `read` makes a value of it, or the Problem that it has."""
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
    """The value of a key such as `network.endpoints.ssm`."""
    value: object = profile
    for name in key.split("."):
        value = getattr(value, name)
    return value
