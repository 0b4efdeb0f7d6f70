"""Install: carries out the plan, canary first, and shows the progress of every server."""

from PySide6.QtCore import QEvent, Qt, QTimer, Slot
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QSplitter, QWidget

from onboard.gui.index import Index
from onboard.gui.install.log_pane import LogPane
from onboard.gui.install.progress_card import ProgressCard
from onboard.gui.install.run_buttons import PauseButton, StopButton
from onboard.gui.install.stopped import FailurePanel, InterruptedBanner
from onboard.gui.install.words import end_words, title
from onboard.gui.models.host_table import ALL
from onboard.gui.models.rollout import NODE, PROGRESS, STEP, RolloutModel
from onboard.gui.models.runs import begun_words
from onboard.gui.notice import Notice
from onboard.gui.page import Page
from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import plural, tr
from onboard.gui.theme import S8, S16, Role, Theme
from onboard.gui.widgets.bar_cells import ProgressCell
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cells import StatusCell, TextCell
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.wishes import Visit
from onboard.model import orders
from onboard.model.changes import FailureKind
from onboard.wizard import stages
from onboard.wizard.command_line import command_line
from onboard.wizard.progress import Group
from onboard.wizard.shown_run import ShownRun
from onboard.wizard.view import EMPTY

TABLE_ROWS = 3  # shown at least


