"""Install: the plan is carried out, canary first, and every server says how far it is."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QMenu, QSplitter, QVBoxLayout, QWidget

from onboard.gui.index import Index
from onboard.gui.models.host_table import ALL
from onboard.gui.models.rollout import NODE, PROGRESS, STEP, RolloutModel
from onboard.gui.models.runs import begun_words
from onboard.gui.notice import Notice
from onboard.gui.page import Page
from onboard.gui.session import Session
from onboard.gui.text import plural, tr, when
from onboard.gui.theme import S4, S8, S12, S16, Role, Theme
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.bar_cells import ProgressCell
from onboard.gui.widgets.busy_indicator import duration_text, rate_text
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.cells import StatusCell, TextCell
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.label import ElidedLabel, Label
from onboard.gui.widgets.log_view import LogView
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.progress_bar import ProgressBar
from onboard.gui.wishes import Visit
from onboard.model.changes import FailureKind
from onboard.model.events import KeptRun
from onboard.model.outcome import troubles
from onboard.model.plan import Plan
from onboard.model.state import State
from onboard.wizard import stages
from onboard.wizard.command_line import command_line
from onboard.wizard.interrupted import interrupted
from onboard.wizard.log import Log
from onboard.wizard.progress import Group, steps_of
from onboard.wizard.view import EMPTY

TICK = 1000  # ms between two looks at the clock while a run goes on
LOG_LINES, TABLE_ROWS = 6, 3  # that are shown at least


class InstallPage(Page):
    stage = "install"
    changes_servers = True

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._model = RolloutModel(self)
        self._shown: tuple[object, ...] = ()  # what the rows were made from
        self._behind = False  # something was told while the page was not seen
        self._chosen: frozenset[str] = frozenset()  # servers whose log is shown; all when there are none
        self._told = 0  # log lines that were written
        self._no_log = self._log_of = Log()
        self._was_running = False
        self._tick = QTimer(self, interval=TICK)
        self._tick.timeout.connect(self._show_progress)
        self._notice = Notice(self)
        self._header = PageHeader("")
        self._pause = Button(tr("&Pause"), icon="pause")
        self._stop = Button(tr("&Stop…"), icon="stop")
        self._pause.clicked.connect(self._pause_or_go_on)
        self._stop.clicked.connect(self._choose_stop)
        self._header.add_action(self._pause)
        self._header.add_action(self._stop)
        self.column.addWidget(self._header)
        self.column.addWidget(self._make_interrupted())
        self.column.addWidget(self._make_failure())
        self.column.addWidget(self._make_progress())
        self.column.addLayout(self._make_chips())
        self.column.addWidget(self._make_parts(), 1)
        self._show_all()

    # Its parts

    def _make_interrupted(self) -> QWidget:
        self._interrupted: KeptRun | None = None
        self._banner = Banner(Mark.WARN, "")
        resume = Button(tr("Res&ume"))
        resume.clicked.connect(self._resume_interrupted)
        self._banner.add_button(resume)
        self._banner.hide()
        return self._banner

    def _make_failure(self) -> QWidget:
        self._failure = ErrorPanel()
        self._resume = Button(tr("Res&ume"))
        self._resume.clicked.connect(self._resume_run)
        self._review = Button(tr("&Look at the plan"))
        self._review.clicked.connect(self._look_at_plan)
        self._failure.add_button(self._resume)
        self._failure.add_button(self._review)
        return self._failure

    def _make_progress(self) -> QWidget:
        self._progress = Card()
        self._wave = Label(role=Role.STRONG)
        self._wave_more = ElidedLabel(tone="muted")
        self._figures = Label(role=Role.TABLE, tone="muted")
        self._bar = ProgressBar()
        row = QHBoxLayout()
        row.setSpacing(S4)
        row.addWidget(self._wave)
        row.addWidget(self._wave_more)
        row.addStretch()
        row.addWidget(self._figures)
        self._progress.body.addLayout(row)
        self._progress.body.addWidget(self._bar)
        return self._progress

    def _make_chips(self) -> QHBoxLayout:
        self._chips = Chips(
            tr("Servers by how far they are"),
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
        self.table = DataTable(tr("Servers of the run"))
        self.table.setModel(self._model)
        self.table.set_cell(PROGRESS, ProgressCell())
        self.table.set_cell(STEP, StatusCell())
        self.table.set_cell(NODE, _NodeCell(fixed=True))
        header = self.table.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(STEP, QHeaderView.ResizeMode.Stretch)  # reasons are long
        self.table.picked.connect(self._show_selection)
        self.log = LogView(tr("Log"))
        self.log.setPlaceholderText(tr("What happens on each server is written here."))
        self._log_title = Label(tr("Log"), role=Role.STRONG)
        self._log_whose = ElidedLabel(tone="muted", elide=Qt.TextElideMode.ElideMiddle)
        self._log_all = Button(tr("Of &all servers"), kind=Kind.LINK, small=True)
        self._log_all.clicked.connect(self.table.clearSelection)
        self._reason = ErrorPanel()
        title = QHBoxLayout()
        title.setSpacing(S8)
        title.addWidget(self._log_title)
        title.addWidget(self._log_whose)
        title.addWidget(self._log_all)
        title.addStretch()
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, S12, 0, 0)
        column.setSpacing(S8)
        column.addWidget(self._reason)
        column.addLayout(title)
        column.addWidget(self.log, 1)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.table)
        parts.addWidget(below)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 1)
        parts.setContentsMargins(0, 0, 0, S16)
        Theme.current().changed.connect(self._fit_log)
        self._fit_log()
        return parts

    @Slot()
    def _fit_log(self) -> None:
        self.table.setMinimumHeight(Theme.current().row_height() * (TABLE_ROWS + 1))
        self.log.setMinimumHeight(QFontMetrics(Theme.current().font(Role.FIXED)).lineSpacing() * LOG_LINES + S16)

    # What the window asks

    def enter(self) -> None:
        self._notice.end()
        if not self.session.view.running and not self.session.view.state("apply").run:
            self.session.run("runs")
        if self._behind:
            self._show_all()

    def first_focus(self) -> QWidget:
        return self.table

    def draft_changed(self) -> None:
        self._show_standing()  # an edit that matters here forgets the plan, which is told as a state

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command == "runs":
            self._show_standing()
        if command not in ("apply", "undo", "plan"):
            return
        if not self.isVisible():
            self._behind = True
            return
        if any(new is not old for new, old in zip(self._source(), self._shown, strict=True)):
            self._show_all()
            QTimer.singleShot(0, self, self.footer_changed.emit)  # the run is known by now, and can be resumed
            return
        self._model.update(hosts)
        self._append_log()
        self._show_standing()
        if not hosts.isdisjoint(self._chosen):
            self._show_selection()

    def running_changed(self) -> None:
        running = self._is_running
        self._tick.start() if running else self._tick.stop()
        if self._was_running and not running:
            QTimer.singleShot(0, self, self._sort_out)  # the window tells all pages of the end now: one thing at a time
        self._was_running = running
        self._show_standing()

    def _sort_out(self) -> None:
        """A run ended: what needs a person comes first."""
        if not self._is_running:
            if self._behind:
                self._show_all()
            else:
                self._model.arrange()
            self._tell_end()

    def command_line(self) -> str:
        path = self.session.view.path
        if path is None:
            return ""
        run = "" if self._undo.run else self._run.run
        more = ("--resume", run) if run else ("--yes",)
        return command_line("onboard", "apply", "--profile", str(path), *more)

    def primary(self) -> bool:
        """Review was the approval: nothing is asked again. After an undo the way on is a new plan."""
        if self._is_to_plan:
            self._look_at_plan()
            return True
        plan = self._plan()
        if not self._offers_install or plan is None:
            return False
        self.session.run("apply", plan=plan)
        self._show_all()
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        return True

    def primary_label(self) -> str:
        if self._is_to_plan:
            return tr("&Look at the plan")
        if not self._offers_install:
            return ""
        return plural("&Install on {n} server", "&Install on {n} servers", self._to_install())

    def cancel(self) -> bool:
        if not self._is_running:
            return False
        self._choose_stop()
        return True

    # What is

    @property
    def _is_running(self) -> bool:
        return self.session.view.running == "apply"

    @property
    def _offers_install(self) -> bool:
        view = self.session.view
        return view.running not in ("apply", "undo", "plan") and stages.has_new_plan(view)

    @property
    def _is_to_plan(self) -> bool:
        """The run was undone: what there is to install only a new plan can tell."""
        view = self.session.view
        return view.is_undone and not view.running and not self._offers_install

    @property
    def _run(self) -> State:
        return stages.run_to_show(self.session.view)

    @property
    def _undo(self) -> State:
        """What takes the run back that is shown."""
        return self.session.view.undo if self._run.run else EMPTY

    def _plan(self) -> Plan | None:
        """The plan that waits to be carried out, or was by the run that is shown; None once it says nothing true."""
        view = self.session.view
        return None if view.outdated_by("plan") == "undo" else view.state("plan").plan

    def _source(self) -> tuple[object, ...]:
        """What the rows are made from: they are made anew when it is another."""
        return self._run, self.session.view.progress("apply").steps, self._plan(), self._undo

    def _steps(self) -> dict[str, Sequence[str]]:
        """server → names of its steps, in the order of the draft: those of the run, or those to be approved for it."""
        view = self.session.view
        plan, of_run = self._plan(), {} if self._run is EMPTY else view.progress("apply").steps
        steps: dict[str, Sequence[str]] = {name: named for name, named in of_run.items() if named or plan is None}
        if plan is not None:
            steps |= {one.host: steps_of(one) for one in plan.hosts if one.host not in steps}
        names = (host.name for host in self.session.view.draft.hosts)
        return {name: steps[name] for name in names if name in steps} | steps

    # Showing it

    def _show_all(self) -> None:
        self._behind = False
        self._shown = self._source()
        self._model.show(self._run, self._steps(), self._undo)
        self._append_log()
        self._show_standing()
        self._show_selection()

    def _show_standing(self) -> None:
        view, counts = self.session.view, self._model.counts
        state, undo, running = self._run, self._undo, self._is_running
        self._header.set_title(self._title())
        done = tr("A server is done when Systems Manager says it is online and it answered through Run Command.")
        self._header.set_lead(f"{begun_words(state)} {done}" if view.is_replayed else done)
        self._pause.setVisible(running)
        self._pause.setText(tr("G&o on") if view.held == "paused" else tr("&Pause"))
        self._pause.set_icon("play" if view.held == "paused" else "pause")
        self._pause.setEnabled(view.held != "stopping")
        self._stop.setVisible(running)
        self._chips.set_counts(counts)
        self._chips.set_offered(Group.RESTORED, undo is not EMPTY)
        left = counts[Group.FAILED] + counts[Group.WAITING]
        self._show_interrupted()
        resumes = self._interrupted is not None  # by a button of its own
        self._retry.setVisible(bool(state.run) and undo is EMPTY and not resumes)
        refused = state.failure is not None and state.failure.kind == FailureKind.PLAN
        self._retry.setEnabled(not running and state.finished and left > 0 and not refused)
        only_waiting = not running and left > 0 and not counts[Group.FAILED]
        self._retry.setText(tr("&Resume") if only_waiting else tr("&Retry failed"))
        self._progress.setVisible(bool(state.run) or running)
        self._show_progress()
        self._show_failure()
        if self._model.is_filtered:
            self.table.set_empty(tr("No server matches"), tr("Choose All, or empty the filter."))
        elif self._plan() is not None:
            self.table.set_empty(tr("Nothing to install"), tr("The plan holds no server."))
        else:
            self.table.set_empty(tr("Nothing is planned"), tr("Make a plan on the page Review first."))

    def _title(self) -> str:
        view, state, counts = self.session.view, self._run, self._model.counts
        total, online = counts[ALL], counts[Group.ONLINE]
        if self._is_running:
            return plural("Installing on {n} server", "Installing on {n} servers", total)
        if view.running == "undo":
            return tr("The run is being undone")
        if view.is_undone and not self._offers_install:
            return tr("The run is undone")
        if self._undo is not EMPTY:
            return _restored_words(self._undo)
        if not state.run or self._offers_install:
            return plural("Install on {n} server", "Install on {n} servers", self._to_install())
        if state.finished:
            return tr("{online} of {total} servers are online", online=f"{online:,}", total=f"{total:,}")
        return tr("Broken off: {online} of {total} servers are online", online=f"{online:,}", total=f"{total:,}")

    def _to_install(self) -> int:
        plan = self._plan()
        return len(plan.hosts) if plan else 0

    @Slot()
    def _show_progress(self) -> None:
        progress, now = self.session.view.progress("apply"), time.monotonic()
        counts, running = self._model.counts, self._is_running
        self._wave.setText(self._wave_words()[0])
        more = self._wave_words()[1]
        self._wave_more.setText(f"· {more}" if more else "")
        if self._undo is not EMPTY:
            self._figures.setText("")
            self._bar.set_fraction(0.0, "ok")  # how far the undoing is stands on Finish
            return
        total = counts[ALL]
        settled = total - counts[Group.RUNNING] - counts[Group.WAITING]
        figures = [tr("{done} of {total}", done=f"{settled:,}", total=f"{total:,}")]
        rate, left = progress.rate(now), progress.seconds_left(now)
        if running and not self.session.view.held and rate and left is not None:
            figures += [rate_text(rate), tr("about {time} left", time=duration_text(left))]
        self._figures.setText(" · ".join(figures))
        done = settled if running else counts[Group.ONLINE]
        self._bar.set_fraction(done / total if total else 0.0, "accent" if running else "ok")

    def _wave_words(self) -> tuple[str, str]:
        """(what goes on, more about it)."""
        view, counts = self.session.view, self._model.counts
        state, progress = self._run, view.progress("apply")
        canary = progress.canary
        if self._undo is not EMPTY:
            if view.running == "undo":
                return tr("Undoing"), ""
            return (tr("Undone") if view.is_undone else tr("Undone in part")), _restored_words(self._undo)
        if not self._is_running:
            if progress.wave == 1 and progress.waves == 2 and counts[Group.FAILED]:
                return tr("Ended after the canary"), tr("it failed, so the rest was left as it is")
            parts = [plural("{n} failed", "{n} failed", counts[Group.FAILED])] if counts[Group.FAILED] else []
            parts += [tr("{n} not tried", n=f"{counts[Group.WAITING]:,}")] if counts[Group.WAITING] else []
            return (tr("Ended") if state.finished else tr("Broken off")), " · ".join(parts)
        if view.held == "stopping":
            return tr("Stopping"), tr("servers under way are finished, no other is begun")
        if view.held == "paused":
            return tr("Paused"), tr("servers under way are finished, no other is begun")
        if not progress.wave:
            return tr("Looking at the servers again"), tr("nothing is changed yet")
        wave = tr("Wave {wave} of {waves}", wave=progress.wave, waves=progress.waves)
        if progress.wave == 2:
            return wave, tr("canary of {n} passed", n=f"{canary:,}")
        if progress.waves == 2:
            return wave, tr("canary of {n}; the others follow when it is online", n=f"{canary:,}")
        return wave, ""

    def _show_failure(self) -> None:
        state = self._run if self._undo is EMPTY else EMPTY
        failure = state.failure
        if failure is None or self._is_running:
            self._failure.clear()
            return
        self._resume.setVisible(failure.kind != FailureKind.PLAN and bool(state.run) and self._interrupted is None)
        self._review.setVisible(failure.kind == FailureKind.PLAN)
        self._failure.show_failure(failure)

    def _show_interrupted(self) -> None:
        self._interrupted = None if self._is_running else interrupted(self.session.view)
        self._banner.setVisible(self._interrupted is not None)
        if self._interrupted is not None:
            run = self._interrupted
            then = tr(
                "Begun {when}: {online} of {total} servers came online. Nothing was lost: it goes on with the others.",
                when=when(run.started),
                online=f"{run.proven:,}",
                total=f"{run.servers:,}",
            )
            self._banner.show_notice(Mark.WARN, tr("A run was interrupted"), then)

    def _show_selection(self) -> None:
        names = [str(key) for key in self.table.selected_keys()]
        self._chosen = frozenset(names)
        self.log.show_servers(names)
        whose = names[0] if len(names) == 1 else plural("{n} server", "{n} servers", len(names))
        self._log_whose.setText(whose if names else tr("all servers"))
        self._log_all.setVisible(bool(names))
        host = self._model.failed(names[0]) if len(names) == 1 else None
        wrong = troubles(host) if host is not None else ()
        if host is None or not wrong:
            self._reason.clear()
            return
        worst = wrong[0]
        appears = not self._reason.isVisible()
        self._reason.show_error(worst.summary, where=host.name, why=host.evidence, remedy=worst.words.remedy)
        if appears:  # it takes room from the table
            QTimer.singleShot(0, self.table, self._show_row)

    @Slot()
    def _look_at_plan(self) -> None:
        """On Review, or where something is left to do before it."""
        review = stages.BY_NAME["review"]
        blocking = stages.blocked_by(review, self.session.view)
        self.wished.emit(Visit((blocking or review).name))

    def _show_row(self) -> None:
        self.table.scrollTo(self.table.currentIndex())

    def _log(self) -> Log:
        """Of what was last done to the servers that are shown."""
        if self._run is EMPTY:
            return self._no_log
        return self.session.view.log("apply" if self._undo is EMPTY else "undo")

    def _append_log(self) -> None:
        log = self._log()
        if log is not self._log_of:
            self._log_of, self._told = log, 0
            self.log.clear_lines()
        self.log.append(log.since(self._told))
        self._told = log.told

    # What the buttons do

    @Slot()
    def _filter_rows(self) -> None:
        self._model.filter_by(self._chips.current, self._filter.text())
        self._show_standing()

    @Slot()
    def _pause_or_go_on(self) -> None:
        if self.session.view.held == "paused":
            self.session.go_on("apply")
        else:
            self.session.pause("apply")

    @Slot()
    def _choose_stop(self) -> None:
        menu = self._stop_menu()
        menu.popup(self._stop.mapToGlobal(QPoint(0, self._stop.height() + S4)))

    def _stop_menu(self) -> QMenu:
        """It deletes itself once it is closed."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        after = menu.addAction(tr("Stop &after the servers under way"))
        after.setToolTip(tr("They are brought to their end, no other is begun. The rest can be resumed."))
        after.triggered.connect(lambda: self.session.stop("apply"))
        now = menu.addAction(tr("Stop &now"))
        now.setToolTip(tr("Breaks off all but package managers and registrations. The rest can be resumed."))
        now.triggered.connect(lambda: self.session.stop_now("apply"))
        menu.setActiveAction(after)
        return menu

    @Slot()
    def _resume_run(self) -> None:
        self.session.resume(self.session.view.state("apply").run)

    @Slot()
    def _resume_interrupted(self) -> None:
        if self._interrupted is not None:
            self.session.resume(self._interrupted.run)

    def _tell_end(self) -> None:
        counts = self._model.counts
        online, failed = counts[Group.ONLINE], counts[Group.FAILED]
        told = (
            plural(
                "{n} server is online, {failed} failed",
                "{n} servers are online, {failed} failed",
                online,
                failed=f"{failed:,}",
            )
            if failed
            else plural("{n} server is online", "{n} servers are online", online)
        )
        self._notice.tell(tr("The installation ended"), told)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._notice.end()


def _restored_words(undo: State) -> str:
    restored, of = sum(host.is_restored for host in undo.hosts.values()), len(undo.hosts)
    return tr("{done} of {total} servers restored", done=f"{restored:,}", total=f"{of:,}")


class _NodeCell(TextCell):
    """Has room for an id before there is one."""

    def width(self, index: Index, theme: Theme) -> int:
        return QFontMetrics(theme.font(Role.FIXED)).horizontalAdvance("mi-0123456789abcdef0") + 1
