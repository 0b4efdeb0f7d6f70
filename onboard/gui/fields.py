"""Editors of single keys of the profile, in a form: what is typed goes to the draft, what is wrong stays typed."""

from collections.abc import Callable

from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QLineEdit, QSpinBox

from onboard.gui.session import Session
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.model.profile import Profile


class Fields:
    """`bind_…` adds a row for a key such as `region.name`; `show` brings the rows up to the draft."""

    def __init__(self, session: Session, form: KeyValueForm) -> None:
        self._session = session
        self._form = form
        self._shows: list[Callable[[Profile], None]] = []

    def bind_text(
        self, key: str, label: str, hint: str = "", placeholder: str = "", beside: QAbstractButton | None = None
    ) -> QLineEdit:
        """A line of text, taken when it is left or Enter is pressed."""
        line = QLineEdit()
        line.setPlaceholderText(placeholder)
        self._form.add_row(key, label, line, hint, beside)
        line.editingFinished.connect(lambda: self._put(key, line.text().strip()))

        def show(profile: Profile) -> None:
            value = value_of(profile, key)
            text = ", ".join(value) if isinstance(value, tuple) else str(value or "")
            if not line.hasFocus() and line.text() != text and not line.property("wrong"):
                line.setText(text)

        self._shows.append(show)
        return line

    def bind_number(
        self, key: str, label: str, lowest: int, highest: int, suffix: str = "", hint: str = ""
    ) -> QSpinBox:
        box = QSpinBox()
        box.setRange(lowest, highest)
        box.setSuffix(suffix)
        self._form.add_row(key, label, box, hint)
        self._shows.append(lambda profile: _quietly(box, lambda: box.setValue(int(str(value_of(profile, key))))))
        box.valueChanged.connect(lambda value: self._put(key, value))
        return box

    def bind_check(self, key: str, label: str, text: str, hint: str = "") -> QCheckBox:
        box = QCheckBox(text)
        self._form.add_row(key, label, box, hint)
        self._shows.append(lambda profile: _quietly(box, lambda: box.setChecked(bool(value_of(profile, key)))))
        box.toggled.connect(lambda checked: self._put(key, checked))
        return box

    def bind_list(self, key: str, label: str, hint: str = "", placeholder: str = "") -> QLineEdit:
        """Words with commas between them."""
        line = self.bind_text(key, label, hint, placeholder)
        line.editingFinished.disconnect()
        line.editingFinished.connect(
            lambda: self._put(key, tuple(filter(None, map(str.strip, line.text().split(",")))))
        )
        return line

    def bind_pairs(self, key: str, label: str, hint: str = "", placeholder: str = "") -> QLineEdit:
        """`key=value` with commas between them, such as tags."""
        line = QLineEdit()
        line.setPlaceholderText(placeholder)
        self._form.add_row(key, label, line, hint)

        def put() -> None:
            pairs = [part.partition("=") for part in line.text().split(",") if part.strip()]
            unfinished = next((name.strip() for name, equals, _ in pairs if not equals), "")
            if unfinished:
                self._form.set_error(key, f"{unfinished} has no value", "Write key=value, with commas between")
                line.setProperty("wrong", True)
                return
            self._put(key, {name.strip(): value.strip() for name, _, value in pairs})

        def show(profile: Profile) -> None:
            values = value_of(profile, key)
            text = ", ".join(f"{name}={value}" for name, value in values.items()) if isinstance(values, dict) else ""
            if not line.hasFocus() and line.text() != text and not line.property("wrong"):
                line.setText(text)

        line.editingFinished.connect(put)
        self._shows.append(show)
        return line

    def show(self) -> None:
        """Show the draft. A field that is being typed in, or holds something wrong, is left as it is."""
        for show in self._shows:
            show(self._session.view.draft)

    def _put(self, key: str, value: object) -> None:
        problem = self._session.put(key, value)
        editor = self._form.editor(key)
        editor.setProperty("wrong", problem is not None)
        if problem is None:
            self._form.set_error(key, "")
        else:
            self._form.set_error(key, problem.problem, problem.remedy)


def value_of(profile: Profile, key: str) -> object:
    """The value of a key such as `network.endpoints.ssm`."""
    value: object = profile
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _quietly(box: QSpinBox | QCheckBox | QComboBox, change: Callable[[], object]) -> None:
    """Show a value without telling the draft of it again."""
    was = box.blockSignals(True)
    change()
    box.blockSignals(was)
