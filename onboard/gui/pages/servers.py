"""Servers: which ones, how to log in to each, and whether each is the one it should be."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QUndoCommand, QUndoStack
from PySide6.QtWidgets import QAbstractItemView, QDialog, QFileDialog, QHBoxLayout, QWidget

from onboard.gui import icons
from onboard.gui.dialogs import show_error
from onboard.gui.models.host_table import ALL
from onboard.gui.models.servers import MARKS, Column, ServersModel
from onboard.gui.page import Page
from onboard.gui.servers.cells import CredentialCell, EditedCell
from onboard.gui.servers.credentials import CredentialsSheet
from onboard.gui.servers.edit import EditSheet
from onboard.gui.servers.import_list import ImportSheet
from onboard.gui.servers.keys import KeysSheet
from onboard.gui.servers.lines import LinesSheet
from onboard.gui.servers.probe import ProbeSheet
from onboard.gui.session import Session, order_profile
from onboard.gui.text import plural, tr
from onboard.gui.theme import CARD_GAP, S4, S8
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cells import StatusCell, TextCell
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.lists import catalog
from onboard.model.errors import OnboardError, ProfileError
from onboard.model.profile import Host, Profile
from onboard.wizard import draft
from onboard.wizard.command_line import command_line
from onboard.wizard.servers import Identity, missing_credentials, to_approve, unseen


class ServersPage(Page):
    stage = "servers"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.undo_stack = QUndoStack(self)
        self._known: tuple[object, object] = ((), {})
        self._unseen = 0
        self._actions: dict[str, QAction] = {}
        self._reading = self._ended = False
        self._compared: _Comparison | None = None
        self._said = ""
        self.column.addWidget(self._header())
        self._error = ErrorPanel()
        self._credentials_notice = self._make_credentials_notice()
        self._keys_notice = self._make_keys_notice()
        self._busy = BusyIndicator()
        self._busy.cancelled.connect(lambda: session.stop_now("trust"))
        self._busy_line = QWidget()
        line = QHBoxLayout(self._busy_line)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._busy)
        for widget in (self._error, self._credentials_notice, self._keys_notice, self._busy_line):
            self.column.addWidget(widget)
        self.model = ServersModel(session, self)
        self.model.changed.connect(lambda profile: self.change(profile, tr("edit")))
        self.model.refused.connect(self._show_typed)
        self.table = self._make_table()
        self.column.addLayout(self._filters())
        self.column.addWidget(self.table, 1)
        self._typed = self._make_typed_notice()
        self._about = self._make_about()
        self.column.addWidget(self._typed)
        self.column.addWidget(self._about)
        self.column.addSpacing(CARD_GAP)
        self._make_actions()
        self._pick()
        self._show()

    # Parts

    def _header(self) -> PageHeader:
        header = PageHeader(
            tr("Servers"), tr("Onboard sends no password or key to a server before you know it is that server.")
        )
        self._test_button = Button(tr("&Test one…"))
        for button, act in (
            (Button(tr("&Add…")), self.add_lines),
            (Button(tr("&Import…")), self.choose_list),
            (Button(tr("C&redentials…")), self.edit_credentials),
            (self._test_button, self.test_one),
        ):
            button.clicked.connect(act)
            header.add_action(button)
        return header

    def _make_credentials_notice(self) -> Banner:
        notice = Banner(Mark.WARN, "")
        describe = Button(tr("Des&cribe…"))
        describe.clicked.connect(self.edit_credentials)
        notice.add_button(describe)
        return notice

    def _make_keys_notice(self) -> Banner:
        notice = Banner(Mark.WARN, "")
        compare = Button(tr("Com&pare with known_hosts…"))
        compare.clicked.connect(self.choose_known_hosts)
        self._review = Button("")
        self._review.clicked.connect(self.review_keys)
        notice.add_button(compare)
        notice.add_button(self._review)
        return notice

    def _make_typed_notice(self) -> Banner:
        notice = Banner(Mark.BAD, "")
        mend = Button(tr("&Mend it"))
        mend.clicked.connect(self._mend)
        discard = Button(tr("Di&scard"))
        discard.clicked.connect(self.model.forget_wrong)
        notice.add_button(mend)
        notice.add_button(discard)
        notice.hide()
        return notice

    def _make_about(self) -> Banner:
        notice = Banner(Mark.WARN, "")
        copy = CopyButton(tr("Cop&y"), lambda: self._said)
        again = Button(tr("&Look again"))
        again.setToolTip(tr("Reads the host keys of the selected servers again"))
        again.clicked.connect(self.read_selected)
        notice.add_button(copy)
        notice.add_button(again)
        return notice

    def _make_table(self) -> DataTable:
        table = DataTable(tr("Servers"))
        for column, cell in (
            (Column.NAME, EditedCell()),
            (Column.ADDRESS, EditedCell(fixed=True, gives=False)),
            (Column.PORT, EditedCell(fixed=True, gives=False)),
            (Column.CREDENTIAL, CredentialCell(self.session)),
            (Column.IDENTITY, StatusCell(gives=False)),
            (Column.FINGERPRINT, TextCell(fixed=True)),
            (Column.TAGS, EditedCell()),
        ):
            table.set_cell(column, cell)
        table.setModel(self.model)
        triggers = QAbstractItemView.EditTrigger
        table.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
        table.picked.connect(self._pick)
        self.model.modelReset.connect(self._pick)
        table.empty_action.connect(self._first_action)
        return table

    def _filters(self) -> QHBoxLayout:
        labels = (
            (Identity.TRUSTED, tr("Trusted")),
            (Identity.TO_APPROVE, tr("To approve")),
            (Identity.REFUSED, tr("Refused")),
            (Identity.NOT_REACHED, tr("Not reached")),
        )
        chips = [Chip(ALL, tr("All")), *(Chip(identity.value, label, MARKS[identity]) for identity, label in labels)]
        self.chips = Chips(tr("Servers by identity"), chips)
        self.chips.picked.connect(lambda key: self._filter(identity=key))
        self.filter = FilterBox(tr("Filter by name, address, tag"))
        self.filter.textChanged.connect(lambda text: self._filter(text=text))
        self._edit_button = Button(tr("&Edit…"), small=True)
        self._edit_button.clicked.connect(self.edit_selected)
        self._remove_button = Button(tr("Rem&ove"), small=True)
        self._remove_button.clicked.connect(self.remove_selected)
        row = QHBoxLayout()
        row.setSpacing(S8)
        row.addWidget(self.chips, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(S4)
        for button in (self._edit_button, self._remove_button):
            buttons.addWidget(button)
        row.addLayout(buttons)
        row.addWidget(self.filter)
        return row

    def _make_actions(self) -> None:
        """What the keyboard and the table's menu do."""
        keys = QKeySequence.StandardKey
        for name, text, icon, shortcut, act in (
            ("edit", tr("&Edit…"), "edit", "Ctrl+E", self.edit_selected),
            ("test", tr("&Test…"), "play", "Ctrl+T", self.test_one),
            ("read", tr("&Read host keys again"), "key", keys.Refresh, self.read_selected),
            ("remove", tr("Rem&ove"), "delete", keys.Delete, self.remove_selected),
            ("paste", tr("&Paste servers…"), "plus", keys.Paste, self.paste),
        ):
            action = QAction(icons.icon(icon), text, self.table)
            action.setShortcut(shortcut)
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(act)
            self.table.addAction(action)
            self._actions[name] = action
        for action, shortcut in (
            (self.undo_stack.createUndoAction(self.table, tr("&Undo")), keys.Undo),
            (self.undo_stack.createRedoAction(self.table, tr("Red&o")), keys.Redo),
        ):
            action.setShortcut(shortcut)
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self.addAction(action)
            self.table.addAction(action)

    # What is

    def draft_changed(self) -> None:
        edited = self.session.view.draft
        if self._known != (edited.hosts, edited.credentials):
            self.undo_stack.clear()  # another profile was opened, or edited elsewhere: what was undone is not there
            self._known = (edited.hosts, edited.credentials)
        self.model.draft_changed()
        self._pick()
        self._show()

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command == "trust":
            self.model.states_changed(hosts)
            was, self._ended = self._ended, self.session.view.state("trust").finished
            if self._ended and not was:
                self._arrange()
            self._pick()
            self._show()

    def running_changed(self) -> None:
        was, self._reading = self._reading, "trust" in self.session.view.ordered
        if self._reading and not was:
            self._busy.start(tr("Reading host keys"))
        elif was and not self._reading:
            self._busy.stop()
            self._arrange()
        if self._reading is not was:
            self._show()

    def _arrange(self) -> None:
        """Keys were read: what needs a person comes first. What is being typed is not disturbed."""
        if self.table.state() is not QAbstractItemView.State.EditingState:
            self.model.arrange()
            self.table.fit_columns()

    def _show(self) -> None:
        """Everything that stands around the table."""
        view = self.session.view
        trust = view.state("trust")
        self._busy_line.setVisible(self._reading)
        if self._reading:
            seen = sum(host.finished for host in trust.hosts.values())
            self._busy.set_progress(min(seen, trust.phase_total), trust.phase_total)
        counts = self.model.counts()
        self._unseen = counts.get(Identity.UNSEEN.value, 0)
        self.chips.set_counts(counts)
        self._test_button.setEnabled(bool(view.draft.hosts))
        self._error.show_failure(trust.failure)
        self._show_credentials()
        self._show_keys(counts.get(Identity.TO_APPROVE.value, 0))
        self._show_empty()

    def _show_credentials(self) -> None:
        missing = missing_credentials(self.session.view.draft)
        self._credentials_notice.setVisible(bool(missing))
        if missing:
            name, servers = next(iter(missing.items()))
            what = tr("Nothing says yet how {name} logs in.", name=name)
            then = plural("{n} server uses it.", "{n} servers use it.", servers)
            if len(missing) > 1:
                what = tr("Nothing says yet how these credentials log in: {names}.", names=", ".join(missing))
                then = plural("{n} server uses one.", "{n} servers use one.", sum(missing.values()))
            self._credentials_notice.show_notice(Mark.WARN, what, then)

    def _show_keys(self, count: int) -> None:
        compared = self._compared
        ended = not self._reading and compared is not None
        self._keys_notice.setVisible(count > 0 and not self._reading)
        if not count or self._reading:
            return
        what = plural(
            "{n} server shows a key that nobody has approved.",
            "{n} servers show a key that nobody has approved.",
            count,
        )
        then = tr("Compare the fingerprints with a list you trust, or approve them here.")
        if ended and compared is not None:
            found = compared.before - count
            then = plural(
                "{n} key stands in {file} and is approved now; of the others it says nothing.",
                "{n} keys stand in {file} and are approved now; of the others it says nothing.",
                found,
                file=compared.file,
            )
        self._keys_notice.show_notice(Mark.WARN, what, then)
        self._review.setText(plural("Revie&w {n} key", "Revie&w {n} keys", count))

    def _show_empty(self) -> None:
        if self.session.view.draft.hosts:
            self.table.set_empty(
                tr("No server fits"),
                tr("None has this identity and the text of the filter."),
                tr("&Show all"),
                "filter",
            )
        else:
            self.table.set_empty(
                tr("No servers yet"),
                tr(
                    "The servers to bring into Systems Manager: type or paste them, import a CSV file or drop one here."
                ),
                tr("Add &servers…"),
                "plus",
            )

    def _first_action(self) -> None:
        if self.session.view.draft.hosts:
            self.filter.clear()
            self.chips.pick(ALL)
        else:
            self.add_lines()

    def _filter(self, *, identity: str | None = None, text: str | None = None) -> None:
        self.model.filter(identity=identity, text=text)

    @Slot()
    def _pick(self) -> None:
        """What the selection allows, and what is to say about it."""
        rows = self.table.selected_rows()
        for button in (self._edit_button, self._remove_button):
            button.setEnabled(bool(rows))
        for name in ("edit", "read", "remove"):
            self._actions[name].setEnabled(bool(rows))
        host = self.model.host(rows[0]) if len(rows) == 1 else None
        marks = {Identity.REFUSED: Mark.BAD, Identity.NOT_REACHED: Mark.BAD, Identity.TO_APPROVE: Mark.WARN}
        identity = self.model.identity(host) if host else Identity.UNSEEN
        self._about.setVisible(identity in marks)
        if host is not None and identity in marks:
            state = self.session.view.state("trust").hosts[host.name]
            what = tr("{name}: {words}", name=host.name, words=self.model.identity_words(host))
            lines = [f"{state.reason}." if state.reason else "", f"{state.remedy}." if state.remedy else ""]
            then = "\n".join(line for line in lines if line)
            self._said = f"{what}\n{then}"
            self._about.show_notice(marks[identity], what, then)

    @Slot()
    def _show_typed(self) -> None:
        wrong = self.model.first_wrong
        self._typed.setVisible(wrong is not None)
        if wrong is not None:
            name, problem = wrong
            what = tr("{name}, {key}: {problem}.", name=name, key=problem.key, problem=problem.problem)
            self._typed.show_notice(Mark.BAD, what, f"{problem.remedy}.")

    def _mend(self) -> None:
        index = self.model.index_of_wrong()
        if index.isValid():
            self.table.setFocus()
            self.table.setCurrentIndex(index)
            self.table.edit(index)

    # Edits

    def change(self, profile: Profile, words: str) -> None:
        """Edit the servers and credentials of the draft, so that it can be undone."""
        before = self.session.view.draft
        if (before.hosts, before.credentials) != (profile.hosts, profile.credentials):
            self.undo_stack.push(_Edit(self, before, profile, words))

    def put(self, profile: Profile) -> None:
        """Put the servers and credentials of `profile` into the draft."""
        self._known = (profile.hosts, profile.credentials)
        now = {"hosts": profile.hosts, "credentials": profile.credentials}
        self.session.edit(self.session.view.draft.model_copy(update=now))

    def selected(self) -> list[str]:
        return [self.model.host(row).name for row in self.table.selected_rows()]

    @Slot()
    def add_lines(self, text: str = "") -> None:
        sheet = LinesSheet(self, self.session.view.draft, text or "")
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.change(sheet.profile, tr("add"))

    @Slot()
    def paste(self) -> None:
        text = QGuiApplication.clipboard().text()
        if text.strip():
            self.add_lines(text)

    @Slot()
    def choose_list(self) -> None:
        kinds = tr(
            "Lists of servers ({kinds});;All files (*)", kinds=" ".join(f"*{suffix}" for suffix in catalog.SUFFIXES)
        )
        name, _ = QFileDialog.getOpenFileName(self, tr("Import servers"), "", kinds)
        if name:
            self.take_file(Path(name))

    def take_file(self, path: Path) -> None:
        try:
            read = catalog.read(path)
        except ProfileError as error:
            show_error(self, tr("The list was not imported"), error)
            return
        sheet = ImportSheet(self, self.session.view.draft, path, read)
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.change(sheet.profile, tr("import"))

    @Slot()
    def edit_selected(self) -> None:
        names = self.selected()
        if names:
            sheet = EditSheet(self, self.session.view.draft, names)
            if sheet.exec() == QDialog.DialogCode.Accepted:
                self.change(sheet.profile, tr("edit"))

    @Slot()
    def remove_selected(self) -> None:
        """Without a question: Undo brings them back."""
        names = set(self.selected())
        if names:
            self.change(draft.without_hosts(self.session.view.draft, names), tr("remove"))

    @Slot()
    def edit_credentials(self) -> None:
        missing = next(iter(missing_credentials(self.session.view.draft)), "")
        rows = self.table.selected_rows()
        chosen = missing or (self.model.host(rows[0]).credential if rows else "")
        try:
            lockout = self.session.lockout()
        except OnboardError as error:
            show_error(self, tr("The credentials cannot be shown"), error)
            return
        sheet = CredentialsSheet(self, self.session.view.draft, lockout, chosen)
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.change(sheet.profile, tr("edit credentials"))

    # Identity

    def read_keys(self, names: Collection[str], **more: Any) -> None:
        """Read the host keys of these servers; what is known of the others stays."""
        wanted = set(names)
        if "known_hosts" not in more:
            self._compared = None
        if wanted and not self._reading:
            self.session.run("trust", profile=order_profile(self.session.view.draft, wanted), fresh=False, **more)

    @Slot()
    def read_selected(self) -> None:
        self.read_keys(self.selected())

    @Slot()
    def choose_known_hosts(self) -> None:
        folder = Path("~/.ssh").expanduser()
        name, _ = QFileDialog.getOpenFileName(self, tr("Compare with known_hosts"), str(folder), tr("All files (*)"))
        if name:
            self.compare_with(Path(name))

    def compare_with(self, path: Path) -> None:
        """Approve the keys that a known_hosts file lists for their servers."""
        keys = to_approve(self.session.view.draft, self.session.view.state("trust"))
        self._compared = _Comparison(path.name, len(keys))
        self.read_keys(keys, known_hosts=str(path))

    @Slot()
    def review_keys(self) -> None:
        keys = to_approve(self.session.view.draft, self.session.view.state("trust"))
        addresses = {host.name: _address(host) for host in self.session.view.draft.hosts if host.name in keys}
        sheet = KeysSheet(self, keys, addresses)
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.read_keys(sheet.approved, approve=sheet.approved)

    @Slot()
    def test_one(self) -> None:
        """The selected server, else the first."""
        rows = self.table.selected_rows() or ([0] if self.model.rowCount() else [])
        if rows:
            ProbeSheet(self, self.session, self.model.host(rows[0])).exec()

    # What the window asks

    def primary_label(self) -> str:
        return tr("Read host &keys") if self._unseen and not self.session.view.running else ""

    def primary(self) -> bool:
        if not self.primary_label():
            return False
        self.read_keys(unseen(self.session.view.draft, self.session.view.state("trust")))
        return True

    def cancel(self) -> bool:
        if self._reading:
            self.session.stop_now("trust")
        return self._reading

    def command_line(self) -> str:
        path = self.session.view.path
        return command_line("onboard", "trust", "--profile", str(path)) if path else ""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """With which file keys were compared, and how many waited for approval then."""

    file: str
    before: int


class _Edit(QUndoCommand):
    """Holds whole lists: they are frozen, and share the servers that did not change."""

    def __init__(self, page: ServersPage, before: Profile, after: Profile, words: str) -> None:
        super().__init__(words)
        self._page, self._before, self._after = page, before, after

    def redo(self) -> None:
        self._page.put(self._after)

    def undo(self) -> None:
        self._page.put(self._before)


def _address(host: Host) -> str:
    return host.place.address if host.place.port == 22 else str(host.place)