class InstallPage(Page):
    stage = "install"
    changes_servers = True

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._model = RolloutModel(self)
        self._sources: tuple[object, ...] = ()  # what the rows were made from
        self._behind = False  # something changed while the page was hidden
        self._chosen: frozenset[str] = frozenset()  # servers whose log is shown; empty: all
        self._was_running = False
        self._notice = Notice(self)
        self._header = PageHeader("")
        self._pause, self._stop = PauseButton(session), StopButton(session)
        self._header.add_action(self._pause)
        self._header.add_action(self._stop)
        self._interrupted = InterruptedBanner(session)
        self._failure = FailurePanel()
        self._failure.resumed.connect(self._resume_run)
        self._failure.review_wanted.connect(self._look_at_plan)
        self._progress = ProgressCard(session, self._model)
        for widget in (self._header, self._interrupted, self._failure, self._progress):
            self.column.addWidget(widget)
        self.column.addLayout(self._make_chips())
        self.column.addWidget(self._make_parts(), 1)
        name_parts(
            progress=self._progress, servers=self.table, chips=self._chips, filter=self._filter, retry=self._retry
        )
        self._show_all()

    # Its parts

    def _make_chips(self) -> QHBoxLayout:
        self._chips = Chips(
            tr("Servers by progress"),
            (
                Chip(ALL, tr("All")),
                Chip(Group.ONLINE, tr("Online"), Mark.DONE),
                Chip(Group.RUNNING, tr("Running"), Mark.HERE),
                Chip(Group.FAILED, tr("Failed"), Mark.BAD),
                Chip(Group.WAITING, tr("Waiting"), Mark.TODO),
                Chip(Group.RESTORED, tr("Restored"), Mark.TODO),
            ),
        )
        self._filter = FilterBox(tr("Filter by name, node, reason"))
        self._retry = Button(tr("&Retry failed"), icon="refresh")
        self._retry.clicked.connect(self._resume_run)
        self._chips.picked.connect(self._filter_rows)
        self._filter.textChanged.connect(self._filter_rows)
        row = QHBoxLayout()
        row.setSpacing(S8)
        row.addWidget(self._chips, 1)
        row.addWidget(self._filter)
        row.addWidget(self._retry)
        return row

    def _make_parts(self) -> QWidget:
        self.table = DataTable(tr("Servers in the run"))
        self.table.setModel(self._model)
        self.table.set_cell(PROGRESS, ProgressCell())
        self.table.set_cell(STEP, StatusCell())
        self.table.set_cell(NODE, _NodeCell(fixed=True))
        header = self.table.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(STEP, QHeaderView.ResizeMode.Stretch)  # reasons are long
        self.table.picked.connect(self._show_selection)
        self._log_pane = LogPane()
        self._log_pane.all_wanted.connect(self.table.clearSelection)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.table)
        parts.addWidget(self._log_pane)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 1)
        parts.setContentsMargins(0, 0, 0, S16)
        Theme.current().changed.connect(self._fit_table)
        self._fit_table()
        return parts

    @Slot()
    def _fit_table(self) -> None:
        self.table.setMinimumHeight(Theme.current().row_height() * (TABLE_ROWS + 1))

    # What the window asks

    def enter(self) -> None:
        self._notice.end()
        if not self.session.view.running and not self.session.view.state("apply").run:
            self.session.commands.run(orders.Runs())
        if self._behind:
            self._show_all()

    def first_focus(self) -> QWidget:
        return self.table

    def draft_changed(self) -> None:
        self._show_standing()  # an edit that matters here drops the plan, which arrives as a State change

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command == "runs":
            self._show_standing()
        if command not in ("apply", "undo", "plan"):
            return
        if not self.isVisible():
            self._behind = True
            return
        if any(new is not old for new, old in zip(self._shown.sources, self._sources, strict=True)):
            self._show_all()
            QTimer.singleShot(0, self, self.footer_changed.emit)  # the run's id is known now, so it can be resumed
            return
        self._model.update(hosts)
        self._log_pane.follow(self._shown.log)
        self._show_standing()
        if not hosts.isdisjoint(self._chosen):
            self._show_selection()

    def running_changed(self) -> None:
        running = self._shown.is_running
        self._progress.set_ticking(running)
        if self._was_running and not running:
            QTimer.singleShot(0, self, self._sort_out)  # after every page has heard that the run ended
        self._was_running = running
        self._show_standing()

    def _sort_out(self) -> None:
        """After a run, sort the servers that need attention to the top."""
        if not self._shown.is_running:
            if self._behind:
                self._show_all()
            else:
                self._model.arrange()
            self._notice.tell(tr("The installation ended"), end_words(self._model.counts))

    def command_line(self) -> str:
        path, shown = self.session.view.path, self._shown
        if path is None:
            return ""
        run = "" if shown.undo.run else shown.state.run
        more = ("--resume", run) if run else ("--yes",)
        return command_line("onboard", "apply", "--profile", str(path), *more)

    def primary(self) -> bool:
        """Install without asking again, since Review was the approval. After an undo, go to a new plan instead."""
        shown = self._shown
        if shown.is_to_plan:
            self._look_at_plan()
            return True
        plan = shown.plan
        if not shown.offers_install or plan is None:
            return False
        self.session.commands.run(orders.Apply(plan=plan))
        self._show_all()
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        return True

    def primary_label(self) -> str:
        shown = self._shown
        if shown.is_to_plan:
            return tr("&Look at the plan")
        if not shown.offers_install:
            return ""
        return plural("&Install on {n} server", "&Install on {n} servers", shown.to_install)

    def cancel(self) -> bool:
        if not self._shown.is_running:
            return False
        self._stop.choose()
        return True

    # Showing it

    @property
    def _shown(self) -> ShownRun:
        return ShownRun(self.session.view)

    def _show_all(self) -> None:
        shown = self._shown
        self._behind = False
        self._sources = shown.sources
        self._model.show(shown.state, shown.steps(), shown.undo)
        self._log_pane.follow(shown.log)
        self._show_standing()
        self._show_selection()

    def _show_standing(self) -> None:
        shown, counts = self._shown, self._model.counts
        self._header.set_title(title(shown, counts))
        done = tr("A server is done when Systems Manager reports it online and it has answered through Run Command.")
        self._header.set_lead(f"{begun_words(shown.state)} {done}" if shown.view.is_replayed else done)
        self._pause.refresh()
        self._stop.refresh()
        self._chips.set_counts(counts)
        self._chips.set_offered(Group.RESTORED, shown.undo is not EMPTY)
        self._interrupted.refresh()
        self._show_retry(shown)
        self._progress.setVisible(bool(shown.state.run) or shown.is_running)
        self._progress.refresh()
        failure = shown.state.failure if shown.undo is EMPTY and not shown.is_running else None
        self._failure.show_end(failure, can_resume=bool(shown.state.run) and not self._interrupted.has_run)
        self._show_empty(shown)

    def _show_retry(self, shown: ShownRun) -> None:
        """Show Retry or Resume, unless the notice of the interrupted run has its own Resume button."""
        state, counts = shown.state, self._model.counts
        left = counts[Group.FAILED] + counts[Group.WAITING]
        self._retry.setVisible(bool(state.run) and shown.undo is EMPTY and not self._interrupted.has_run)
        refused = state.failure is not None and state.failure.kind == FailureKind.PLAN
        self._retry.setEnabled(not shown.is_running and state.finished and left > 0 and not refused)
        only_waiting = not shown.is_running and left > 0 and not counts[Group.FAILED]
        self._retry.setText(tr("&Resume") if only_waiting else tr("&Retry failed"))

    def _show_empty(self, shown: ShownRun) -> None:
        if self._model.is_filtered:
            self.table.set_empty(tr("No matching servers"), tr("Choose All, or clear the filter."))
        elif shown.plan is not None:
            self.table.set_empty(tr("Nothing to install"), tr("The plan contains no servers."))
        else:
            self.table.set_empty(tr("There is no plan"), tr("Make a plan on the Review page first."))

    def _show_selection(self) -> None:
        names = [str(key) for key in self.table.selected_keys()]
        self._chosen = frozenset(names)
        failed = self._model.failed(names[0]) if len(names) == 1 else None
        if self._log_pane.show_servers(names, failed):
            QTimer.singleShot(0, self.table, self._show_row)

    def _show_row(self) -> None:
        self.table.scrollTo(self.table.currentIndex())

    # What its controls do

    @Slot()
    def _filter_rows(self) -> None:
        self._model.filter_by(self._chips.current, self._filter.text())
        self._show_standing()

    @Slot()
    def _look_at_plan(self) -> None:
        """Go to Review, or to the stage that has to be completed before it."""
        review = stages.BY_NAME["review"]
        blocking = stages.blocked_by(review, self.session.view)
        self.wished.emit(Visit((blocking or review).name))

    @Slot()
    def _resume_run(self) -> None:
        self.session.commands.resume(self.session.view.state("apply").run)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._notice.end()


class _NodeCell(TextCell):
    """A cell wide enough for a node's id, even before there is one."""

    def width(self, index: Index, theme: Theme) -> int:
        return QFontMetrics(theme.font(Role.FIXED)).horizontalAdvance("mi-0123456789abcdef0") + 1
