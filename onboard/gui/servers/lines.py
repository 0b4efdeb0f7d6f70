"""Add servers: typed or pasted, one per line."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from onboard.gui.servers.sheet import Problems, Sheet, credential_box, credential_names
from onboard.gui.text import plural, tr
from onboard.gui.theme import Role, Theme
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.label import Label
from onboard.lists.merge import merged
from onboard.lists.pasted import parse_lines
from onboard.model.errors import Problem, ProfileError
from onboard.model.profile import Host, Profile
from onboard.wizard import draft

PAUSE = 200  # milliseconds after the last key, so that thousands of lines are not parsed at each key


class LinesSheet(Sheet):
    """Once accepted, `profile` contains the servers."""

    def __init__(self, parent: QWidget | None, profile: Profile, text: str = "") -> None:
        super().__init__(
            parent,
            tr("Add servers"),
            tr(
                "One server per line: a name, an address, or both. A port follows a colon. Text after # is a "
                "comment and is ignored."
            ),
            primary=tr("&Add"),
        )
        self.profile = profile
        self._before = profile
        self.lines = QPlainTextEdit()
        self.lines.setAccessibleName(tr("Servers, one per line"))
        self.lines.setPlaceholderText("srv-app-01 10.20.1.11\nsrv-app-02 10.20.1.12:2222\nsrv-db-01.example.com")
        self.lines.setFont(Theme.current().font(Role.FIXED))
        self.lines.setTabChangesFocus(True)
        self.lines.setMinimumHeight(Theme.current().scaled(200))
        self.credential = credential_box(profile, credential_names(profile)[0])
        form = KeyValueForm()
        form.add_row(
            "credential",
            tr("&Log in with"),
            self.credential,
            tr("The name of a credential. “Credentials…” on the page sets it up."),
        )
        self._summary = Label(tone="muted", wrap=True)
        self._problems = Problems()
        self.body.addWidget(self.lines, 1)
        self.body.addWidget(form)
        self.body.addWidget(self._summary)
        self.body.addWidget(self._problems)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self.look)
        self.lines.setPlainText(text)
        self.lines.textChanged.connect(self._pause.start)
        self.credential.editTextChanged.connect(self._pause.start)
        self.look()

    def look(self) -> tuple[Problem, ...]:
        """Parse the lines. Show and return their problems."""
        parsed = parse_lines(self.lines.toPlainText(), self.credential.currentText().strip())
        problems = parsed.problems or self._take(parsed.hosts)
        new = len(self.profile.hosts) - len(self._before.hosts) if not problems else 0
        self._problems.show_problems(problems)
        self._summary.setText("" if problems else self._said(len(parsed.hosts), new))
        self._summary.setVisible(not problems)
        self.primary.setEnabled(new > 0)
        self.primary.setText(plural("&Add {n} server", "&Add {n} servers", new) if new else tr("&Add"))
        return problems

    def _take(self, hosts: tuple[Host, ...]) -> tuple[Problem, ...]:
        try:
            self.profile = draft.with_hosts(self._before, merged(self._before.hosts, hosts, replace=False))
        except ProfileError as error:
            return error.problems
        return ()

    def _said(self, read: int, new: int) -> str:
        if not read:
            return ""
        if new < read:
            return plural("{n} server is already in the list.", "{n} servers are already in the list.", read - new)
        return plural("{n} server recognised.", "{n} servers recognised.", read)

    def accept(self) -> None:
        if not self.look() and self.primary.isEnabled():
            super().accept()
