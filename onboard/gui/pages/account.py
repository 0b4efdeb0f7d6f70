"""Account: the AWS profile in use, the identity behind it, and the permissions it lacks."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from onboard.gui.asking_page import AskingPage
from onboard.gui.models.aws_profiles import AwsProfilesModel
from onboard.gui.session import Session
from onboard.gui.text import date_and_time, tr
from onboard.gui.theme import CARD_GAP, S8, S16, Role, Theme
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.cells import TextCell
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.label import Glyph, Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.top_bar import account_text
from onboard.gui.widgets.verbatim import Verbatim
from onboard.model.profile import Profile
from onboard.model.state import State


class AccountPage(AskingPage):
    stage = "account"
    command = "account"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        header = PageHeader(
            tr("Account"),
            tr("Onboard finds credentials the way AWS's own tools do. It keeps the profile's name, never a key."),
        )
        self._again = Button(tr("Check &again"), icon="refresh")
        self._again.clicked.connect(self.ask)
        header.add_action(self._again)
        self.column.addWidget(header)
        self._model = AwsProfilesModel(self)
        self._table = DataTable(tr("AWS profiles"), sortable=False)
        self._table.setModel(self._model)
        self._model.modelReset.connect(self._table.refit_columns)  # the first list may have been empty
        self._table.set_cell(2, TextCell(elide=Qt.TextElideMode.ElideMiddle))  # the end of a role's ARN is its name
        self._table.picked.connect(self._picked)
        row = QHBoxLayout()
        row.setSpacing(CARD_GAP)
        for part, share in ((self._table, 3), (self._identity_card(), 2)):
            width = part.sizePolicy()
            width.setHorizontalPolicy(QSizePolicy.Policy.Ignored)  # its share, however long an ARN is
            part.setSizePolicy(width)
            row.addWidget(part, share)
        self.column.addLayout(row, 1)
        self.column.addSpacing(CARD_GAP)

    def _identity_card(self) -> Card:
        card = Card(tr("Who am I"))
        self._account = Label(role=Role.FIXED, selectable=True)
        self._arn = Verbatim(tr("ARN"), framed=False)  # can be wider than the card, and has no spaces to break at
        self._partition = Label(selectable=True)
        self._expires = Label(wrap=True, selectable=True)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(S16)
        grid.setVerticalSpacing(S8)
        grid.setColumnStretch(1, 1)
        values: tuple[tuple[str, QWidget], ...] = (
            (tr("Account"), self._account),
            (tr("ARN"), self._arn),
            (tr("Partition"), self._partition),
            (tr("Credentials expire"), self._expires),
        )
        for line, (name, value) in enumerate(values):
            grid.addWidget(Label(name, tone="muted"), line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, line, 1)
        self._facts = QWidget()
        self._facts.setLayout(grid)
        self._glyph = Glyph(Mark.DONE.glyph, Mark.DONE.tone)
        self._permissions = Label(wrap=True, selectable=True)
        line_of_permissions = QHBoxLayout()
        line_of_permissions.setSpacing(S8)
        line_of_permissions.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignTop)
        line_of_permissions.addWidget(self._permissions, 1)
        self._identity = card
        Theme.current().changed.connect(self._fit)
        for widget in (self.error, self.busy, self._facts):
            card.body.addWidget(widget)
        card.body.addLayout(line_of_permissions)
        self.show_answer(State())
        return card

    @Slot()
    def _fit(self) -> None:
        """Give the card its share of the width, but at least what the account number needs."""
        margins = self._identity.body.contentsMargins()
        room = margins.left() + margins.right()
        self._identity.setMinimumWidth(self._facts.minimumSizeHint().width() + room)

    def draft_changed(self) -> None:
        self._show_chosen()
        super().draft_changed()

    def depends_on(self, profile: Profile) -> object:
        """Return the Region that AWS is asked in and the role that the permissions concern."""
        return profile.aws, profile.region.name, profile.role

    def _show_chosen(self) -> None:
        self._table.select_key(self.session.view.draft.aws.profile or "")

    def waits_for(self) -> str:
        return tr("Asking AWS who you are")

    def is_answered(self, state: State) -> bool:
        return state.account is not None

    @Slot()
    def _picked(self) -> None:
        keys = self._table.selected_keys()
        name = str(keys[0]) if keys else ""
        if keys and name != (self.session.view.draft.aws.profile or ""):
            self.session.editor.put("aws.profile", name)

    def show_answer(self, state: State) -> None:
        listed, account = state.aws_profiles, state.account
        if listed is not None:
            self._model.show(listed.profiles, listed.default)
            self._show_chosen()
        self._facts.setVisible(account is not None)
        self._glyph.setVisible(account is not None)
        self._permissions.setVisible(account is not None)
        if account is None:
            return
        self._account.setText(account_text(account.account))
        self._arn.set_text(account.arn)
        self._partition.setText(account.partition)
        self._expires.setText(date_and_time(account.expires) if account.expires else tr("never"))
        self._fit()
        if account.missing:
            self._glyph.set_mark(Mark.WARN, tr("Warning"))
            self._permissions.setText(tr("Missing permissions:\n{names}", names="\n".join(account.missing)))
        elif account.unsure:
            self._glyph.set_mark(Mark.UNKNOWN, tr("Unknown"))
            self._permissions.setText(tr("Permissions could not be checked: {why}", why=account.unsure))
        else:
            self._glyph.set_mark(Mark.DONE, tr("Passed"))
            self._permissions.setText(tr("All required permissions are granted (IAM simulation)."))
