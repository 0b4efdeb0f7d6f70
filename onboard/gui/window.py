"""The main window: the stage list, the page, and the footer, which shows what blocks and leads to the next page."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QHBoxLayout,
    QLineEdit,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from onboard.gui import wishes
from onboard.gui.dialogs import ask_secret
from onboard.gui.earlier_runs import EarlierRuns
from onboard.gui.menus import MenuActions, build_menus
from onboard.gui.page import Page
from onboard.gui.page_stack import PageStack
from onboard.gui.parts import name_parts
from onboard.gui.profile_files import ProfileFiles
from onboard.gui.session import Session
from onboard.gui.text import say, tr
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.stage_list import Stage as StageLine
from onboard.gui.widgets.stage_list import StageList
from onboard.gui.widgets.top_bar import TopBar
from onboard.lists import catalog as lists
from onboard.model import events
from onboard.model.changes import CHANGING
from onboard.wizard import recent, stages
from onboard.wizard.stages import BY_NAME, STAGES, Stage
from onboard.wizard.view import View

FIRST_SIZE = (1280, 800)
MARKS = {stages.Mark.DONE: Mark.DONE, stages.Mark.ATTENTION: Mark.WARN, stages.Mark.TODO: Mark.TODO}


class Window(QMainWindow):
    """Creates pages when they are first needed and, once the window is shown, one by one in advance."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setWindowTitle(tr("Onboard"))
        self.setAcceptDrops(True)
        self.setMinimumSize(960, 600)
        self._top = TopBar()
        self._list = StageList()
        self._list.chosen.connect(self.visit)
        self._stack = PageStack(session)
        self._stack.made.connect(self._page_made)
        self._footer = Footer()
        self._footer.back.connect(self.back)
        self._footer.forward.connect(self.forward)
        name_parts(top=self._top, stages=self._list, footer=self._footer)
        self._current = STAGES[0]
        self._standing = QTimer(self, singleShot=True, interval=0)
        self._standing.timeout.connect(self._show_standing)
        self._just_shown = QTimer(self, singleShot=True, interval=QApplication.doubleClickInterval())
        self._just_shown.timeout.connect(self._show_standing)
        self.files = ProfileFiles(session, self)
        self.files.begun.connect(self._show_first)
        self.files.opened.connect(self.begin)
        self.runs = EarlierRuns(session, self.files, self)
        self.runs.found_interrupted.connect(self._interrupted_found)
        self.runs.was_read.connect(self._show_last)
        self._lay_out()
        build_menus(self, self._menu_actions())
        session.editor.opened.connect(self._opened)
        session.editor.draft_changed.connect(self._draft_changed)
        session.editor.mistakes_changed.connect(self._mistakes_changed)
        session.commands.states_changed.connect(self._states_changed)
        session.orders.running_changed.connect(self._running_changed)
        session.commands.secret_wanted.connect(self._secret_wanted)
        session.practice.ready.connect(self._show_first)
        session.practice.failed.connect(self._practice_failed)
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
            new_profile=self.files.new,
            choose_profile=self.files.choose,
            save_profile=self.files.save,
            save_profile_as=self.files.save_as,
            choose_run=self.runs.choose,
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
        """Return a stage's page, brought up to date."""
        return self._stack.page_of(stage)

    @Slot(object)
    def _page_made(self, page: Page) -> None:
        page.footer_changed.connect(self._footer_changed)
        page.wished.connect(self._grant)

    @Slot(str)
    def visit(self, name: str) -> None:
        """Show a stage's page if its requirements are met."""
        stage = BY_NAME[name]
        if stages.blocked_by(stage, self.session.view):
            return
        if stage is not self._current:
            self._just_shown.start()
        self._current = stage
        page = self._stack.show_page(name)
        self._list.set_current(name)
        page.enter()
        first = page.first_focus()
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)
        else:
            page.setFocus(Qt.FocusReason.OtherFocusReason)
            page.focusNextChild()
        self._show_standing()

    @Slot()
    def begin(self) -> None:
        """Begin with a profile: show its last run, and go to the first page or to an interrupted run."""
        self.runs.begin()
        self._show_first()

    @Slot()
    def _show_first(self) -> None:
        self.visit("account")

    @Slot()
    def _show_last(self) -> None:
        self.visit("finish")

    @Slot()
    def _interrupted_found(self) -> None:
        if self._current.name == "account":
            self.visit("install")

    @Slot(object)
    def _grant(self, wish: wishes.Wish) -> None:
        """Do what a page asks for."""
        match wish:
            case wishes.Visit(stage):
                self.visit(stage)
            case wishes.NewProfile():
                self.files.new()
            case wishes.ChooseProfile():
                self.files.choose()
            case wishes.OpenProfile(path, then):
                if self.files.open(path) and then:
                    self.visit(then)
            case wishes.SaveProfile():
                self.files.save()
            case wishes.ChooseRun():
                self.runs.choose()
            case wishes.StartPractice():
                if self.files.may_discard():
                    self.session.practice.start()
            case wishes.TakeUp(left):
                self.files.take_up(left)
            case _:
                raise NotImplementedError(repr(wish))

    @Slot()
    def back(self) -> None:
        previous = stages.before(self._current)
        if previous is not None:
            self.visit(previous.name)

    @Slot()
    def forward(self) -> None:
        """Do what Enter and the primary button do: the page's own task if one is left, otherwise the next stage."""
        self.files.take_typing()
        wrong = [field for field in self.page.findChildren(QWidget) if field.property("invalid") == "true"]
        shown = next((field for field in wrong if field.isVisible()), None)
        if shown is not None:  # the error is below it, and would be left on the page
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
        if label:  # a second click is not meant for a page that has just appeared under the pointer
            self._footer.set_primary(label, enabled=not (self.page.changes_servers and self._just_shown.isActive()))
        elif following is None:
            self._footer.set_primary("")
        else:
            self._footer.set_primary(tr("&Next: {page}", page=say(following.title)), enabled=not missing, tip=missing)

    # What changes

    @Slot()
    def _opened(self) -> None:
        for page in self._stack.pages:
            page.opened()

    @Slot()
    def _draft_changed(self) -> None:
        for page in self._stack.pages:
            page.draft_changed()
        self._show_standing()

    @Slot()
    def _mistakes_changed(self) -> None:
        self._show_standing()

    @Slot(str, set)
    def _states_changed(self, command: str, hosts: set[str]) -> None:
        for page in self._stack.pages:
            page.states_changed(command, hosts)
        self.runs.states_changed(command)
        if command in CHANGING and self.session.view.state(command).finished:
            recent.remember(self.session.view)  # with the servers that are online now
        if command != self.session.view.running:  # a stage's standing is decided when its command ends
            self._standing.start()  # once for a batch of changes, since judging thousands of servers takes time

    @Slot()
    def _running_changed(self) -> None:
        for page in self._stack.pages:
            page.running_changed()
        self._standing.start()

    @Slot(object)
    def _secret_wanted(self, wanted: events.SecretWanted) -> None:
        value, keep = ask_secret(self, wanted)
        self.session.orders.answer(wanted, value, keep=keep)

    @Slot()
    def _practice_failed(self) -> None:
        self.visit("start")

    # The window itself

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open a dropped profile, or pass a list of servers to the page that imports it."""
        for url in event.mimeData().urls():
            path = Path(url.toLocalFile())
            if path.suffix.lower() in lists.SUFFIXES:
                self.import_hosts(path)
            elif path.is_file():
                self.files.open(path)

    def import_hosts(self, path: Path) -> None:
        self.visit("servers")
        self.page.take_file(path)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.isAutoRepeat():  # a held key goes one page, not all of them
            return
        if event.key() == Qt.Key.Key_Escape and self.page.cancel():
            return
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        typing = isinstance(self.focusWidget(), QLineEdit | QAbstractSpinBox)  # where Enter applies the input
        if enter and not typing and self._footer.primary.isEnabled():
            self.forward()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._stack.make_ahead()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask only if something is unsaved or running. Then always end both child processes."""
        if not self.files.may_discard():
            event.ignore()
            return
        self.hide()  # work in progress may take a while
        QSettings().setValue("window/geometry", self.saveGeometry())
        for timer in (self._just_shown, self._standing):
            timer.stop()
        self._stack.make_no_more()
        self.runs.close()
        self.files.close()
        self.session.close()
        event.accept()

    def _restore_geometry(self) -> None:
        kept = QSettings().value("window/geometry")
        if isinstance(kept, QByteArray) and self.restoreGeometry(kept):
            return
        self.resize(*FIRST_SIZE)
        room = self.screen().availableSize()
        if room.width() <= self.width() or room.height() <= self.height():  # its frame would not fit
            self.setWindowState(Qt.WindowState.WindowMaximized)


def _missing(stage: Stage | None, view: View) -> str:
    """Return what is missing in the stage that blocks another one; "" if none does."""
    if stage is None:
        return ""
    return tr("{page}: {words}", page=say(stage.title), words=say(stages.standing(stage, view).words))
