"""Checks: every prerequisite on every server, and what to do about those that are not met."""

from collections.abc import Collection

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QVBoxLayout, QWidget

from onboard.gui.host_words import verdict_word
from onboard.gui.index import Index
from onboard.gui.models.check_causes import ACTION, CAUSE, SERVERS, WHY, CheckCauses
from onboard.gui.models.check_matrix import CHECKS, FIRST_CHECK, SERVER, SYSTEM, CheckMatrix, Group
from onboard.gui.page import Page
from onboard.gui.session import Session
from onboard.gui.text import plural, say, tr
from onboard.gui.theme import CARD_GAP, S8, Theme
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.cells import MarkCell, StatusCell, TextCell
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.detail_pane import Detail, DetailPane
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.mark import Mark, mark_of_verdict
from onboard.gui.widgets.page_header import PageHeader
from onboard.model import orders
from onboard.model.causes import CauseKey
from onboard.model.changes import CHANGING
from onboard.model.finding import Finding, Verdict
from onboard.model.outcome import troubles
from onboard.model.profile import Host
from onboard.model.state import State
from onboard.wizard.check_titles import title_of
from onboard.wizard.command_line import command_line
from onboard.wizard.draft import with_only
from onboard.wizard.finding_words import finding_of, sentence, to_check_again
from onboard.wizard.step_words import fix_words

SHOWN_CAUSES = 5  # rows; more of them scroll
WIDEST_NAME = 144  # pixels at 100 %
NAMED = 30  # servers that the details of a cause list


class _NameCell(StatusCell):
    """A name column that leaves room for the checks. The tool tip and the details show the full name."""

    def width(self, index: Index, theme: Theme) -> int:
        return min(super().width(index, theme), theme.scaled(WIDEST_NAME))


