"""Start: a new profile, one from a file, a recent one, or practice."""

from pathlib import Path

from PySide6.QtCore import QModelIndex, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from onboard.gui.models.recents import RecentsModel
from onboard.gui.page import Page
from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import tr, when
from onboard.gui.theme import CARD_GAP, Role
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.wishes import ChooseProfile, ChooseRun, NewProfile, OpenProfile, StartPractice, TakeUp
from onboard.home import JOURNAL, home
from onboard.model import orders
from onboard.model.events import KeptRun
from onboard.wizard import recent, recovery
from onboard.wizard.interrupted import interrupted_anywhere


class StartPage(Page):
    stage = "start"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        lead = tr(
            "Onboard finds the nearest Region, prepares the role and activation, checks every server, installs the "
            "agent and proves that each one answers. Nothing is changed before you have seen the plan."
        )
        self.column.addWidget(PageHeader(tr("Bring your servers into AWS Systems Manager"), lead))
        self.column.addLayout(self._choices())
        self._failure = ErrorPanel()
        self.column.addWidget(self._failure)
        self._left: recovery.Left | None = None
        self._recovery = Banner(Mark.WARN, tr("Unsaved changes were found"))
        for text, slot in ((tr("Restor&e"), self._take_up), (tr("&Delete them"), self._give_up)):
            button = Button(text)
            button.clicked.connect(slot)
            self._recovery.add_button(button)
        self._recovery.hide()
        self.column.addWidget(self._recovery)
        self._run: KeptRun | None = None
        self._interrupted = Banner(Mark.WARN, tr("A run was interrupted"))
        show_run = Button(tr("Sho&w it"))
        show_run.clicked.connect(self._open_interrupted)
        self._interrupted.add_button(show_run)
        self._interrupted.hide()
        self.column.addWidget(self._interrupted)
        self._model = RecentsModel(self)
        self._recents = DataTable(tr("Recent profiles"), sortable=False)
        self._recents.setModel(self._model)
        self._recents.set_empty(
            tr("No profile has been opened yet"), tr("Profiles that you open or save are listed here.")
        )
        self._recents.activated.connect(self._open_recent)
        self.column.addWidget(self._recents, 1)
        self._runs = Button(tr("Ear&lier runs…"), icon="clock")
        self._runs.clicked.connect(lambda: self.wished.emit(ChooseRun()))
        self._runs.hide()
        below = QHBoxLayout()
        below.addWidget(self._runs)
        below.addStretch()
        self.column.addLayout(below)
        self.column.addSpacing(CARD_GAP)
        name_parts(failure=self._failure, left=self._recovery, interrupted=self._interrupted)
        name_parts(recents=self._recents, busy=self._busy, **{"try": self._try})
        session.practice.started.connect(self._practice_starts)
        session.practice.failed.connect(self._practice_failed)
        session.practice.ready.connect(self._practice_is_up)

    def _choices(self) -> QHBoxLayout:
        new = Button(tr("New &profile"))  # not primary: on this page the footer's Next is, and the card is accented
        new.clicked.connect(lambda: self.wished.emit(NewProfile()))
        opened = Button(tr("&Open…"))
        opened.clicked.connect(lambda: self.wished.emit(ChooseProfile()))
        self._try = Button(tr("&Try it in practice"))
        self._try.clicked.connect(lambda: self.wished.emit(StartPractice()))
        self._busy = BusyIndicator(keeps_place=False)  # it takes the button's place
        row = QHBoxLayout()
        row.setSpacing(CARD_GAP)
        row.addWidget(_choice(tr("New profile"), tr("For your own servers and account."), new, accent=True), 1)
        row.addWidget(_choice(tr("Open"), tr("A profile file, or drop one on this window."), opened), 1)
        practice = _choice(
            tr("Try it in practice"),
            tr("An embedded cloud and servers on this computer. No account, no risk, one minute."),
            self._try,
        )
        practice.body.addWidget(self._busy)
        row.addWidget(practice, 1)
        return row

    def enter(self) -> None:
        self._model.show(recent.recents())
        self._recents.horizontalHeader().setVisible(self._model.rowCount() > 0)
        self._left = next(recovery.left_behind(), None)
        self._recovery.setVisible(self._left is not None)
        if self._left is not None:
            name = self._left.draft.name or (self._left.path.stem if self._left.path else tr("a new profile"))
            told = tr("In {name}, from a window that closed unexpectedly.", name=name)
            self._recovery.show_notice(Mark.WARN, tr("Unsaved changes were found"), told)

        if (home() / JOURNAL).exists() and not self.session.view.running:
            self.session.commands.run(orders.Runs())

    def opened(self) -> None:
        if not self.session.practice.child.is_running:  # it was cancelled before it was ready
            self._practice_is_up()

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command != "runs":
            return
        self._runs.setVisible(bool(self.session.view.state("runs").runs))
        self._run = None if self.session.view.practice else interrupted_anywhere(self.session.view)
        self._interrupted.setVisible(self._run is not None)
        if self._run is not None:
            told = tr(
                "{profile}, {when}: {online} of {total} servers came online. Nothing was lost; resume to continue "
                "with the others.",
                profile=self._run.profile or Path(self._run.path).stem,
                when=when(self._run.started),
                online=f"{self._run.proven:,}",
                total=f"{self._run.servers:,}",
            )
            self._interrupted.show_notice(Mark.WARN, tr("A run was interrupted"), told)

    @Slot()
    def _open_interrupted(self) -> None:
        """Open the run's profile on the page that offers to resume it."""
        if self._run is not None:
            self.wished.emit(OpenProfile(Path(self._run.path), then="install"))

    @Slot(QModelIndex)
    def _open_recent(self, index: QModelIndex) -> None:
        self.wished.emit(OpenProfile(Path(self._model.recent(index.row()).path)))

    @Slot()
    def _take_up(self) -> None:
        if self._left is not None:
            self.wished.emit(TakeUp(self._left))

    @Slot()
    def _give_up(self) -> None:
        if self._left is not None:
            recovery.forget(self._left.file)
            self.enter()

    @Slot()
    def _practice_starts(self) -> None:
        self._failure.clear()
        self._try.hide()
        self._busy.start(tr("Starting the cloud and the servers"), cancellable=False)

    @Slot()
    def _practice_is_up(self) -> None:
        self._busy.stop()
        self._try.show()

    @Slot(str, str)
    def _practice_failed(self, what: str, why: str) -> None:
        self._practice_is_up()
        self._failure.show_error(what, why=why.removeprefix("onboard: "))


def _choice(title: str, text: str, button: Button, *, accent: bool = False) -> Card:
    card = Card(title, accent=accent)
    card.body.addWidget(Label(text, role=Role.BODY, tone="muted", wrap=True))
    card.body.addStretch()
    row = QHBoxLayout()
    row.addWidget(button)
    row.addStretch()
    card.body.addLayout(row)
    return card
