"""The one window: stage list at the left, the page, and the footer that says what blocks and leads on."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from onboard.gui import wishes
from onboard.gui.dialogs import ask, ask_secret, save_path, show_error
from onboard.gui.menus import MenuActions, build_menus
from onboard.gui.page import Page
from onboard.gui.pages.catalog import page_class
from onboard.gui.parts import name_parts
from onboard.gui.runs_sheet import RunsSheet
from onboard.gui.session import SHOW_RUN, Session
from onboard.gui.text import say, tr
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.scrolled import Scrolled
from onboard.gui.widgets.stage_list import Stage as StageLine
from onboard.gui.widgets.stage_list import StageList
from onboard.gui.widgets.top_bar import TopBar
from onboard.lists import catalog as lists
from onboard.model import events
from onboard.model.changes import CHANGING
from onboard.model.errors import OnboardError
from onboard.model.events import KeptRun
from onboard.wizard import recent, recovery, stages
from onboard.wizard.interrupted import interrupted, is_ending
from onboard.wizard.stages import BY_NAME, STAGES, Stage
from onboard.wizard.view import View

FIRST_SIZE = (1280, 800)
AUTOSAVE = 2_000  # milliseconds after the last edit
BETWEEN_STEPS = 20  # milliseconds that the window has for itself between the steps of making pages ahead
ASK_AGAIN = 1_000  # milliseconds between two looks at a run that another process is ending
MARKS = {stages.Mark.DONE: Mark.DONE, stages.Mark.ATTENTION: Mark.WARN, stages.Mark.TODO: Mark.TODO}


class Window(QMainWindow):
    """Pages are made when they are first asked for, and ahead of that, one by one, once the window is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setWindowTitle(tr("Onboard"))
        self.setAcceptDrops(True)
        self.setMinimumSize(960, 600)
        self._top = TopBar()
        self._list = StageList()
        self._list.chosen.connect(self.visit)
        self._stack = QStackedWidget()
        self._footer = Footer()
        self._footer.back.connect(self.back)
        self._footer.forward.connect(self.forward)
        name_parts(top=self._top, stages=self._list, footer=self._footer)
        self._pages: dict[str, Page] = {}
        self._frames: dict[str, Scrolled] = {}
        self._read = ""  # the stage whose page's file was read last, ahead of its making
        self._ahead = QTimer(self, interval=BETWEEN_STEPS)
        self._ahead.timeout.connect(self._make_ahead)
        self._current = STAGES[0]
        self._standing = QTimer(self, singleShot=True, interval=0)
        self._standing.timeout.connect(self._show_standing)
        self._just_shown = QTimer(self, singleShot=True, interval=QApplication.doubleClickInterval())
        self._just_shown.timeout.connect(self._show_standing)
        self._lay_out()
        build_menus(self, self._menu_actions())
        self._autosave = QTimer(self)
        self._autosave.setInterval(AUTOSAVE)
        self._autosave.setSingleShot(True)
        self._autosave.timeout.connect(self._keep_draft)
        self._shows_run = False  # an earlier run was asked for, to be shown on Finish
        self._opening = False  # a profile was opened, and what ran on it earlier is being asked
        self._ask_again = QTimer(self)
        self._ask_again.setInterval(ASK_AGAIN)
        self._ask_again.setSingleShot(True)
        self._ask_again.timeout.connect(self._ask_for_runs)
        session.opened.connect(self._opened)
        session.draft_changed.connect(self._draft_changed)
        session.mistakes_changed.connect(self._mistakes_changed)
        session.states_changed.connect(self._states_changed)
        session.running_changed.connect(self._running_changed)
        session.secret_wanted.connect(self._secret_wanted)
        session.practice_ready.connect(self._practice_ready)
        session.practice_failed.connect(self._practice_failed)
        self._restore_geometry()
        self._draft_changed()
        self.visit(self._current.name)

    def _lay_out(self) -> None:
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self._list)
        body.addWidget(self._stack, 1)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top)
        column.addLayout(body, 1)
        column.addWidget(self._footer)
        middle = QWidget()
        middle.setLayout(column)
        self.setCentralWidget(middle)

    def _menu_actions(self) -> MenuActions:
        return MenuActions(
            new_profile=self.new_profile,
            choose_profile=self.choose_profile,
            save_profile=self.save_profile,
            save_profile_as=self.save_profile_as,
            choose_run=self.choose_run,
            visit=self.visit,
            current=lambda: self.current,
        )

    # Going from page to page

    @property
    def current(self) -> Stage:
        return self._current

    @property
    def page(self) -> Page:
        return self.page_of(self._current.name)

    def page_of(self, stage: str) -> Page:
        """A stage's page, told all that was told before it was made."""
        if stage not in self._pages:
            page = self._pages[stage] = page_class(stage)(self.session)
            frame = self._frames[stage] = Scrolled(page)
            frame.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
            self._stack.addWidget(frame)
            page.footer_changed.connect(self._footer_changed)
            page.wished.connect(self._grant)
            page.draft_changed()
            page.running_changed()
            for command, state in list(self.session.view.states.items()):
                page.states_changed(command, set(state.hosts))
        return self._pages[stage]

    @Slot()
    def _make_ahead(self) -> None:
        if self.session.view.running:
            return  # what the engine tells comes first
        left = next((stage.name for stage in STAGES if stage.name not in self._pages), None)
        if left is None:
            self._ahead.stop()
        elif left != self._read:  # to read and to make it takes too long for one turn of the event loop
            self._read = left
            page_class(left)
        else:
            self.page_of(left)

    @Slot(str)
    def visit(self, name: str) -> None:
        """Show a stage's page, if what it needs is met."""
        stage = BY_NAME[name]
        if stages.blocked_by(stage, self.session.view):
            return
        if stage is not self._current:
            self._just_shown.start()
        self._current = stage
        page = self.page
        self._stack.setCurrentWidget(self._frames[name])
        self._list.set_current(name)
        page.enter()
        first = page.first_focus()
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)
        else:
            page.setFocus(Qt.FocusReason.OtherFocusReason)
            page.focusNextChild()
        self._show_standing()

    def begin(self) -> None:
        """A profile is there: show its last run, and go to the first page, or to a run that was interrupted."""
        self._opening = True
        self._ask_for_runs()
        self.session.show_run()
        self.visit("account")

    @Slot()
    def _ask_for_runs(self) -> None:
        self.session.run("runs")

    def _offer_resume(self) -> None:
        view = self.session.view
        if is_ending(view):
            self._ask_again.start()
        elif self._opening and view.state("runs").finished:
            self._opening = False
            if not view.state("apply").run and SHOW_RUN not in view.ordered:  # it was still going on before
                self.session.show_run()
            if interrupted(view) and self._current.name == "account":
                self.visit("install")

    @Slot()
    def choose_run(self) -> None:
        """List the earlier runs, and show the one that is chosen."""
        if self.session.view.running not in CHANGING:  # else the list waits for their end
            self._ask_for_runs()
        sheet = RunsSheet(self, self.session)
        if sheet.exec() == RunsSheet.DialogCode.Accepted and sheet.chosen is not None:
            self.show_run(sheet.chosen)

    def show_run(self, run: KeptRun) -> None:
        """Show an earlier run on Finish as it ended, with its own profile."""
        path = Path(run.path) if run.path else None
        if path not in (None, self.session.view.path) and not self.open_profile(path):
            return
        self._opening = False  # it was said what to show
        self._shows_run = True
        self.session.show_run(run.run)

    def _run_was_read(self) -> None:
        state = self.session.view.state(SHOW_RUN)
        if not self._shows_run or not state.finished:
            return
        self._shows_run = False
        if state.failure is None:
            self.visit("finish")
        else:
            told = state.failure
            error = OnboardError(told.what, where=told.where, why=told.why, remedy=told.remedy)
            QTimer.singleShot(0, self, lambda: show_error(self, tr("The run cannot be shown"), error))

    @Slot(object)
    def _grant(self, wish: wishes.Wish) -> None:
        """Do what a page asks for."""
        match wish:
            case wishes.Visit(stage):
                self.visit(stage)
            case wishes.NewProfile():
                self.new_profile()
            case wishes.ChooseProfile():
                self.choose_profile()
            case wishes.OpenProfile(path, then):
                if self.open_profile(path) and then:
                    self.visit(then)
            case wishes.SaveProfile():
                self.save_profile()
            case wishes.ChooseRun():
                self.choose_run()
            case wishes.StartPractice():
                if self.may_discard():
                    self.session.start_practice()
            case wishes.TakeUp(left):
                self._take_up(left)
            case _:
                raise NotImplementedError(repr(wish))

    @Slot()
    def back(self) -> None:
        previous = stages.before(self._current)
        if previous is not None:
            self.visit(previous.name)

    @Slot()
    def forward(self) -> None:
        """What Enter and the primary button do: the page's own work where some is left, else the next stage."""
        self._take_typing()
        wrong = [field for field in self.page.findChildren(QWidget) if field.property("invalid") == "true"]
        shown = next((field for field in wrong if field.isVisible()), None)
        if shown is not None:  # what is wrong stands below it, and would be left behind
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        if self.page.primary():
            return
        following = stages.after(self._current)
        if following is not None:
            self.visit(following.name)

    def _show_standing(self) -> None:
        self._standing.stop()
        view = self.session.view
        lines = []
        for stage in STAGES:
            missing = _missing(stages.blocked_by(stage, view), view)
            standing = stages.standing(stage, view)
            mark = Mark.HERE if stage is self._current else MARKS[standing.mark]
            lines.append(StageLine(stage.name, say(stage.title), mark, not missing, missing or say(standing.words)))
        self._list.set_stages(lines)
        account = view.state("account").account
        name = view.draft.name or (view.path.stem if view.path else "")
        self.setWindowTitle(
            tr("{page} – {profile}[*] – Onboard", page=say(self._current.title), profile=name or tr("new"))
        )
        self.setWindowModified(view.is_edited)
        self._top.set_profile(name, edited=view.is_edited)
        self._top.set_practice(view.practice)
        self._top.set_account(account.account if account else "", view.draft.region.name or "")
        self._show_footer(view)

    @Slot()
    def _footer_changed(self) -> None:
        self._show_footer(self.session.view)

    def _show_footer(self, view: View) -> None:
        standing = stages.standing(self._current, view)
        following = stages.after(self._current)
        blocking = stages.blocked_by(following, view) if following else None
        missing = _missing(blocking, view)
        attention = standing.mark is stages.Mark.ATTENTION
        message = say(standing.words) if blocking in (None, self._current) else missing
        self._footer.set_message(message, Mark.WARN if attention and not missing else None)
        self._footer.offer_command(self.page.command_line())
        self._footer.set_back(stages.before(self._current) is not None)
        label = self.page.primary_label()
        if label:  # on a page that has just appeared under the pointer, a second click is not meant for it
            self._footer.set_primary(label, enabled=not (self.page.changes_servers and self._just_shown.isActive()))
        elif following is None:
            self._footer.set_primary("")
        else:
            self._footer.set_primary(tr("&Next: {page}", page=say(following.title)), enabled=not missing, tip=missing)

    # What changes

    @Slot()
    def _opened(self) -> None:
        for page in tuple(self._pages.values()):
            page.opened()

    @Slot()
    def _draft_changed(self) -> None:
        for page in tuple(self._pages.values()):
            page.draft_changed()
        self._autosave.start()
        self._show_standing()

    @Slot()
    def _mistakes_changed(self) -> None:
        self._show_standing()

    @Slot(str, set)
    def _states_changed(self, command: str, hosts: set[str]) -> None:
        for page in tuple(self._pages.values()):
            page.states_changed(command, hosts)
        if command == "runs":
            self._offer_resume()
        if command in CHANGING and self.session.view.state(command).finished:
            recent.remember(self.session.view)  # with what is online by now
        if command == SHOW_RUN:
            self._run_was_read()
        if command != self.session.view.running:  # how a stage stands is not decided before its command ends
            self._standing.start()  # once for all that is told together: to judge thousands of servers takes its time

    @Slot()
    def _running_changed(self) -> None:
        for page in tuple(self._pages.values()):
            page.running_changed()
        self._show_standing()

    @Slot(object)
    def _secret_wanted(self, wanted: events.SecretWanted) -> None:
        value, keep = ask_secret(self, wanted)
        self.session.answer(wanted, value, keep=keep)

    @Slot()
    def _practice_ready(self) -> None:
        self.visit("account")

    @Slot()
    def _practice_failed(self) -> None:
        self.visit("start")

    @Slot()
    def _keep_draft(self) -> None:
        view = self.session.view
        try:
            if view.is_edited and not self.session.is_passing:
                recovery.keep(view)
            else:
                recovery.forget()
        except OnboardError as error:
            self.statusBar().showMessage(str(error), 10_000)

    # Files

    def _take_up(self, left: recovery.Left) -> None:
        if self.may_discard():
            self.session.recover(left.draft, left.saved, left.path)
            recovery.forget(left.file)
            self.begin()

    @Slot()
    def new_profile(self) -> None:
        if self.may_discard():
            self.session.new()
            self.visit("account")

    @Slot()
    def choose_profile(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("Open a profile"), "", tr("Profiles (*.toml);;All files (*)"))
        if name:
            self.open_profile(Path(name))

    def open_profile(self, path: Path) -> bool:
        """Open a profile, if what is unsaved may go. False, with the reason shown, when it cannot be read."""
        if not self.may_discard():
            return False
        path = path.absolute()  # by which its runs and those recent know it
        try:
            self.session.open(path)
        except OnboardError as error:
            show_error(self, tr("The profile was not opened"), error)
            return False
        recent.remember(self.session.view)
        self.begin()
        return True

    @Slot()
    def save_profile(self) -> bool:
        self._take_typing()
        path = self.session.view.path
        if path is None:
            return self.save_profile_as()
        if self.session.is_changed_elsewhere:
            text = tr(
                "{name} was changed by another program since it was opened. To save replaces what stands there now.",
                name=path.name,
            )
            if ask(self, tr("Save the profile"), text, tr("&Replace it"), tr("&Cancel"), default=1) != 0:
                return False
        return self._save(path)

    def _take_typing(self) -> None:
        """What is being typed belongs to the profile as if the field had been left."""
        field = self.focusWidget()
        if field is not None:
            field.clearFocus()
            field.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def save_profile_as(self) -> bool:
        self._take_typing()
        path = save_path(self, tr("Save the profile"), Path("onboard.toml"), {"toml": tr("Profiles (*.toml)")})
        return path is not None and self._save(path)

    def _save(self, path: Path) -> bool:
        try:
            self.session.save(path)
        except OnboardError as error:
            show_error(self, tr("The profile was not saved"), error)
            return False
        recovery.forget()
        recent.remember(self.session.view)
        return True

    def may_discard(self) -> bool:
        """Ask only if a run goes on or something is unsaved; whether the run may stop, and what is unsaved go."""
        self._take_typing()
        view = self.session.view
        if not self._may_stop():
            return False
        if not view.is_edited or self.session.is_passing:
            return True
        answer = ask(
            self,
            tr("Unsaved changes"),
            tr("The profile has unsaved changes. Save them?"),
            tr("&Save"),
            tr("&Discard"),
            tr("&Cancel"),
            default=0,
        )
        return self.save_profile() if answer == 0 else answer == 1

    # The window itself

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """A profile is opened; a list of servers goes to the page that imports it."""
        for url in event.mimeData().urls():
            path = Path(url.toLocalFile())
            if path.suffix.lower() in lists.SUFFIXES:
                self.import_hosts(path)
            elif path.is_file():
                self.open_profile(path)

    def import_hosts(self, path: Path) -> None:
        self.visit("servers")
        self.page.take_file(path)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.isAutoRepeat():  # a key that is held goes one page, not all
            return
        if event.key() == Qt.Key.Key_Escape and self.page.cancel():
            return
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        typing = isinstance(self.focusWidget(), QLineEdit | QAbstractSpinBox)  # where Enter takes what was typed
        if enter and not typing and self._footer.primary.isEnabled():
            self.forward()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._ahead.start()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask only if something is unsaved or running; then end both children, always."""
        if not self.may_discard():
            event.ignore()
            return
        self.hide()  # what is under way may take its time
        QSettings().setValue("window/geometry", self.saveGeometry())
        for timer in (self._ahead, self._autosave, self._ask_again, self._just_shown, self._standing):
            timer.stop()
        recovery.forget()
        self.session.close()
        event.accept()

    def _may_stop(self) -> bool:
        if self.session.view.running not in CHANGING:
            return True
        text = tr(
            "Nothing new is begun any more, and servers under way are brought to where the run can be resumed, which "
            "can take a minute. Stop it?"
        )
        return ask(self, tr("A run is going on"), text, tr("&Stop it"), tr("&Let it run"), default=1) == 0

    def _restore_geometry(self) -> None:
        kept = QSettings().value("window/geometry")
        if isinstance(kept, QByteArray) and self.restoreGeometry(kept):
            return
        self.resize(*FIRST_SIZE)
        room = self.screen().availableSize()
        if room.width() <= self.width() or room.height() <= self.height():  # its frame would not fit
            self.setWindowState(Qt.WindowState.WindowMaximized)


def _missing(stage: Stage | None, view: View) -> str:
    """What is open in the stage that blocks another; "" when none does."""
    if stage is None:
        return ""
    return tr("{page}: {words}", page=say(stage.title), words=say(stages.standing(stage, view).words))
