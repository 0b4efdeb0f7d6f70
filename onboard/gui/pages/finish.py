"""Finish: which servers are online, the report, and undo."""

from pathlib import Path

from PySide6.QtCore import QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QWidget

from onboard.gui.dialogs import report_path
from onboard.gui.host_words import undo_words
from onboard.gui.models.outcome import NODE, REASON, STATUS, Ended, OutcomeModel, mark_of_end, stands, status_words
from onboard.gui.models.runs import begun_words, undo_begun_words
from onboard.gui.page import Page
from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import plural, say, tr
from onboard.gui.theme import CARD_GAP, S8, S16, Role
from onboard.gui.undo_dialog import ask_undo
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.cells import StatusCell, TextCell
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.detail_pane import Detail, DetailPane
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.progress_bar import ProgressBar
from onboard.gui.wishes import ChooseRun, SaveProfile, Visit
from onboard.model import orders
from onboard.model.changes import ChangeName
from onboard.model.outcome import troubles
from onboard.model.state import HostState
from onboard.model.status import HostStatus
from onboard.wizard.command_line import command_line
from onboard.wizard.interrupted import is_resumable


class FinishPage(Page):
    stage = "finish"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._model = OutcomeModel(self)
        self._shown: tuple[object, ...] = ()
        self._written: Path | None = None
        self._is_writing = False  # this page asked for the report, not another part of the window
        self._asking = False
        self._header = PageHeader("")
        self._save = Button(tr("&Save profile"), icon="save")
        self._save.clicked.connect(lambda: self.wished.emit(SaveProfile()))
        self._undo = Button(tr("&Undo…"), icon="undo")
        self._undo.clicked.connect(self._ask_what_undo_touches)
        self._runs = Button(tr("Ear&lier runs…"), icon="clock")
        self._runs.clicked.connect(lambda: self.wished.emit(ChooseRun()))
        self._resume = Button(tr("Resu&me"))
        self._resume.clicked.connect(self._resume_run)
        for action in (self._runs, self._resume, self._save, self._undo):
            self._header.add_action(action)
        self.column.addWidget(self._header)
        self.column.addWidget(self._make_numbers())
        self._activation = Banner(Mark.WARN, "")
        self._activation.hide()
        self._report = Banner(Mark.DONE, "")
        opened = Button(tr("&Open it"), icon="open")
        opened.clicked.connect(self._open_report)
        self._report.add_button(opened)
        self._report.hide()
        self._error = ErrorPanel()
        for widget in (self._activation, self._report, self._error, self._make_undoing()):
            self.column.addWidget(widget)
        self.column.addLayout(self._make_chips())
        self.column.addLayout(self._make_parts(), 1)
        name_parts(undo=self._undo, save=self._save, runs=self._runs, resume=self._resume, error=self._error)
        name_parts(activation=self._activation, report=self._report, undo_words=self._undo_words)
        name_parts(servers=self.table, chips=self._chips, filter=self._filter, detail=self._detail)
        name_parts(**{group.value: number for group, number in self._numbers.items()})

    # Its parts

    def _make_numbers(self) -> QWidget:
        self._cards = QWidget()
        row = QHBoxLayout(self._cards)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(CARD_GAP)
        self._numbers: dict[Ended, Label] = {}
        for group, words in (
            (Ended.ONLINE, tr("online")),
            (Ended.NOT_ONLINE, tr("not online")),
            (Ended.SKIPPED, tr("skipped")),
        ):
            card = Card()
            card.body.setSpacing(0)
            number = self._numbers[group] = Label(role=Role.TITLE)
            number.setAccessibleDescription(words)
            card.body.addWidget(number)
            card.body.addWidget(Label(words, tone="muted"))
            row.addWidget(card, 1)
        return self._cards

    def _make_undoing(self) -> QWidget:
        self._undoing = Card()
        self._undo_words = Label(role=Role.STRONG)
        self._undo_bar = ProgressBar()
        self._undoing.body.addWidget(self._undo_words)
        self._undoing.body.addWidget(self._undo_bar)
        self._undoing.hide()
        return self._undoing

    def _make_chips(self) -> QHBoxLayout:
        self._chips = Chips(
            tr("Servers by outcome"),
            (
                Chip(Ended.ALL, tr("All")),
                Chip(Ended.ONLINE, tr("Online"), Mark.DONE),
                Chip(Ended.NOT_ONLINE, tr("Not online"), Mark.BAD),
                Chip(Ended.SKIPPED, tr("Skipped"), Mark.SKIPPED),
            ),
        )
        kept = self._chips.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self._chips.setSizePolicy(kept)
        self._filter = FilterBox(tr("Filter by name, node, reason"))
        self._chips.picked.connect(self._filter_rows)
        self._filter.textChanged.connect(self._filter_rows)
        row = QHBoxLayout()
        row.setSpacing(S8)
        row.addWidget(self._chips, 1)
        row.addWidget(self._filter)
        return row

    def _make_parts(self) -> QHBoxLayout:
        self.table = DataTable(tr("Servers and their outcomes"))
        self.table.setModel(self._model)
        self.table.set_cell(STATUS, StatusCell())
        self.table.set_cell(NODE, TextCell(fixed=True, gives=False))
        self.table.set_cell(REASON, TextCell())
        self.table.set_empty(tr("No matching servers"), tr("Choose All, or clear the filter."))
        self.table.picked.connect(self._show_selection)
        self._detail = DetailPane(tr("Select a server to see how it ended and what to do."))
        row = QHBoxLayout()
        row.setSpacing(CARD_GAP)
        row.addWidget(self.table, 2)
        row.addWidget(self._detail, 1)
        row.setContentsMargins(0, 0, 0, S16)
        return row

    # What the window asks

    def enter(self) -> None:
        self._show_all()

    def first_focus(self) -> QWidget:
        return self.table

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command == "report":
            self._show_report()
        elif command == "undo_preview":
            QTimer.singleShot(
                0, self, self._ask_undo
            )  # it opens a dialog: let the other pages hear of the change first
        elif command in ("apply", "undo") and self.isVisible():
            if any(new is not old for new, old in zip(self._source(), self._shown, strict=False)):
                self._show_all()
            else:
                self._model.repaint_rows(hosts)
                self._show_undoing()
                self._show_selection()

    def running_changed(self) -> None:
        self._show_buttons()
        if self.isVisible() and not self.session.view.running:
            self._show_undoing()

    def opened(self) -> None:
        self._written = None
        self._report.hide()
        self._error.clear()

    def draft_changed(self) -> None:
        self._show_buttons()

    def primary(self) -> bool:
        """Ask where to save the report, and write it in the format of the chosen name."""
        path = report_path(self, self.session.view.state("apply").run)
        if path is not None:
            self.write_report(path)
        return True

    def write_report(self, path: Path) -> None:
        """Have the engine write the report in the format of the suffix: html, csv or json."""
        self._written, self._is_writing = path, True
        self._report.hide()
        suffix = path.suffix.lower().removeprefix(".")
        self.session.commands.run(
            orders.Report(run=self.session.view.state("apply").run, format=suffix, file=str(path))
        )

    def primary_label(self) -> str:
        return tr("Save the &report…") if self.session.view.state("apply").run else ""

    def command_line(self) -> str:
        run = self.session.view.state("apply").run
        return command_line("onboard", "report", run, "--format", "html", "-o", f"onboard-{run}.html") if run else ""

    # Showing it

    def _source(self) -> tuple[object, ...]:
        view = self.session.view
        return view.state("apply"), view.state("undo")

    def _show_all(self) -> None:
        view = self.session.view
        before, self._shown = self._shown, self._source()
        state = view.state("apply")
        if before and before[0] is not state:
            self._error.clear()  # it was about another run
            self.table.clearSelection()
            self.table.scrollToTop()
        self._model.show(state, view.state("undo"))
        counts = self._model.counts
        self._chips.set_counts(counts)
        for group, label in self._numbers.items():
            label.setText(f"{counts[group]:,}")
            tone = {Ended.ONLINE: "ok", Ended.NOT_ONLINE: "bad", Ended.SKIPPED: "idle"}[group]
            label.set_tone(tone if counts[group] else "idle")
        self._show_activation()
        self._show_undoing()
        self._show_buttons()
        self._show_selection()
        self.table.fit_columns()

    def _show_activation(self) -> None:
        state = self.session.view.state("apply")
        gone = any(change.change == ChangeName.DELETE_ACTIVATION for change in state.aws_changes)
        left = state.activations_left
        if left:
            what = plural("{n} activation remains", "{n} activations remain", len(left))
            then = tr("Resume or undo the run to delete it: {ids}", ids=", ".join(left))
            self._activation.show_notice(Mark.WARN, what, then)
        self._activation.setVisible(bool(left))
        said = (
            tr("The activation was deleted. It can no longer be used to register.")
            if gone and not left
            else tr("Online means that the server answered through Run Command.")
        )
        undo = undo_begun_words(self.session.view.undo)
        self._header.set_lead(f"{begun_words(state)} {undo or said}".strip())

    def _show_buttons(self) -> None:
        view = self.session.view
        self._undo.setEnabled(bool(view.state("apply").run) and not view.running and not view.is_undone)
        self._save.setEnabled(view.is_edited or view.path is None)
        self._resume.setVisible(is_resumable(view))

    def _show_undoing(self) -> None:
        view = self.session.view
        undo, running = view.state("undo"), view.running == "undo"
        undoes = running or bool(undo.run)
        self._undoing.setVisible(undoes)
        self._cards.setVisible(not undoes)
        self._chips.setVisible(not undoes)  # they count how the run ended
        if undoes:
            self._chips.pick(Ended.ALL)
        counts = self._model.counts
        online, total = f"{counts[Ended.ONLINE]:,}", f"{counts[Ended.ALL]:,}"
        title = tr("{online} of {total} servers are online", online=online, total=total)
        self._header.set_title(
            tr("The run is being undone") if running else tr("The run is undone") if undoes else title
        )
        if undo.failure is not None and not running:
            self._error.show_failure(undo.failure)
        if undoes:
            done = sum(host.finished for host in undo.hosts.values())
            restored = sum(host.status is HostStatus.READY for host in undo.hosts.values())
            of = len(undo.hosts)
            if running:
                words = tr("Undoing: {done} of {total}", done=f"{done:,}", total=f"{of:,}")
            else:
                words = tr("{done} of {total} servers restored", done=f"{restored:,}", total=f"{of:,}")
            self._undo_words.setText(words)
            shown = done if running else restored
            self._undo_bar.set_fraction(shown / of if of else 1.0, "accent" if running else "ok")

    def _show_selection(self) -> None:
        names = [str(key) for key in self.table.selected_keys()]
        host = self._model.host(names[0]) if len(names) == 1 else None
        if host is None:
            self._detail.show_detail(None)
            return
        undone = self.session.view.state("undo").hosts.get(host.name)
        if undone is not None:
            self._detail.show_detail(_undone_detail(undone))
            return
        well = stands(host) is HostStatus.ONLINE
        wrong = () if well else troubles(host)
        worst = wrong[0] if wrong else None
        status = status_words(host)
        self._detail.show_detail(
            Detail(
                title=host.name,
                mark=mark_of_end(host),
                status=tr("{status}: {what}", status=status, what=say(worst.words.sentence)) if worst else status,
                why=tr("Systems Manager reports it online, and it answered with its nonce.") if well else "",
                facts=((tr("Node"), host.instance_id),) if host.instance_id else (),
                seen="\n".join(finding.evidence for finding in wrong if finding.evidence),
                remedy=say(worst.words.remedy_words) if worst else "",
                commands=worst.words.commands if worst else (),
            )
        )

    @Slot()
    def _filter_rows(self) -> None:
        self._model.filter_by(Ended(self._chips.current), self._filter.text())

    @Slot()
    def _resume_run(self) -> None:
        self.session.commands.resume(self.session.view.state("apply").run)
        self.wished.emit(Visit("install"))

    # The report

    def _show_report(self) -> None:
        state = self.session.view.state("report")
        if not state.finished or not self._is_writing:
            return
        self._is_writing = False
        self._error.show_failure(state.failure)
        if state.failure is None:
            self._report.show_notice(Mark.DONE, tr("The report was saved"), str(self._written))
            self._report.show()

    @Slot()
    def _open_report(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written)))

    # Undo

    @Slot()
    def _ask_what_undo_touches(self) -> None:
        self._asking = True
        self._error.clear()
        self.session.commands.run(orders.UndoPreview(run=self.session.view.state("apply").run))

    def _ask_undo(self) -> None:
        """Ask for confirmation once the journal has listed what there is to undo."""
        state = self.session.view.state("undo_preview")
        if not self._asking or not state.finished:
            return
        self._asking = False
        shown = state.undoing
        if state.failure is not None:
            self._error.show_failure(state.failure)
        elif shown is None or not shown.touches_anything:
            self._error.show_error(tr("This run has nothing left to undo"))
        elif ask_undo(self, shown):
            self.session.commands.run(orders.Undo(run=shown.run))
            self._show_all()


def _undone_detail(host: HostState) -> Detail:
    """Return the details of a server whose run is being or was undone."""
    word, mark = undo_words(host)
    if host.is_restored:
        return Detail(
            title=host.name, mark=mark, status=word, why=tr("The changes that the run made to this server were undone.")
        )
    wrong = troubles(host) if host.finished else ()
    worst = wrong[0] if wrong else None
    return Detail(
        title=host.name,
        mark=mark,
        status=tr("{status}: {what}", status=word, what=say(worst.words.sentence)) if worst else word,
        remedy=say(worst.words.remedy_words) if worst else "",
        commands=worst.words.commands if worst else (),
    )
