"""Role: the service role as it is or will be, and how an existing one differs from what is needed."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from onboard.gui.asking_page import AskingPage
from onboard.gui.fields import Fields
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import CARD_GAP, S8, Role
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.label import Glyph, Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.text_view import TextView
from onboard.model.events import RoleShown
from onboard.model.state import State


class RolePage(AskingPage):
    stage = "role"
    command = "preview"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        header = PageHeader(
            tr("Service role"),
            tr(
                "Every managed node works under one IAM role. Onboard makes it so that only Systems Manager may "
                "assume it, for this account and Region alone, or looks at one that is there."
            ),
        )
        self._again = Button(tr("&Look again"), icon="refresh")
        self._again.clicked.connect(self.ask)
        header.add_action(self._again)
        self.column.addWidget(header)
        form = KeyValueForm()
        self._fields = Fields(session, form)
        self._fields.bind_text(
            "role.name",
            tr("Role na&me"),
            tr("With its path, no ARN."),
            "OnboardSSMServiceRole",
            needed=tr("Write the role's name"),
        )
        self._fields.bind_check("role.create", "", tr("Crea&te it when it does not exist"))
        settings = Card()
        settings.body.addWidget(form)
        self.column.addWidget(settings)
        self._notice = Banner(Mark.WARN, "")
        self._notice.hide()
        for widget in (self.error, self._notice):
            self.column.addWidget(widget)
        self._cards = (self._documents(), self._difference())
        row = QHBoxLayout()
        row.setSpacing(CARD_GAP)
        for card in self._cards:
            row.addWidget(card, 1)
        self.column.addLayout(row, 1)
        self.column.addStretch()
        self.column.addSpacing(CARD_GAP)

    def _documents(self) -> Card:
        card = Card(tr("What the role needs"))
        self._trust = TextView(tr("Trust policy"))
        self._trust.setPlaceholderText(tr("It is known once AWS was asked."))
        self._policies = Label(tone="muted", wrap=True, selectable=True)
        card.body.addWidget(Label(tr("Trust policy"), tone="muted"))
        card.body.addWidget(self._trust, 1)
        card.body.addWidget(self._policies)
        return card

    def _difference(self) -> Card:
        card = Card(tr("What is there"))
        self._mark = Glyph(Mark.TODO.glyph, Mark.TODO.tone)
        self._state = Label(role=Role.STRONG, wrap=True)
        line = QHBoxLayout()
        line.setSpacing(S8)
        line.addWidget(self._mark)
        line.addWidget(self._state, 1)
        self._changes = Label(wrap=True, selectable=True)
        self._diff = TextView(tr("Differences"))
        card.body.addWidget(self.busy)
        card.body.addLayout(line)
        card.body.addWidget(self._changes)
        card.body.addWidget(self._diff, 1)
        card.body.addStretch()
        return card

    def opened(self) -> None:
        self._fields.forget()

    def draft_changed(self) -> None:
        self._fields.show()
        super().draft_changed()

    def waits_for(self) -> str:
        return tr("Looking at the role")

    def is_answered(self, state: State) -> bool:
        return state.role is not None

    def show_answer(self, state: State) -> None:
        role = state.role
        for card in self._cards:
            card.setVisible(role is not None or state.failure is None)
        for part in (self._mark, self._state):
            part.setVisible(role is not None or not self.is_asking)
        if role is None:
            self._mark.set_mark(Mark.TODO, tr("To do"))
            self._state.setText(tr("Not looked at yet"))
            self._changes.setText("")
            self._diff.hide()
            self._notice.hide()
            return
        self._trust.set_text(role.trust)
        self._policies.setText(tr("Attached: {policies}", policies=", ".join(role.policies)))
        self._show_role(role)
        self._changes.setText("\n".join(f"+ {change}" for change in role.changes))
        self._changes.setVisible(bool(role.changes))
        self._diff.set_diff(role.diff)
        self._diff.setVisible(bool(role.diff))
        said = role.problems or role.warnings
        self._notice.setVisible(bool(said))
        if said:
            mark = Mark.BAD if role.problems else Mark.WARN
            title = tr("The role cannot be used as it is") if role.problems else tr("Worth a look")
            self._notice.show_notice(mark, title, "\n".join(said))

    def _show_role(self, role: RoleShown) -> None:
        if role.problems:
            self._mark.set_mark(Mark.BAD, tr("Blocked"))
            self._state.setText(tr("{name} exists, but does not fit", name=role.name))
        elif role.exists is None:
            self._mark.set_mark(Mark.UNKNOWN, tr("Unknown"))
            self._state.setText(tr("You may not read {name}", name=role.name))
        elif not role.exists:
            self._mark.set_mark(Mark.INFO, tr("New"))
            self._state.setText(tr("{name} will be created", name=role.name))
        elif role.changes:
            self._mark.set_mark(Mark.WARN, tr("Warning"))
            self._state.setText(tr("{name} exists and will be completed", name=role.name))
        elif role.warnings:
            self._mark.set_mark(Mark.WARN, tr("Warning"))
            self._state.setText(tr("{name} is reused as it is", name=role.name))
        else:
            self._mark.set_mark(Mark.DONE, tr("Passed"))
            self._state.setText(tr("{name} is reused as it is", name=role.name))
