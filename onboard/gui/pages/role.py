"""Role: the service role as it is or will be, and how an existing role differs from what is needed."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from onboard.gui.preview_page import PreviewPage
from onboard.gui.session import Session
from onboard.gui.text import say, tr
from onboard.gui.theme import CARD_GAP
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.text_view import TextView
from onboard.model.events import RoleShown
from onboard.model.state import State
from onboard.model.words import texts_of


class RolePage(PreviewPage):
    stage = "role"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        header = PageHeader(
            tr("Service role"),
            tr(
                "Every managed node uses one IAM role. Onboard creates a role that only Systems Manager can "
                "assume, for this account and Region alone, or audits an existing one."
            ),
        )
        self._again = Button(tr("&Look again"), icon="refresh")
        self._again.clicked.connect(self.ask)
        header.add_action(self._again)
        self.column.addWidget(header)
        self.fields.bind_text(
            "role.name",
            tr("Role na&me"),
            tr("Role name, optionally with its path. Not an ARN."),
            "OnboardSSMServiceRole",
            needed=tr("Enter the role's name"),
        )
        self.fields.bind_check("role.create", "", tr("Crea&te it when it does not exist"))
        settings = Card()
        settings.body.addWidget(self.form)
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
        self._trust.setPlaceholderText(tr("Shown once AWS has answered."))
        self._policies = Label(tone="muted", wrap=True, selectable=True)
        card.body.addWidget(Label(tr("Trust policy"), tone="muted"))
        card.body.addWidget(self._trust, 1)
        card.body.addWidget(self._policies)
        return card

    def _difference(self) -> Card:
        card = Card(tr("The role as it is"))
        self._changes = Label(wrap=True, selectable=True)
        self._diff = TextView(tr("Differences"))
        card.body.addWidget(self.busy)
        card.body.addWidget(self.status)
        card.body.addWidget(self._changes)
        card.body.addWidget(self._diff, 1)
        card.body.addStretch()
        return card

    def waits_for(self) -> str:
        return tr("Reading the role")

    def is_answered(self, state: State) -> bool:
        return state.role is not None

    def show_answer(self, state: State) -> None:
        role = state.role
        for card in self._cards:
            card.setVisible(role is not None or state.failure is None)
        self.status.setVisible(role is not None or not self.is_asking)
        if role is None:
            self.status.show_status(Mark.TODO, tr("To do"), tr("Not checked yet"))
            self._changes.setText("")
            self._diff.hide()
            self._notice.hide()
            return
        self._trust.set_text(role.trust)
        self._policies.setText(tr("Attached: {policies}", policies=", ".join(role.policies)))
        self._show_role(role)
        self._changes.setText("\n".join(f"+ {say(change)}" for change in texts_of(role.changes, role.phrasings)))
        self._changes.setVisible(bool(role.changes))
        self._diff.set_diff(role.diff)
        self._diff.setVisible(bool(role.diff))
        said = role.problems or role.warnings
        self._notice.setVisible(bool(said))
        if said:
            mark = Mark.BAD if role.problems else Mark.WARN
            title = tr("The role cannot be used as it is") if role.problems else tr("Check this")
            self._notice.show_notice(mark, title, "\n".join(map(say, texts_of(said, role.phrasings))))

    def _show_role(self, role: RoleShown) -> None:
        if role.problems:
            self.status.show_status(Mark.BAD, tr("Blocked"), tr("{name} exists but is not suitable", name=role.name))
        elif role.exists is None:
            self.status.show_status(
                Mark.UNKNOWN, tr("Unknown"), tr("You have no permission to read {name}", name=role.name)
            )
        elif not role.exists:
            self.status.show_status(Mark.INFO, tr("New"), tr("{name} will be created", name=role.name))
        elif role.changes:
            self.status.show_status(Mark.WARN, tr("Warning"), tr("{name} exists and will be extended", name=role.name))
        elif role.warnings:
            self.status.show_status(Mark.WARN, tr("Warning"), tr("{name} will be reused unchanged", name=role.name))
        else:
            self.status.show_status(Mark.DONE, tr("Passed"), tr("{name} will be reused unchanged", name=role.name))
