"""Review: everything that the run will do, and a plan file that can be approved and applied."""

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from onboard.gui.dialogs import save_path
from onboard.gui.models.plan_tree import HOW_MANY, VALUES, Node, PlanTree
from onboard.gui.page import Page
from onboard.gui.session import Session
from onboard.gui.text import plural, say, tr
from onboard.gui.theme import CARD_GAP, S8
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.detail_pane import Detail, DetailPane
from onboard.gui.widgets.empty_state import EmptyState
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.label import ElidedLabel
from onboard.gui.widgets.mark import Mark, mark_of_verdict
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.top_bar import account_text
from onboard.gui.widgets.tree_view import TreeView
from onboard.model import orders
from onboard.model.changes import CHANGING
from onboard.model.errors import OnboardError
from onboard.model.plan import Change, Plan
from onboard.model.words import Text
from onboard.profiles.plan_file import save
from onboard.wizard.check_titles import title_of
from onboard.wizard.command_line import command_line
from onboard.wizard.plan_outline import Outline, matching, outline_of
from onboard.wizard.stages import is_plan_used_up

NAMED = 30  # servers that the details list


class ReviewPage(Page):
    stage = "review"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._shown: Plan | None = None
        self._outline = Outline()
        self._file: Path | None = None
        self._was_running = False
        header = self._header = PageHeader(tr("Review"))
        self.again = Button(tr("Mak&e it again"))
        self.save = Button(tr("&Save the plan…"), icon="save")
        self.again.clicked.connect(self._make)
        self.save.clicked.connect(self._choose_file)
        header.add_action(self.again)
        header.add_action(self.save)
        self.used_up = Banner(Mark.INFO, "")
        self.used_up.hide()
        self.error = ErrorPanel()
        self.saved = Banner(Mark.DONE, "")
        self.saved.hide()
        self.busy = BusyIndicator()
        self.busy.cancelled.connect(lambda: session.orders.stop("plan"))
        self._busy_place = QWidget()
        self.warnings = QVBoxLayout()
        self.summary = ElidedLabel(tone="muted")
        self.filter = FilterBox(tr("Search changes, servers, causes"))
        self.filter.textChanged.connect(self._search)
        self.plan = PlanTree(self)
        self.tree = TreeView(tr("The plan"), self.plan, stretched=VALUES, number=HOW_MANY)
        self.tree.picked.connect(self._show_detail)
        self.detail = DetailPane(tr("Select a line to see it in full: values, policies, server names."))
        self._body = QWidget()
        self.empty = EmptyState()
        self.empty.acted.connect(self._make)
        self._lay_out(header)
        self._catch_up()

    def _lay_out(self, header: PageHeader) -> None:
        waiting = QVBoxLayout(self._busy_place)
        waiting.setContentsMargins(0, 0, 0, 0)
        waiting.addWidget(self.busy)
        self.warnings.setSpacing(S8)
        head = QHBoxLayout()
        head.setSpacing(S8)
        head.addWidget(self.summary)
        head.addStretch()
        head.addWidget(self.filter)
        body = QHBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(CARD_GAP)
        body.addWidget(self.tree, 7)
        body.addWidget(self.detail, 3)
        self.column.addWidget(header)
        self.column.addWidget(self.error)
        self.column.addWidget(self.used_up)
        self.column.addWidget(self.saved)
        self.column.addWidget(self._busy_place)
        self.column.addLayout(self.warnings)
        self.column.addLayout(head)
        self.column.addWidget(self._body, 1)
        self.column.addWidget(self.empty, 1)
        self.column.addSpacing(CARD_GAP)

    # The window's side

    def enter(self) -> None:
        self._catch_up()

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command in ("plan", *CHANGING):
            self._catch_up()

    def running_changed(self) -> None:
        running = self.session.view.running == "plan"
        if running != self._was_running:
            self._was_running = running
            if running:
                self.busy.start(tr("Asking servers and AWS what needs to be done"))
            else:
                self.busy.stop()
        self._catch_up()

    def command_line(self) -> str:
        path = self.session.view.path
        if path is None:
            return ""
        output = ("-o", str(self._file)) if self._file else ()
        return command_line("onboard", "plan", "--profile", str(path), *output)

    def primary_label(self) -> str:
        if not self._is_to_make():
            return ""
        return tr("&Make the plan") if self.session.view.state("plan").plan is None else tr("&Make the plan again")

    def primary(self) -> bool:
        if self._is_to_make():
            self._make()
            return True
        return False

    def cancel(self) -> bool:
        if self.session.view.running == "plan":
            self.session.orders.stop("plan")
            return True
        return False

    def _is_to_make(self) -> bool:
        view = self.session.view
        if view.running == "plan" or view.running in CHANGING:
            return False
        return view.state("plan").plan is None or is_plan_used_up(view)

    def _make(self) -> None:
        self.session.commands.run(orders.Plan())

    # Showing

    def _catch_up(self) -> None:
        state = self.session.view.state("plan")
        running = self.session.view.running == "plan"
        plan = None if running else state.plan
        self._busy_place.setVisible(running)
        self.busy.set_why(say(state.waiting or ""))
        self.error.show_failure(state.failure)
        if plan is not self._shown:
            self._shown, self._file = plan, None
            self.saved.hide()
            self._outline = outline_of(plan, state) if plan is not None else Outline()
            self._show_warnings(plan.warning_texts if plan is not None else ())
            self._search()
        view = self.session.view
        used_up = is_plan_used_up(view)
        is_untrue = plan is not None and view.outdated_by("plan") == "undo"
        self._say_what_it_is_worth(used_up=used_up and not is_untrue)
        listed = bool(plan is not None and not is_untrue and (not plan.is_empty or self._outline.left_out))
        for widget in (self.summary, self.filter, self._body):
            widget.setVisible(listed)
        self.again.setVisible(plan is not None and not used_up and view.running not in CHANGING)
        self.save.setVisible(plan is not None and not plan.is_empty and not view.outdated_by("plan"))
        self.empty.setVisible(not listed)
        self._say_what_is_empty(plan, running=running)

    def _say_what_it_is_worth(self, *, used_up: bool) -> None:
        self.used_up.setVisible(used_up)
        if used_up:
            self._header.set_lead(tr("It was approved before the last installation and will not be carried out again."))
            self.used_up.show_notice(
                Mark.INFO,
                tr("This plan is used up"),
                tr("Servers have changed since it was made. Make the plan again to see what is left to do."),
            )
        else:
            lead = tr("Install does exactly this. If more would be needed, it stops before changing anything.")
            self._header.set_lead(lead)

    def _say_what_is_empty(self, plan: Plan | None, *, running: bool) -> None:
        if plan is not None and self.session.view.outdated_by("plan") == "undo":
            self.empty.set_texts(
                tr("The plan is out of date"),
                tr("A run was undone after it was made, so it no longer shows what needs to be done."),
            )
        elif plan is not None:
            self.empty.set_texts(
                tr("Nothing to do"),
                tr("The plan contains no servers, and AWS needs no change."),
            )
        elif running:
            self.empty.set_texts(tr("The plan is being made"), tr("Servers are checked once more; nothing is changed."))
        elif self.session.view.state("plan").failure is not None:
            self.empty.set_texts(tr("There is no plan"), tr("Follow the advice above, then make the plan again."))
        else:
            self.empty.set_texts(
                tr("No plan has been made yet"),
                tr(
                    "It lists every change in AWS and on servers, so you can read, save and approve it before "
                    "anything is changed."
                ),
                tr("Ma&ke the plan"),
            )

    def _show_warnings(self, warnings: tuple[Text, ...]) -> None:
        while (item := self.warnings.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for warning in warnings:
            self.warnings.addWidget(Banner(Mark.WARN, say(warning)))

    def _search(self) -> None:
        found = matching(self._outline, self.filter.text())
        self.plan.show(found)
        self.tree.expandToDepth(0)
        if self.filter.text().strip():
            self.tree.open_small()
        outline, plan = self._outline, self._shown
        if plan is not None:
            self.summary.setText(
                tr(
                    "Account {account}, {region}: {aws}, {servers}, {left} left out",
                    account=account_text(plan.account),
                    region=plan.region,
                    aws=plural("{n} change in AWS", "{n} changes in AWS", len(outline.aws)),
                    servers=plural("{n} server changed", "{n} servers changed", outline.servers),
                    left=f"{len(outline.left_out_names):,}",
                )
            )
        self._show_detail()

    def _show_detail(self) -> None:
        index = self.tree.currentIndex()
        chosen = self.tree.selectionModel().hasSelection() and index.isValid()
        self.detail.show_detail(_detail(self.plan.node(index)) if chosen else None)

    # Saving

    def _choose_file(self) -> None:
        path = self.session.view.path
        proposed = path.with_suffix(".plan.json") if path else Path("onboard.plan.json")
        file = save_path(self, tr("Save the plan"), proposed, {"json": tr("Plans (*.json)")})
        if file is not None:
            self.save_plan(file)

    def save_plan(self, file: Path) -> None:
        """Write the shown plan for `onboard apply --plan`. Errors are shown on the page."""
        if self._shown is None:
            return
        try:
            save(self._shown, file)
        except OnboardError as error:
            self.saved.hide()
            self.error.show_error(
                error.what, where=error.where, why=error.why, remedy=error.remedy, problems=error.problems
            )
            return
        self._file = file
        self.footer_changed.emit()
        profile = str(self.session.view.path or "PROFILE.toml")
        line = command_line("onboard", "apply", "--profile", profile, "--plan", str(file))
        self.error.clear()
        self.saved.show_notice(
            Mark.DONE, tr("The plan is saved in {file}.", file=file), tr("Apply it with: {line}", line=line)
        )
        self.saved.show()


def _detail(node: Node) -> Detail:
    if node.cause is not None:
        cause, title = node.cause, title_of(node.cause.check)
        return Detail(
            title=f"{node.count} · {say(title.short)}" if title.short else node.count,
            mark=mark_of_verdict(cause.status),
            status=node.text,
            why=say(title.why),
            facts=(_names(node),),
            remedy=say(cause.words.remedy_words),
            commands=cause.words.commands,
        )
    if node.change is not None:
        return Detail(title=say(node.change.sentence), facts=_facts(node.change))
    facts = (_names(node),) if node.names else ()
    return Detail(title=node.text, mark=node.mark, status=node.count, facts=facts)


def _facts(change: Change) -> tuple[tuple[str, str], ...]:
    """Return (what, value), with before and after on separate lines so that they can be compared."""
    altered = {name: _before_and_after(old.strip(), new.strip()) for name, old, new in change.altered}
    return tuple((name, altered.get(name, value)) for name, value in change.detail.items())


def _before_and_after(old: str, new: str) -> str:
    return f"{old}\n→\n{new}" if "\n" in old + new else f"{old}\n→ {new}"


def _names(node: Node) -> tuple[str, str]:
    listed = "\n".join(node.names[:NAMED])
    if len(node.names) > NAMED:
        listed += "\n" + plural("… and {n} more", "… and {n} more", len(node.names) - NAMED)
    return tr("Servers"), listed
