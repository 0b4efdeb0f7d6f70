"""A dialog over a page: content, its problems in words, and one primary button that names what it does."""

import textwrap
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QShowEvent
from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from onboard.gui.text import plural, tr
from onboard.gui.theme import S8, S12, S16, S24, Role, Theme
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.label import Label
from onboard.model.errors import Problem
from onboard.model.profile import Profile

SHOWN = 6  # problems listed
LONGEST = 160  # characters of one problem, which may quote a pasted line


class Sheet(QDialog):
    """`body` takes the content, `left` goes to the left of the buttons."""

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        lead: str = "",
        *,
        primary: str = "",
        leave: str = "",
        letters: int = 88,
    ) -> None:
        """`letters`: width in characters, so that it grows with the text."""
        super().__init__(parent)
        self.setWindowTitle(title)
        self.body = QVBoxLayout()
        self.body.setSpacing(S12)
        self.left = QHBoxLayout()
        self.left.setSpacing(S8)
        self.primary = Button(primary, kind=Kind.PRIMARY)
        self.primary.setDefault(True)
        self.primary.clicked.connect(self.accept)
        self.leave = Button(leave or tr("&Cancel"))
        self.leave.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(S8)
        buttons.addLayout(self.left)
        buttons.addStretch()
        buttons.addWidget(self.leave)
        buttons.addWidget(self.primary)
        column = QVBoxLayout(self)
        column.setContentsMargins(S24, S24, S24, S16)
        column.setSpacing(S16)
        column.addWidget(Label(title, role=Role.TITLE, wrap=True))
        if lead:
            column.addWidget(Label(lead, tone="muted", wrap=True))
        column.addLayout(self.body, 1)
        column.addLayout(buttons)
        self.primary.setVisible(bool(primary))  # only now that it has a parent, or it would appear as a window
        wanted = QFontMetrics(Theme.current().font(Role.BODY)).averageCharWidth() * letters
        self.setMinimumWidth(min(wanted, self.screen().availableGeometry().width() - 2 * S24))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        self._put_buttons_last()
        first = self._first_of_content()
        if self.focusWidget() is None and first is not None:
            first.setFocus(Qt.FocusReason.OtherFocusReason)
        super().showEvent(event)
        QTimer.singleShot(0, self, self.grow)  # after the content knows its width

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest and self.isVisible():  # an error appeared
            QTimer.singleShot(0, self, self.grow)
        return super().event(event)

    def _put_buttons_last(self) -> None:
        """Move the buttons, which were made first, to the end of the Tab order."""
        left = [item.widget() for place in range(self.left.count()) if (item := self.left.itemAt(place))]
        for button in (*left, self.leave, self.primary):
            last = self.previousInFocusChain()
            while last is not None and not last.focusPolicy() & Qt.FocusPolicy.TabFocus:
                last = last.previousInFocusChain()
            if button is not None and last not in (None, button):
                self.setTabOrder(last, button)

    def _first_of_content(self) -> QWidget | None:
        found = self.nextInFocusChain()
        while found is not None and found is not self:
            takes_keys = found.focusPolicy() & Qt.FocusPolicy.TabFocus and found.isEnabled() and found.isVisibleTo(self)
            if takes_keys and not isinstance(found, Button):
                return found
            found = found.nextInFocusChain()
        return None

    def grow(self) -> None:
        """Grow to the height that the content needs at this width. Qt's size hint does not count wrapped lines."""
        layout = self.layout()
        if layout is not None:
            needed = min(layout.totalHeightForWidth(self.width()), self.screen().availableGeometry().height() - S24)
            self.resize(self.width(), max(self.height(), needed))

    def done(self, result: int) -> None:
        """Ends, and is not needed any more: whoever asked takes what he needs now."""
        super().done(result)
        self.deleteLater()


def show_problem(form: KeyValueForm, problem: Problem | None) -> None:
    """Under the field that it names, or under the first; None takes all away."""
    form.clear_errors()
    if problem is not None:
        named = problem.key.rpartition(".")[2].rpartition(" ")[2]
        keys = [key for key in form.keys() if not form.editor(key).isHidden()]  # noqa: SIM118 - a form is no dictionary
        form.set_error(named if named in keys else keys[0], problem.problem, problem.remedy)


class Problems(Label):
    """The first few of a list of problems, one a line."""

    def __init__(self) -> None:
        super().__init__(tone="bad", wrap=True, selectable=True)
        self.hide()

    def show_problems(self, problems: Sequence[Problem]) -> None:
        lines = [textwrap.shorten(str(problem), LONGEST, placeholder=" …") for problem in problems[:SHOWN]]
        if len(problems) > SHOWN:
            lines.append(plural("… and {n} more", "… and {n} more", len(problems) - SHOWN))
        self.setText("\n".join(lines))
        self.setVisible(bool(lines))


def credential_box(profile: Profile, chosen: str, *, empty: str = "") -> QComboBox:
    """Credentials of the profile, and those that servers use; another name may be typed. `empty`: for no choice."""
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.addItems(credential_names(profile))
    box.setCurrentText(chosen)
    line = box.lineEdit()
    if line is not None and empty:
        line.setPlaceholderText(empty)
    return box


def credential_names(profile: Profile) -> list[str]:
    used: Iterable[str] = (host.credential for host in profile.hosts)
    return list(dict.fromkeys([*profile.credentials, *used])) or ["default"]