class ChecksPage(Page):
    stage = "checks"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._behind = True
        self._hosts: tuple[Host, ...] = ()
        self._state: State | None = None
        self._fix = ""  # the fix that the details offer
        self._was_running = False
        self._asked: list[str] | None = None
        self.matrix = CheckMatrix(self)
        self.causes = CheckCauses(self._fix_of, self)
        self._header = PageHeader(
            tr("Checks"),
            tr(
                "Onboard checks every prerequisite on every server. Nothing is changed; blocked servers are left alone."
            ),
        )
        self.run_all = Button(tr("Check &all again"))
        self.run_failed = Button(tr("Check again &what failed"))
        for button, slot in ((self.run_all, self._run_all), (self.run_failed, self._run_failed)):
            button.clicked.connect(slot)
            self._header.add_action(button)
        self.error = ErrorPanel()
        self.older = Banner(Mark.INFO, "")
        self.older.hide()
        self.busy = BusyIndicator()
        self.busy.cancelled.connect(lambda: session.orders.stop("check"))
        self._busy_place = QWidget()
        self.chips = Chips(
            tr("Servers by result"),
            [
                Chip(Group.ALL, tr("All")),
                Chip(Group.READY, tr("Ready"), Mark.DONE),
                Chip(Group.WARNED, tr("Warned"), Mark.WARN),
                Chip(Group.BLOCKED, tr("Blocked"), Mark.BAD),
                Chip(Group.UNREACHABLE, tr("Unreachable"), Mark.BAD),
            ],
        )
        self.everything = Button(tr("&Show all causes"), icon="cross", kind=Kind.LINK)
        self.filter = FilterBox(tr("Filter by name, tag, cause"))
        self.cause_table = self._make_cause_table()
        self.table = self._make_table()
        self.detail = DetailPane(tr("Select a cell to see what was found on that server and what to do about it."))
        self.detail.acted.connect(self._toggle_fix)
        self.chips.picked.connect(self._filter)
        self.filter.textChanged.connect(self._filter)
        self.everything.clicked.connect(self.cause_table.clearSelection)
        self._lay_out()
        Theme.current().changed.connect(self._fit_causes)
        self._catch_up()

    def _make_cause_table(self) -> DataTable:
        table = DataTable(tr("Causes"), sortable=False)
        table.setModel(self.causes)
        table.setSelectionMode(DataTable.SelectionMode.SingleSelection)
        table.set_cell(CAUSE, StatusCell())
        table.set_cell(SERVERS, TextCell(number=True))
        table.set_cell(WHY, TextCell())
        table.set_cell(ACTION, TextCell(gives=False))
        table.horizontalHeader().setStretchLastSection(False)
        table.horizontalHeader().setSectionResizeMode(WHY, QHeaderView.ResizeMode.Stretch)
        table.picked.connect(self._cause_picked)
        table.clicked.connect(self._cause_clicked)
        return table

    def _make_table(self) -> DataTable:
        table = DataTable(tr("Servers and checks"), cells=True)
        for column in (SERVER, SYSTEM):
            table.set_cell(column, _NameCell(gives=False))
        for column in range(FIRST_CHECK, FIRST_CHECK + len(CHECKS)):
            table.set_cell(column, MarkCell())
        table.setModel(self.matrix)
        table.horizontalHeader().setStretchLastSection(False)
        table.picked.connect(self._show_detail)
        table.empty_action.connect(self._act_on_nothing)
        return table

    def _lay_out(self) -> None:
        waiting = QVBoxLayout(self._busy_place)
        waiting.setContentsMargins(0, 0, 0, 0)
        waiting.addWidget(self.busy)
        narrowing = QHBoxLayout()
        narrowing.setSpacing(S8)
        narrowing.addWidget(self.chips, 1)
        narrowing.addWidget(self.everything)
        narrowing.addWidget(self.filter)
        body = QHBoxLayout()
        body.setSpacing(CARD_GAP)
        body.addWidget(self.table, 7)
        body.addWidget(self.detail, 3)
        self.column.addWidget(self._header)
        self.column.addWidget(self.error)
        self.column.addWidget(self.older)
        self.column.addWidget(self._busy_place)
        self.column.addLayout(narrowing)
        self.column.addWidget(self.cause_table)
        self.column.addLayout(body, 1)
        self.column.addSpacing(CARD_GAP)

    # The window's side

    def enter(self) -> None:
        self._catch_up()

    def draft_changed(self) -> None:
        self._behind = self._behind or self.session.view.draft.hosts is not self._hosts
        if self.isVisible():
            self._catch_up()

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command in CHANGING:
            self._say_how_old()
        if command != "check":
            return
        state = self.session.view.state("check")
        self.matrix.heard(hosts)
        if not self.isVisible() or state is not self._state or bool(state.hosts) != bool(self.matrix.total):
            self._behind = True
        if self.isVisible():
            self._catch_up(hosts)

    def _catch_up(self, changed: Collection[str] = ()) -> None:
        """Show what changed. A hidden page is not updated; it catches up when it is shown."""
        draft, state = self.session.view.draft, self.session.view.state("check")
        if self._behind:
            self._behind, self._hosts, self._state = False, draft.hosts, state
            self.matrix.show(draft.hosts, state, draft.run.fixes)
            if not self._was_running:
                self._order_columns()
        else:
            self.matrix.set_fixes(draft.run.fixes)
            self.matrix.update(changed)
        self._show_counts()
        if not changed or self._current_server() in changed or self._picked_cause() is not None:
            self._show_detail()

    def running_changed(self) -> None:
        running = self.session.view.running == "check"
        if running == self._was_running:
            return
        self._was_running = running
        if running:
            asked = self._asked if self._asked is not None else [host.name for host in self.session.view.draft.hosts]
            self._behind = True
            self.matrix.begin(asked)
            self.busy.start(plural("Asking {n} server", "Asking {n} servers", len(asked)))
            self._catch_up()
        else:
            self._asked = None
            self.busy.stop()
            QTimer.singleShot(0, self, self._sort_out)  # after every page has heard that the run ended

    def _sort_out(self) -> None:
        """After a run, sort the servers that need attention to the top."""
        if self.session.view.running != "check":
            self.matrix.end()
            self._order_columns()
            self._catch_up()
            self.table.fit_columns()

    def command_line(self) -> str:
        path = self.session.view.path
        return command_line("onboard", "check", "--profile", str(path)) if path else ""

    def primary_label(self) -> str:
        return tr("&Run the checks") if self._is_to_run() else ""

    def primary(self) -> bool:
        if not self._is_to_run():
            return False
        self._run_all()
        return True

    def cancel(self) -> bool:
        if self.session.view.running == "check":
            self.session.orders.stop("check")
            return True
        if self.matrix.cause is not None:
            self.cause_table.clearSelection()
            return True
        return False

    # Running

    def _is_to_run(self) -> bool:
        view = self.session.view
        return view.running != "check" and not any(host.finished for host in view.state("check").hosts.values())

    def _run_all(self) -> None:
        self._asked = None
        self.session.commands.run(orders.Check())

    def _run_failed(self) -> None:
        view = self.session.view
        self._asked = to_check_again(view.draft, view.state("check"))
        self.session.commands.run(orders.Check(), profile=with_only(view.draft, set(self._asked)), fresh=False)

    # Showing

    def _show_counts(self) -> None:
        view = self.session.view
        running = view.running == "check"
        counts = self.matrix.counts
        self.chips.set_counts(counts)
        self.causes.show(self.matrix.causes, view.draft.run.fixes, stable=running)
        self._fit_causes()
        if running:
            self.busy.set_progress(*self.matrix.progress)
            self.busy.set_why(say(view.state("check").waiting or ""))
        self._busy_place.setVisible(running)
        listed = self.matrix.total > 0
        for widget in (self.chips, self.filter, self.detail, self.table.horizontalHeader()):
            widget.setVisible(listed)
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if listed else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.table.setHorizontalScrollBarPolicy(policy)
        ran = listed and not running
        self.run_all.setVisible(ran)
        self.run_failed.setVisible(ran)
        self.run_failed.setEnabled(counts[Group.ALL] > counts[Group.READY] + counts[Group.WARNED])
        self.everything.setVisible(self.matrix.cause is not None)
        self._say_what_is_empty()
        self._say_how_old()
        self.error.show_failure(view.state("check").failure)

    def _say_how_old(self) -> None:
        """Warn that a run or its undo has changed the servers since. The checks stay readable but are outdated."""
        view = self.session.view
        by = view.outdated_by("check") if self.matrix.total and view.running != "check" else ""
        self.older.setVisible(bool(by))
        if by:
            what = (
                tr("These checks were made before a run was undone")
                if by == "undo"
                else tr("These checks were made before the last installation")
            )
            self.older.show_notice(Mark.INFO, what, tr("Check all again to see how the servers are now."))

    def _say_what_is_empty(self) -> None:
        if self.matrix.total:
            self.table.set_empty(tr("No matching servers"), tr("No server matches the filter."), tr("Show all servers"))
        elif self.session.view.running == "check":
            self.table.set_empty(tr("The checks are starting"), tr("Servers appear as soon as Onboard contacts them."))
        else:
            self.table.set_empty(
                tr("No server has been checked yet"),
                tr(
                    "Onboard checks every server's operating system, clock, disk, certificates and route to AWS, "
                    "and reports what would go wrong. This takes about a second for ten servers and changes "
                    "nothing."
                ),
                tr("Run the chec&ks"),
            )

    def _fit_causes(self) -> None:
        rows = self.causes.rowCount()
        self.cause_table.setVisible(rows > 0)
        height = self.cause_table.horizontalHeader().sizeHint().height()
        self.cause_table.setFixedHeight(height + min(rows, SHOWN_CAUSES) * Theme.current().row_height() + S8)

    def _order_columns(self) -> None:
        """Put the checks that most servers fail first. Checks that no server fails follow in their own order."""
        trouble = self.matrix.trouble_by_check()
        header = self.table.horizontalHeader()
        checks = sorted(range(len(CHECKS)), key=lambda number: -trouble[CHECKS[number]])
        for place, number in enumerate(checks):
            header.moveSection(header.visualIndex(FIRST_CHECK + number), FIRST_CHECK + place)

    # Narrowing

    def _filter(self) -> None:
        self.matrix.filter_by(Group(self.chips.current), self.filter.text(), self._picked_cause())
        self.everything.setVisible(self.matrix.cause is not None)

    def _act_on_nothing(self) -> None:
        if self._is_to_run():
            self._run_all()
            return
        self.cause_table.clearSelection()
        self.filter.clear()
        self.chips.pick(Group.ALL)

    def _picked_cause(self) -> CauseKey | None:
        rows = self.cause_table.selected_rows()
        return self.causes.key(rows[0]) if rows else None

    def _cause_picked(self) -> None:
        key = self._picked_cause()
        if key == self.matrix.cause:
            return
        self.table.clearSelection()
        self._filter()
        self._show_detail()
        if key is not None and key.check in CHECKS:
            column = FIRST_CHECK + CHECKS.index(key.check)
            self.table.scrollTo(self.matrix.index(0, column))

    def _cause_clicked(self, index: QModelIndex) -> None:
        """Apply the fix when the last column, the action, is clicked."""
        fix = self.causes.fix(index.row())
        if index.column() == ACTION and fix is not None:
            self._fix = fix[0]
            self._toggle_fix()

    # The details

    def _current_server(self) -> str:
        rows = self.table.selected_rows()
        return self.matrix.key(rows[0]) if rows else ""

    def _show_detail(self) -> None:
        server = self._current_server()
        cause = self._picked_cause()
        self._fix = ""
        if server:
            self.detail.show_detail(self._of_cell(server, self.table.currentIndex().column()))
        elif cause is not None:
            self.detail.show_detail(self._of_cause(cause))
        else:
            self.detail.show_detail(None)

    def _of_cell(self, server: str, column: int) -> Detail:
        host = self.matrix.host(server)
        if column >= FIRST_CHECK:
            finding = self.matrix.finding(server, CHECKS[column - FIRST_CHECK])
            if finding is not None:
                return self._detail(server, finding, finding.evidence)
        trouble = troubles(host) if host is not None else ()
        worst = trouble[0] if trouble else None
        facts = tuple(
            (say(title_of(one.check).short), f"{verdict_word(one.status)}: {say(one.words.sentence)}")
            for one in trouble[1:]
        )
        if worst is not None:
            return self._detail(server, worst, worst.evidence, facts)
        return Detail(server, self.matrix.mark(server), self.matrix.words(server))

    def _of_cause(self, key: CauseKey) -> Detail:
        names = list(self.matrix.causes.hosts(key))
        cause = self.matrix.causes.cause(key)
        finding = Finding(
            check=key.check,
            status=key.status,
            summary=cause.summary,
            remedy=cause.remedy,
            fix=self._fix_of(key),
            wording=cause.wording,
        )
        listed = "\n".join(names[:NAMED])
        if len(names) > NAMED:
            listed += "\n" + plural("… and {n} more", "… and {n} more", len(names) - NAMED)
        count = plural("{n} server", "{n} servers", len(names))
        return self._detail(count, finding, "", ((tr("Servers"), listed),))

    def _detail(self, whose: str, finding: Finding, seen: str, facts: tuple[tuple[str, str], ...] = ()) -> Detail:
        title = title_of(finding.check)
        fix = fix_words(finding.fix) if finding.status is not Verdict.PASS else None
        self._fix = finding.fix if fix is not None else ""
        allowed = finding.fix in self.session.view.draft.run.fixes
        if fix is not None and allowed:
            facts = ((tr("Onboard will fix this"), say(fix.allowed)), *facts)
        return Detail(
            title=f"{whose} · {say(title.short)}" if title.short else whose,
            mark=mark_of_verdict(finding.status),
            status=sentence(say(finding.words.sentence)),
            why=say(title.why) if finding.status is not Verdict.PASS else "",
            facts=facts,
            seen=seen,
            remedy=say(finding.words.remedy_words),
            commands=finding.words.commands,
            action=say(fix.forbid if allowed else fix.allow) if fix is not None else "",
        )

    # Fixes

    def _fix_of(self, key: CauseKey) -> str:
        """Return the fix for a cause. Its servers share one, so that of the first finding is enough."""
        for name in self.matrix.causes.hosts(key):
            finding = finding_of(self.matrix.host(name), key.check)
            return finding.fix if finding is not None else ""
        return ""

    def _toggle_fix(self) -> None:
        fixes = self.session.view.draft.run.fixes
        kept = tuple(name for name in fixes if name != self._fix)
        self.session.editor.put("run.fixes", kept if kept != fixes else (*fixes, self._fix))
